"""Arrays of other packages: tensors over NumPy, and arrays that NumPy can read, of a package that
lacks doubles and flushes subnormal numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .cli import check, only
from .inspected import inspected

LAYERS = """\
import numpy as np
from dropspec.reference.dropout import dropout as reference

class Single:
    def __init__(self, numbers):
        self.numbers = numbers

    def __array__(self, dtype=None, copy=None):
        return self.numbers

    def __mul__(self, other):
        product = self.numbers * other
        return Single(np.where(np.abs(product) < np.finfo(np.float32).tiny, 0, product))

def single(x, rate, training=True, rng=None):
    if x.dtype.kind != "f":
        raise TypeError("floating numbers only")
    y = reference(x.astype(np.float32), rate, rng or np.random.default_rng(), training)
    return Single(np.where(np.abs(y) < np.finfo(np.float32).tiny, 0, y).astype(np.float32))

def as_doubles(x, rate, training=True, rng=None):
    y = reference(x, rate, rng or np.random.default_rng(), training)
    return Single(y.astype(np.float64))

def of_images(x, rate, training=True):
    mask = np.random.random((x.shape[0], 1, 1, 1)) >= rate
    return x * mask / (1 - rate) if training else x

class Tensor:
    def __init__(self, data):
        self.data = np.asarray(data, np.float32)

class Layer:
    def __init__(self, rate):
        self.rate = rate

    def __call__(self, x, train=True):
        assert isinstance(x, Tensor)
        return Tensor(reference(x.data, self.rate, np.random.default_rng(0), train))
"""


@pytest.fixture
def layers(tmp_path: Path) -> str:
    """The file of those above."""
    path = tmp_path / "layers.py"
    path.write_text(LAYERS, "utf-8")
    return str(path)


def test_what_a_package_casts_and_flushes_is_not_the_layers(tmp_path: Path, layers: str) -> None:
    """Of arrays that NumPy reads, a dtype that comes back as single precision is not taken, and
    nothing is said of subnormal numbers.
    """
    impl = inspected(f"{layers}:single")
    assert (impl.dtypes, impl.facts.cast, impl.facts.flushes) == (("float32",), {}, True)
    found = check(tmp_path, f"{layers}:single", *only("layout-1", "numerics-1", "numerics-3"))
    assert found.code == 0
    assert found.verdicts(f"{layers}:single")["numerics-3"] == "NOT CLAIMED"


def test_no_policy_makes_doubles(layers: str) -> None:
    """Single precision that comes back as double is the layer's own fault."""
    assert inspected(f"{layers}:as_doubles").facts.cast["float32"] == "float64"


def test_a_mask_of_more_axes_is_a_number_of_axes(layers: str) -> None:
    """A function whose mask broadcasts an input to a larger one takes only inputs of its axes."""
    refused = inspected(f"{layers}:of_images").facts.ranks_refused
    assert set(refused) == {0, 1, 2, 3, 5}
    assert "returned shape (8, 1, 1, 8)" in refused[1]


def test_a_layer_gets_tensors_of_its_own_package(layers: str) -> None:
    """The class of tensors is found, dtypes that it does not hold are not offered, and the arrays
    are read back.
    """
    impl = inspected(f"{layers}:Layer")
    assert impl.dtypes == ("float32",)
    y = impl.train(np.ones(4096, np.float32), 0.25, seed=0).output
    assert 0.2 < (y == 0).mean() < 0.3
