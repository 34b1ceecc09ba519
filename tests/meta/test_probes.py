"""The probe: masks are read back exactly, what no mask explains is refused, and every form of
DropConnect in torch is the reference's.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from dropspec.core.arrays import DTYPES, FRACTION_BITS, Array
from dropspec.core.calls import Arrays
from dropspec.core.errors import Unreadable
from dropspec.families.dropconnect.linear import Linear
from dropspec.families.dropconnect.probes import MOST, probe
from dropspec.reference.dropconnect import Sharing, draw_masks, forward, gradients
from dropspec.reference.layers import DropConnect

from .inspected import inspected

CASES = 10_000
RATES = (0.001, 0.01, 0.1, 0.3, 0.5, 0.75, 0.9, 0.99, 0.999)


class Recording(DropConnect):
    """The reference layer, which keeps the mask that it drew last."""

    mask: Tensor

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        """Draws and keeps."""
        self.mask = super().draw_mask(parameter, examples)
        return self.mask


def sizes(rng: np.random.Generator) -> tuple[int, int, int, str, float]:
    """Examples, outputs, inputs up to the most that can be told apart, dtype and rate of one
    case.
    """
    dtype = str(rng.choice(list(DTYPES)))
    return (
        int(rng.integers(1, 5)),
        int(rng.integers(1, 7)),
        int(rng.integers(1, MOST[dtype] + 1)),
        dtype,
        float(rng.choice(RATES)),
    )


def test_the_recovered_mask_is_the_one_used() -> None:
    """On ten thousand drawn layers, of all dtypes, sizes and both kinds of sharing, half of them
    torch's, every bit is read back.
    """
    rng, wrong = np.random.default_rng(3), 0
    torch.manual_seed(3)
    for case in range(CASES):
        examples, outputs, inputs, dtype, rate = sizes(rng)
        sharing: Sharing = "example" if case % 4 < 2 else "call"
        numbers = probe(examples, rng.choice([-1.0, 1.0], (outputs, inputs)), DTYPES[dtype])
        if case % 2:
            mask = draw_masks(examples, numbers.weight, rate, rng, sharing)
            y = forward(numbers.x, numbers.weight, None, mask, rate)
        else:
            y, mask = by_torch(numbers.x, numbers.weight, rate, sharing)
        read = numbers.read(y, 1 / (1 - rate))
        wrong += not np.array_equal(read, np.broadcast_to(mask, read.shape))
    assert wrong == 0


def by_torch(x: Array, weight: Array, rate: float, sharing: Sharing) -> tuple[Array, Array]:
    """The output of the reference layer, and the mask it used."""
    outputs, inputs = weight.shape
    layer = Recording(inputs, outputs, rate, bias=False, mask_per=sharing)
    dtype = getattr(torch, x.dtype.name)
    layer.to(dtype).weight.data = torch.from_numpy(weight.astype(np.float64)).to(dtype)
    y = layer(torch.from_numpy(x.astype(np.float64)).to(dtype))
    return y.detach().double().numpy(), layer.mask.numpy()


def test_what_no_mask_explains_is_refused() -> None:
    """A half of the smallest product, a number out of range and a NaN are no sums of products;
    the sentence says which output it was.
    """
    numbers = probe(2, np.ones((3, 4)), DTYPES["float32"])
    right = forward(numbers.x, numbers.weight, None, np.ones((3, 4), bool), 0.5)
    for value in (right[1, 2] + 2.0**-8, 1e6, -1e6, np.nan, np.inf):
        spoilt = right.copy()
        spoilt[1, 2] = value
        with pytest.raises(
            Unreadable,
            match=r"no mask over the 4 weights of output 2 explains its value .* for example 1",
        ):
            numbers.read(spoilt, 2.0)


def test_all_products_differ() -> None:
    """In every dtype, products are ± powers of two, no two alike in size, and free of rounding."""
    for dtype, most in MOST.items():
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (3, most))
        numbers = probe(1, signs, DTYPES[dtype])
        products = np.abs(numbers.x.astype(float) * numbers.weight.astype(float))
        assert (np.log2(products) % 1 == 0).all()
        assert all(len(set(row)) == most for row in products)
        assert (np.sign(numbers.weight.astype(float)) == signs).all()


FORMS = {
    "parametrized": "dropspec.tests.mutants.right.connections:ParametrizedLinear",
    "functional_call": "dropspec.tests.mutants.right.connections:CalledWithDroppedWeight",
    "a function": "dropspec.tests.mutants.right.connections:functional_linear",
    "vmap": "dropspec.tests.mutants.right.connections:VmappedLinear",
    "the reference layer": "dropspec.reference:DropConnect",
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", FORMS)
def test_given_the_recovered_mask_the_reference_gives_torchs_numbers(form: str, dtype: str) -> None:
    """Output and all three gradients of every form of DropConnect in torch are the reference's
    under the mask that was recovered.
    """
    impl = inspected(FORMS[form], 60.0)
    assert isinstance(impl, Linear)
    rng = np.random.default_rng(5)
    for seed, rate in enumerate((0.1, 0.5, 0.9)):
        numbers = probe(4, rng.choice([-1.0, 1.0], (5, 13)), DTYPES[dtype])
        upstream = rng.standard_normal((4, 5)).astype(DTYPES[dtype])
        bias = np.zeros(5, DTYPES[dtype])
        impl.reseed(seed)
        product = impl.connect(rate, numbers.weight, bias).train(numbers.x, differentiable=True)
        mask = numbers.read(product.output, 1 / (1 - rate))
        came, expected = (
            product.gradients(upstream),
            gradients(upstream, numbers.x, numbers.weight, mask, rate),
        )
        assert_near(product.output, forward(numbers.x, numbers.weight, bias, mask, rate))
        assert_all_near(came, expected)


def assert_all_near(came: Arrays, expected: object) -> None:
    """All three gradients agree."""
    for name in ("x", "weight", "bias"):
        g = came[name]
        assert g is not None
        assert_near(g, getattr(expected, name))


def assert_near(came: Array, expected: Array) -> None:
    """Sums of a dozen terms agree to the rounding of a few of them, relative to the largest."""
    assert came.dtype == expected.dtype
    assert (
        np.abs(came - expected).max()
        <= 16 * 2.0 ** -FRACTION_BITS[came.dtype.name] * np.abs(expected).max()
    )
