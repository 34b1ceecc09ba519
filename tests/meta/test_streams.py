"""The seed or generator that a function takes: found by its name and annotation, passed on, and
said to be unclear where it is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dropspec.core.errors import BadTarget, NotClaimed
from dropspec.core.implementation import Implementation

from .cli import check, only
from .inspected import inspected

LAYERS = """\
import numpy as np
import torch
from torch import Generator
from torch.nn import functional
from dropspec.reference.dropout import apply_mask, check_rate

def masked(x, p, generator):
    p = check_rate(p)
    u = torch.empty_like(x, dtype=torch.float64).uniform_(generator=generator)
    return torch.where(u >= p, x / ((1 - p) or 1.0), 0)

def seeded(x, p, seed):
    return masked(x, p, torch.Generator().manual_seed(seed))

def given(x, p, generator):
    return masked(x, p, generator)

def annotated(x, p, rng: "Generator"):
    return masked(x, p, rng)

def optional(x, p, generator=None):
    return masked(x, p, generator)

def of_numpy(x, p, rng: np.random.Generator):
    p = check_rate(p)
    u = torch.from_numpy(np.asarray(rng.random(x.shape)))
    return torch.where(u >= p, x / ((1 - p) or 1.0), 0)

def older(x, rate, rng: np.random.RandomState):
    return apply_mask(x, np.asarray(rng.random_sample(x.shape) >= rate), check_rate(rate))

def unclear(x, rate, rng):
    return older(x, rate, rng)

def linear(x, weight, bias, p, generator: torch.Generator):
    return functional.linear(x, masked(weight, p, generator), bias)

def linear_seeded(x, weight, bias, p, seed):
    return functional.linear(x, seeded(weight, p, seed), bias)

class OfSeed(torch.nn.Module):
    def __init__(self, p=0.5, seed=None):
        super().__init__()
        self.p, self.generator = check_rate(p), torch.Generator()
        self.generator.seed() if seed is None else self.generator.manual_seed(seed)
    def forward(self, x):
        return masked(x, self.p, self.generator) if self.training and self.p else x

def raises(x, p, seed: int):
    raise RuntimeError("no kernel")
"""
MADE = {  # what a reproduction begins with
    "seeded": ["torch.manual_seed(5)", "seed = 5"],
    "given": ["torch.manual_seed(5)", "generator = torch.Generator().manual_seed(5)"],
    "annotated": ["torch.manual_seed(5)", "generator = torch.Generator().manual_seed(5)"],
    "optional": ["torch.manual_seed(5)"],
    "of_numpy": ["torch.manual_seed(5)", "rng = np.random.default_rng(5)"],
    "older": ["rng = np.random.RandomState(5)"],
    "OfSeed": ["torch.manual_seed(5)", "seed = 5"],
}
INTS = ("seeded", "OfSeed")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all of them."""
    path = tmp_path_factory.mktemp("streams") / "streams.py"
    path.write_text(LAYERS, "utf-8")
    return path


def implementation(path: Path, name: str) -> Implementation:
    """The implementation that one of them is."""
    return inspected(f"{path}:{name}")


@pytest.mark.parametrize("name", MADE)
def test_the_stream_is_what_it_is_named_or_annotated(path: Path, name: str) -> None:
    """An int, a generator of torch's or of NumPy's two kinds reaches the function; one seed
    gives one mask, the next call another.
    """
    impl, x = implementation(path, name), np.ones(64, np.float32)
    impl.driver.require_seedable()
    first, again, other = (impl.train(x, 0.5, seed).output for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    impl.reseed(5)
    layer = impl.layer(0.5)
    assert [np.array_equal(layer.train(x).output, first) for _ in range(2)] == [True, False]
    assert impl.driver.seed_lines(5) == MADE[name]


@pytest.mark.parametrize("name", [name for name in MADE if name not in INTS])
def test_a_generators_state_is_read_and_put_back(path: Path, name: str) -> None:
    """The state that was read before a call, put back, gives the same mask again; a call moves
    it.
    """
    impl, x = implementation(path, name), np.ones(64, np.float32)
    impl.reseed(5)
    before = impl.driver.state()
    first = impl.layer(0.5).train(x).output
    assert before != impl.driver.state()
    impl.driver.restore(before)
    assert np.array_equal(impl.layer(0.5).train(x).output, first)


def test_an_int_has_no_state_and_an_argument_is_not_recomputed(path: Path) -> None:
    """What a stream that is an argument cannot offer is not claimed."""
    impl = implementation(path, "seeded")
    with pytest.raises(NotClaimed, match="an int seed has no state"):
        impl.driver.state()
    with pytest.raises(NotClaimed, match="its random stream is an argument"):
        impl.driver.checkpointed(np.ones(8, np.float32), 0.5, 0)


def test_an_unclear_stream_is_asked_about(path: Path) -> None:
    """A generator of a kind that nothing names is a BadTarget which says how to name it, and a
    function that raises for itself one that says what it raised.
    """
    with pytest.raises(
        BadTarget,
        match=r"takes 'rng', and it is not clear what that should be, for .* annotate it as",
    ):
        implementation(path, "unclear")
    with pytest.raises(BadTarget, match=r"one plain call in training must work .* no kernel"):
        implementation(path, "raises")


def test_a_constructor_gets_its_seed(path: Path) -> None:
    """A layer that is seeded when it is built keeps the clauses about seeds, and its
    reproduction says with what.
    """
    ran = check(
        path.parent, "streams.py:OfSeed", *only("seed-1", "seed-2", "seed-4", "independence-3")
    )
    assert ran.verdicts("streams.py:OfSeed") == {
        "independence-3": "HOLDS",
        "seed-1": "HOLDS",
        "seed-2": "HOLDS",
        "seed-4": "NOT CLAIMED",
    }
    assert (
        implementation(path, "OfSeed").driver.spelled(0.5, "training")
        == "OfSeed(0.5, seed=seed).train()(x)"
    )


def test_linear_functions_get_their_stream_too(path: Path) -> None:
    """A function of (x, weight, bias, p) with a generator or a seed keeps the clauses of
    DropConnect about chance and seeds.
    """
    names = ("linear", "linear_seeded")
    ran = check(
        path.parent,
        *(f"streams.py:{n}" for n in names),
        *only("weights-2", "limits-5", "limits-6", "product-1"),
    )
    for name in names:
        assert set(ran.verdicts(f"streams.py:{name}").values()) == {"HOLDS"}
