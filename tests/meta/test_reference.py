"""The reference against torch, mask by mask, and against its own laws, over all masks at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product
from types import SimpleNamespace
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from dropspec.core.arrays import DTYPES, Array, nonzero
from dropspec.core.cases import LARGE, Case
from dropspec.core.compare import require, require_identical, ulps_allowed, ulps_between
from dropspec.core.recipes import SHAPES, cases, rates
from dropspec.frameworks.torch.tape import to_numpy, to_torch
from dropspec.reference.dropout import apply_mask, check_rate, draw_mask, dropout, gradient
from dropspec.reference.layers import Dropout

FIXED = hypothesis.settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    suppress_health_check=list(hypothesis.HealthCheck),
)
EDGES = ((), (0,), (3, 0, 2), (1,), (1, 1))


def anywhere(*values: str) -> st.SearchStrategy[Case]:
    """Calls over all shapes, dtypes and layouts, of these kinds of values, at rates of which
    each fourth is 0 or 1.
    """
    return st.builds(
        lambda case, shape, rate: replace(case, shape=shape, rate=rate),
        cases(*values).strategy,
        st.sampled_from((*SHAPES, *EDGES)),
        st.one_of(*3 * [rates().strategy], st.sampled_from((0.0, 1.0))),
    )


Forward = Callable[[Tensor], Tensor]
TORCH: dict[str, Callable[[float], Forward]] = {
    "torch.nn.Dropout": nn.Dropout,
    "torch.nn.functional.dropout": lambda rate: (
        lambda x: nn.functional.dropout(x, rate, training=True)
    ),
    "the reference layer": Dropout,
}


def run(layer: Forward, case: Case) -> tuple[Array, Array]:
    """The output of a torch layer or function in training, and its gradient for the case's
    upstream.
    """
    torch.manual_seed(case.seed)
    x = to_torch(case.x).requires_grad_()
    y = layer(x)
    (g,) = torch.autograd.grad(y, x, to_torch(np.asarray(case.upstream)))
    return to_numpy(y), to_numpy(g)


@pytest.mark.parametrize("name", TORCH)
def test_given_torchs_mask_the_reference_gives_torchs_numbers(name: str) -> None:
    """With the mask recovered from torch's output, apply_mask is that output and gradient is
    torch's, to the ulps of scale-1.
    """

    @FIXED
    @hypothesis.example(case=Case(LARGE, rate=0.3))
    @hypothesis.example(case=Case(LARGE, "bfloat16", "transposed", rate=0.9))
    @hypothesis.given(case=anywhere("plain", "wide", "subnormal", "huge"))
    def check(case: Case) -> None:
        y, g = run(TORCH[name](case.rate), case)
        mask = nonzero(y)  # the inputs hold no zeros, so a zero can only be a drop
        allowed = ulps_allowed(y.dtype, case.rate) if case.rate < 1 else 0
        for ours, theirs in (
            (apply_mask(case.x, mask, case.rate), y),
            (gradient(case.upstream, mask, case.rate), g),
        ):
            assert ours.dtype == theirs.dtype
            assert ours.shape == theirs.shape
            require(
                ulps_between(ours, theirs) <= allowed,
                "the reference must agree with torch",
                ours=ours,
                theirs=theirs,
            )
        assert mask.all() if case.rate == 0 else case.rate < 1 or not mask.any()

    check()


@pytest.mark.parametrize("name", TORCH)
def test_evaluation_and_rate_0_are_the_identity_everywhere(name: str) -> None:
    """In evaluation, and in training at rate 0, the reference, its layer and torch give the
    input bit for bit.
    """

    @FIXED
    @hypothesis.given(case=anywhere("plain", "special"))
    def check(case: Case) -> None:
        x, rng = case.x, np.random.default_rng(case.seed)
        outputs = [
            to_numpy(TORCH[name](0.0)(to_torch(x))),
            dropout(x, 0, rng),
            dropout(x, case.rate, rng, training=False),
        ]
        layer = TORCH[name](case.rate)
        if isinstance(layer, nn.Module):
            outputs.append(to_numpy(layer.eval()(to_torch(x))))
        for y in outputs:
            require_identical(y, x, "the output must be the input bit for bit")
        assert rng.bit_generator.state == np.random.default_rng(case.seed).bit_generator.state

    check()


def test_dropout_is_its_own_mask_applied() -> None:
    """dropout() draws one mask from its generator and applies it, in any dtype, shape and
    layout; the input stays as it was.
    """

    @FIXED
    @hypothesis.given(case=anywhere("plain", "special"))
    def check(case: Case) -> None:
        hypothesis.assume(case.rate > 0)
        x, rng = case.x, np.random.default_rng(case.seed)
        before, y = x.tobytes(), dropout(x, case.rate, rng)
        require_identical(
            y,
            apply_mask(
                x, draw_mask(x.shape, case.rate, np.random.default_rng(case.seed)), case.rate
            ),
            "one mask, applied",
        )
        assert (y.dtype, y.shape, x.tobytes()) == (x.dtype, x.shape, before)

    check()


def test_dropped_nan_and_inf_become_zero() -> None:
    """What is dropped is 0 whatever it was, in every dtype; what survives as NaN or infinity
    stays so (edge-7).
    """
    for dtype in DTYPES.values():
        x = np.array([np.nan, np.inf, -np.inf, -3.0] * 2, dtype)
        y = apply_mask(x, np.arange(8) < 4, 0.5)
        assert y[4:].tolist() == [0, 0, 0, 0]
        require_identical(y[:4], np.array([np.nan, np.inf, -np.inf, -6.0], dtype), "survivors")


def test_masks_are_thresholds_of_the_uniforms() -> None:
    """A unit is dropped just where its uniform lies below the rate: at rate 0 none, not even at
    0; at rate 1 all, up to 1 - 2^-53.
    """
    uniforms = np.array([0.0, 0.25 - 2.0**-53, 0.25, 0.5, 1 - 2.0**-53])
    rng: Any = SimpleNamespace(random=lambda shape: uniforms.reshape(shape))
    kept = {rate: draw_mask((5,), rate, rng).tolist() for rate in (0.0, 0.25, 1.0)}
    assert kept == {0.0: [True] * 5, 0.25: [False, False, True, True, True], 1.0: [False] * 5}
    assert draw_mask((), 0.5, np.random.default_rng(0)).shape == ()


def masks(units: int, rate: Fraction) -> Iterator[tuple[Array, Fraction]]:
    """All masks of so many units, each with its chance."""
    for bits in product((False, True), repeat=units):
        yield np.array(bits), rate ** (units - sum(bits)) * (1 - rate) ** sum(bits)


@pytest.mark.parametrize("rate", [Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(7, 8)])
def test_mean_variance_and_ridge_identity_are_exact(rate: Fraction) -> None:
    """Over all masks of four inputs, in whole fractions: the mean is x, the variance x²
    rate/keep, the mean loss |t - xw|² + penalty.
    """
    x, w, t = (
        np.array([3.0, -6.0, 0.75, 12.0]),
        [Fraction(2), Fraction(-1, 2), Fraction(5), Fraction(1, 8)],
        Fraction(7),
    )
    # multiples of 3, so that x / keep is exact at keep 3/4 as well
    exact = [Fraction(v) for v in x.tolist()]
    mean, square, loss = [Fraction(0)] * 4, [Fraction(0)] * 4, Fraction(0)
    for mask, chance in masks(4, rate):
        y = [Fraction(v) for v in apply_mask(x, mask, float(rate)).tolist()]
        mean = [m + chance * v for m, v in zip(mean, y, strict=True)]
        square = [s + chance * v**2 for s, v in zip(square, y, strict=True)]
        loss += chance * (t - sum(v * k for v, k in zip(y, w, strict=True))) ** 2
    assert mean == exact
    assert [s - m**2 for s, m in zip(square, mean, strict=True)] == [
        v**2 * rate / (1 - rate) for v in exact
    ]
    penalty = rate / (1 - rate) * sum(k**2 * v**2 for k, v in zip(w, exact, strict=True))
    assert loss == (t - sum(v * k for v, k in zip(exact, w, strict=True))) ** 2 + penalty


@pytest.mark.parametrize("rate", [0.1, 1 / 3, 0.9, 0.999])
def test_mean_and_variance_hold_at_rates_that_are_no_fractions_of_two(rate: float) -> None:
    """There x / keep is rounded once, so the mean over all masks is x to a relative 2^-52 and
    the second moment x² / keep to twice that.
    """
    x = np.random.default_rng(0).standard_normal(6)
    mean, square = [Fraction(0)] * 6, [Fraction(0)] * 6
    for mask, chance in masks(6, Fraction(rate)):
        y = [Fraction(v) for v in apply_mask(x, mask, rate).tolist()]
        mean = [m + chance * v for m, v in zip(mean, y, strict=True)]
        square = [s + chance * v**2 for s, v in zip(square, y, strict=True)]
    for v, m, s in zip(map(Fraction, x.tolist()), mean, square, strict=True):
        assert abs(m / v - 1) <= Fraction(1, 2**52)
        assert abs(s * (1 - Fraction(rate)) / v**2 - 1) <= Fraction(2, 2**52)


@pytest.mark.parametrize(
    "refuse",
    [check_rate, Dropout, lambda rate: dropout(np.ones(3), rate, np.random.default_rng(0))],
)
def test_what_is_no_rate_is_refused(refuse: Any) -> None:
    """A number outside [0, 1], NaN included, is a ValueError, and something other than a real
    number a TypeError; the sentence says what came.
    """
    for rate in (
        -0.1,
        1.1,
        -1e-300,
        1 + 2.0**-52,
        2,
        -1,
        float("nan"),
        float("inf"),
        float("-inf"),
        np.float32(1.5),
        Fraction(3, 2),
    ):
        with pytest.raises(ValueError, match=f"a rate is a number from 0 to 1, not {rate}"):
            refuse(rate)
    for thing in ("0.5", None, 0.5j, [0.5], np.array([0.5]), torch.tensor(0.5)):
        with pytest.raises(
            TypeError, match=f"a rate is a number from 0 to 1, not {type(thing).__name__}"
        ):
            refuse(thing)
    for rate in (
        0,
        1,
        0.0,
        -0.0,
        1.0,
        0.5,
        5e-324,
        1 - 2.0**-53,
        np.float32(0.5),
        np.float64(0.5),
        Fraction(1, 3),
        True,
    ):
        refuse(rate)


def test_integer_input_is_refused() -> None:
    """Integers and truth values are no input to dropout: x / keep would be cut off."""
    for x in (np.arange(4), np.ones(4, np.uint8), np.ones(4, bool), np.ones(4, complex)):
        with pytest.raises(TypeError, match=f"dropout needs floating input, not {x.dtype}"):
            apply_mask(x, np.ones(4, bool), 0.5)
        for layer in (Dropout(0.5), Dropout(0.5).eval()):
            with pytest.raises(TypeError, match="dropout needs floating input"):
                layer(torch.from_numpy(x))
