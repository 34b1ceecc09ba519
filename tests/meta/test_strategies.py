"""The inputs: a recipe always builds the same array, of the kind of values and the memory layout
that it says.
"""

from __future__ import annotations

from dataclasses import replace

import hypothesis
import numpy as np
import pytest
from hypothesis import find

from dropspec.core.arrays import (
    DTYPES,
    FRACTION_BITS,
    LAYOUTS,
    Array,
    copy_as_laid_out,
    laid_out,
    nonzero,
    raw,
)
from dropspec.core.cases import LARGE, Case
from dropspec.core.recipes import RATES, SHAPES, Recipe, cases, draw_recipes, rates, recipes, seeds

ALL = pytest.mark.parametrize("dtype", DTYPES)
# with the seed fixed; under another, the counts below would lie outside their limits with chance
# below 1e-50 (Hoeffding)
MANY = (4000,)
FIXED = hypothesis.settings(derandomize=True, database=None, deadline=None, max_examples=60)


def magnitudes(case: Case) -> Array:
    """The bits of |x|, as numbers that rise with it."""
    x = case.x
    bits = raw(x).astype(np.uint64)
    return np.asarray(bits & np.uint64((1 << (8 * x.dtype.itemsize - 1)) - 1))


def limits(dtype: str) -> tuple[int, int]:
    """The bits of the smallest normal number, and of infinity."""
    return 1 << FRACTION_BITS[dtype], int(raw(np.array(np.inf, DTYPES[dtype])))


@ALL
def test_plain_numbers_are_normal_and_of_either_sign(dtype: str) -> None:
    """Plain numbers, the upstream gradient among them, are from 0.25 to 8 in size, without
    zeros, of both signs, in the dtype.
    """
    case = Case(shape=MANY, dtype=dtype)
    for x in (case.x, case.upstream):
        assert x.dtype == DTYPES[dtype]
        size = np.abs(x.astype(float))
        assert size.min() >= 0.25
        assert size.max() < 8
        assert 1500 < (x > 0).sum() < 2500
    assert (case.x != case.upstream).any()


@ALL
def test_numbers_by_binades_are_where_they_should_be(dtype: str) -> None:
    """Subnormal, huge (the top eight binades) and wide numbers are finite, not 0, of both signs,
    and fill their range.
    """
    normal, infinity = limits(dtype)
    for values, low, high in (
        ("subnormal", 1, normal),
        ("huge", infinity - 8 * normal, infinity),
        ("wide", 1, infinity),
    ):
        case = Case(shape=MANY, dtype=dtype, values=values)
        size = magnitudes(case)
        assert low <= size.min()
        assert size.max() < high
        assert size.min() < low + (high - low) / 10
        assert size.max() > high - (high - low) / 10
        assert np.isfinite(case.x.astype(float)).all()
        assert nonzero(case.x).all()
        assert 1500 < (case.x.astype(float) > 0).sum() < 2500


@ALL
def test_zeros_and_special_values_are_among_plain_numbers(dtype: str) -> None:
    """About half are plain numbers; `zeros` has 0 and -0, `special` NaN and both infinities as
    well, and nothing else.
    """
    for values in ("zeros", "special"):
        x = Case(shape=MANY, dtype=dtype, values=values).x.astype(float)
        zero, special = x == 0, ~np.isfinite(x)
        assert 1500 < (~zero & ~special).sum() < 2500
        assert {*np.signbit(x[zero]).tolist()} == {True, False}
        found = {str(v) for v in x[special]}
        assert found == ({"nan", "inf", "-inf"} if values == "special" else set())


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), *SHAPES, LARGE])
def test_a_case_builds_the_same_array_every_time(shape: tuple[int, ...]) -> None:
    """Equal cases give equal bits, in memory of their own or that none can write; the rate does
    not matter to them, another seed does.
    """
    for dtype in DTYPES:
        for layout in LAYOUTS:
            case = Case(shape, dtype, layout, "wide", seed=7)
            x, again, other_rate = case.x, replace(case).x, replace(case, rate=0.9).x
            assert x.shape == shape
            assert x.tobytes() == again.tobytes() == other_rate.tobytes()
            assert not np.shares_memory(x, again) or not x.flags.writeable
            assert isinstance(case.upstream, np.ndarray)
            assert case.upstream.flags.c_contiguous
            if x.size > 2:
                assert x.tobytes() != replace(case, seed=8).x.tobytes()


def steps(x: Array) -> list[int]:
    """The strides in elements, of the axes where they matter."""
    return [stride // x.itemsize for n, stride in zip(x.shape, x.strides, strict=True) if n > 1]


@ALL
def test_layouts_have_the_strides_they_say(dtype: str) -> None:
    """Each layout has its strides and the values given, except the two that repeat a first row,
    or the first of each row.
    """
    values = Case((2, 3, 4, 5), dtype).x
    expected = {
        "contiguous": [60, 20, 5, 1],
        "transposed": [1, 8, 2, 24],
        "strided": [120, 40, 10, 2],
        "expanded": [0, 20, 5, 1],
        "repeated": [12, 4, 1, 0],
        "channels-last": [60, 1, 15, 3],
    }
    assert set(expected) == set(LAYOUTS)
    for layout, strides in expected.items():
        x = laid_out(values, layout)
        assert steps(x) == strides, layout
        repeats = {"expanded": values[:1], "repeated": values[..., :1]}
        same = np.broadcast_to(repeats.get(layout, values), values.shape)
        assert x.tobytes() == same.tobytes()


def test_what_lies_between_strided_elements_is_not_the_data() -> None:
    """Between the elements of a strided array lie ones, so that reading storage order is seen."""
    x = laid_out(np.array([3.0, 4.0]), "strided")
    assert x.base is not None
    assert x.base.tolist() == [3.0, 1.0, 4.0, 1.0]


def test_a_layout_that_the_rank_does_not_have_is_contiguous() -> None:
    """So are a transposed vector, a channels-last matrix, and anything without an axis or an
    element.
    """
    for shape, layout in (
        ((7,), "transposed"),
        ((4, 5), "channels-last"),
        *(((), layout) for layout in LAYOUTS),
        ((0,), "expanded"),
    ):
        assert laid_out(np.ones(shape), layout).flags.c_contiguous


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(), (0,), *SHAPES])
def test_a_copy_keeps_strides_and_shares_no_memory(shape: tuple[int, ...], layout: str) -> None:
    """A copy has the same values and strides in memory of its own; what shares memory in the
    original does so in the copy.
    """
    for dtype in DTYPES:
        x = Case(shape, dtype, layout, "special").x
        before, own = x.tobytes(), copy_as_laid_out(x)
        assert own.tobytes() == before
        assert own.dtype == x.dtype
        assert steps(own) == steps(x)
        assert not np.shares_memory(own, x)
        if x.size:
            own[...] = 2
            assert x.tobytes() == before


def test_strategies_stay_inside_their_limits() -> None:
    """Drawn rates lie strictly between 0 and 1, seeds in 31 bits, and cases have a rank, layout
    and kind that was asked for.
    """

    @FIXED
    @hypothesis.given(recipes())
    def check(recipe: Recipe) -> None:
        rate, seed, plain = rates().make(recipe), seeds().make(recipe), cases().make(recipe)
        case = cases("huge", "zeros", layouts=("strided",), ranks=(2, 4)).make(recipe)
        assert 0 < rate < 1
        assert 0 <= seed < 2**31
        assert case.values in ("huge", "zeros")
        assert case.layout == "strided"
        assert len(case.shape) in (2, 4)
        assert case.for_dtypes((case.dtype, "float16")) is case
        assert case.for_dtypes(("int8",)) == replace(case, dtype="int8")
        assert plain.values == "plain"

    check()


def test_counterexamples_shrink_to_the_plainest_case() -> None:
    """What fails everywhere is reported for the first shape, float32, contiguous, rate 0.1 and
    seed 0.
    """
    assert find(cases("plain", "wide").strategy, lambda case: True, settings=FIXED) == Case(
        (7,), "float32", "contiguous", "plain", RATES[0], 0
    )


def test_recipes_are_spread_evenly() -> None:
    """Of any twelve recipes in a row, each dtype and layout is met, and most shapes and
    combinations; no seed comes twice.
    """
    recipes = draw_recipes(320, seed=1)
    assert recipes == draw_recipes(320, seed=1) != draw_recipes(320, seed=2)
    assert len({recipe.seed for recipe in recipes}) == 320
    drawn = [cases().make(recipe) for recipe in recipes]
    assert drawn[0] == Case()
    for start in range(1, 308):
        few = drawn[start : start + 12]
        assert {case.dtype for case in few} == set(DTYPES)
        assert len({case.layout for case in few}) >= 4
        assert len({case.shape for case in few}) >= 8
        assert len({(case.dtype, case.layout) for case in few}) >= 10
        assert min(case.rate for case in few) < 0.2 < 0.7 < max(case.rate for case in few)
