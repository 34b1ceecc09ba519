"""How outputs are compared: distances in ulps, x / keep, what is allowed, and the sentences that
say where it is not met.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from dropspec.core.arrays import DTYPES, FRACTION_BITS, Array, raw
from dropspec.core.cases import Case
from dropspec.core.compare import (
    require,
    require_identical,
    require_rescaled,
    rescaled,
    ulps_allowed,
    ulps_between,
)
from dropspec.core.errors import Violation

ALL = pytest.mark.parametrize("dtype", DTYPES)


def bits(*numbers: int, dtype: str) -> Array:
    """Numbers by their bits."""
    return np.array(numbers, f"u{DTYPES[dtype].itemsize}").view(DTYPES[dtype])


@ALL
def test_ulps_count_representable_steps(dtype: str) -> None:
    """Neighbours are one step apart, also at binades, at the end of the subnormals, at infinity
    and across zero; NaN is none from NaN.
    """
    infinity, one = (int(raw(np.array(value, DTYPES[dtype]))) for value in (np.inf, 1.0))
    normal = 1 << FRACTION_BITS[dtype]  # the smallest normal number
    minus = 1 << (8 * DTYPES[dtype].itemsize - 1)
    quiet = infinity + normal // 2
    for a, b, steps in (
        (one, one, 0),
        (one, one + 1, 1),
        (one - 1, one + 1, 2),
        (normal - 1, normal, 1),
        (infinity - 1, infinity, 1),
        (0, 1, 1),
        (0, minus, 0),
        (minus + 1, 1, 2),
        (minus + 3, minus + 7, 4),
        (minus + 3, 7, 10),
        (minus + infinity, infinity, 2 * infinity),
        (quiet, quiet, 0),
        (quiet, minus + quiet + 1, 0),
        (quiet, one, np.inf),
        (infinity, quiet, np.inf),
    ):
        x, y = bits(a, dtype=dtype), bits(b, dtype=dtype)
        assert ulps_between(x, y) == steps, (x, y)
        assert ulps_between(y, x) == steps, (y, x)
        assert ulps_between(x[0, ...], y[0, ...]) == steps  # without an axis


@ALL
def test_ulps_agree_with_nextafter(dtype: str) -> None:
    """Over numbers of all magnitudes and both signs, each is one step from the next and two from
    the one after it.
    """
    x = Case(shape=(500,), dtype=dtype, values="wide", seed=1).x
    up = np.nextafter(x, DTYPES[dtype].type(np.inf))
    assert (ulps_between(x, up) == 1).all()
    assert (ulps_between(x, np.nextafter(up, DTYPES[dtype].type(np.inf))) <= 2).all()
    assert ulps_between(np.zeros((0, 3), DTYPES[dtype]), np.zeros((0, 3), DTYPES[dtype])).shape == (
        0,
        3,
    )


def nearest(exact: Fraction, dtype: str) -> float:
    """The number of that dtype that is nearest to an exact positive value, ties to even."""
    guess = int(raw(np.array(float(exact)).astype(DTYPES[dtype])))
    by_distance = []
    for candidate in (guess - 1, guess, guess + 1):
        value = float(bits(candidate, dtype=dtype)[0])
        by_distance.append((abs(Fraction(value) - exact), candidate % 2, value))
    return min(by_distance)[2]


@ALL
@pytest.mark.parametrize("rate", [0.1, 0.5, 1 / 3, 0.75, 0.999, 1 - 2.0**-24, 1e-12])
def test_rescaled_is_the_exact_quotient_rounded(dtype: str, rate: float) -> None:
    """x / keep is the exact quotient rounded to nearest; where it lies half-way between two
    numbers to 2^-16 ulp, either will do.
    """
    values = "plain" if rate < 0.99 else "subnormal"  # which never overflow
    x = np.abs(Case(shape=(200,), dtype=dtype, values=values, seed=2).x)
    got = rescaled(x, rate)
    for number, value in zip(x.tolist(), got.tolist(), strict=True):
        exact = Fraction(number) / (1 - Fraction(rate))
        right, seen = Fraction(nearest(exact, dtype)), Fraction(value)
        assert abs(seen - exact) - abs(right - exact) <= abs(seen - right) / (1 << 16), (
            number,
            value,
        )
    assert ulps_between(rescaled(-x, rate), -got).max() == 0
    assert rescaled(x, rate, np.dtype(np.float64)).dtype == np.float64


def test_what_is_allowed_follows_the_specification() -> None:
    """2 ulps and 2^-24 / keep, and of doubles 2^-24 for its reciprocal, or strictly 1 ulp and one
    rounding of keep; nothing for what is a single-precision number.
    """
    for dtype in DTYPES:
        assert (
            ulps_allowed(DTYPES[dtype], 0.5),
            ulps_allowed(DTYPES[dtype], 0.75, strictly=True),
        ) == (2, 1)
        for rate in (0.1, 1 / 3, 0.9, 0.999):
            of_keep = Fraction(1, 1 << 24) / (1 - Fraction(rate))
            # an ulp is at least 2^-(fraction bits + 1) of its number
            in_ulps = of_keep * (2 << FRACTION_BITS[dtype])
            of_scale = 1 << 29 if dtype == "float64" else 0
            # of so many steps of doubles the last one is the rounding of this test's own sum
            exact = int(2 + in_ulps + of_scale)
            assert ulps_allowed(DTYPES[dtype], rate) in (exact, exact + (dtype == "float64"))
            in_ulps /= 1 << 29 if dtype == "float64" else 1
            assert ulps_allowed(DTYPES[dtype], rate, strictly=True) == int(1 + in_ulps)
    double = DTYPES["float64"]
    assert ulps_allowed(double, 0.25) > 1 << 28 > ulps_allowed(double, 0.25, strictly=True)
    assert [ulps_allowed(DTYPES[d], 0.1) for d in ("float16", "bfloat16", "float32")] == [2, 2, 3]


def test_require_names_the_first_place_that_is_not_ok() -> None:
    """The sentence has the index, the values there and the number of places; nothing is said
    where all is well.
    """
    ok, x = np.array([[True, False], [False, True]]), np.array([[1.0, 2.5], [np.nan, -0.0]])
    require(np.ones((2, 2), bool), "fine", x=x)
    require(np.ones((0,), bool), "fine")
    for good, seen, text in (
        (ok, x, "it must be so; at index (0, 1): x = 2.5 (2 of 4 elements)"),
        (~ok[1], x[1], "it must be so; at index 1: x = -0 (1 of 2 elements)"),
        (ok[1], x[1], "it must be so; at index 0: x = nan (1 of 2 elements)"),
        (
            np.array(False),
            np.array(1 / 3),
            "it must be so; in the only element: x = 0.333333333 (1 of 1 elements)",
        ),
    ):
        with pytest.raises(Violation) as caught:
            require(good, "it must be so", x=seen)
        assert str(caught.value) == text


@ALL
def test_require_rescaled_allows_just_what_is_allowed(dtype: str) -> None:
    """So many steps from x / keep pass, and the number is returned; one more is a violation;
    places outside `where` are free.
    """
    x, where = np.array([3.0, -5.0, 7.0], DTYPES[dtype]), np.array([True, True, False])
    y = rescaled(x, 0.5)
    for steps in (0, 2):
        near = (raw(y) + raw(y).dtype.type(steps)).view(y.dtype)
        near[2] = 0
        assert require_rescaled(near, x, 0.5, where) == steps
    for strictly, steps in ((False, 3), (True, 2)):
        far = y.copy()
        raw(far)[1] += raw(far).dtype.type(steps)
        with pytest.raises(
            Violation,
            match=(
                rf"must be x / keep to {1 if strictly else 2} ulp at rate 0.5 \({dtype}\); at index"
                r" 1: x = -5(\.0)?, expected = -10"
            ),
        ):
            require_rescaled(far, x, 0.5, where, strictly=strictly)


@ALL
def test_require_identical_compares_bits(dtype: str) -> None:
    """Only the very bits pass, but any NaN equals any NaN: -0 is not 0, and the next number is
    another.
    """
    x = np.array([1.0, -0.0, np.inf, np.nan], DTYPES[dtype])
    other_nan = x.copy()
    raw(other_nan)[3] += raw(other_nan).dtype.type(1)
    require_identical(x.copy(), x, "same")
    require_identical(other_nan, x, "same")
    require_identical(x[::2], x[::2].copy(), "same whatever the strides")
    for place, wrong, shown in (
        (0, float(np.nextafter(x[0], x[2])), "at index 0"),
        (1, 0.0, "at index 1: expected = -0, got = 0 "),
    ):
        y = x.copy()
        y[place] = wrong
        with pytest.raises(Violation, match=f"same; {shown}"):
            require_identical(y, x, "same")


def test_require_identical_takes_equal_numbers_of_another_dtype() -> None:
    """Where the dtype differs, which is layout-1's to judge, numbers are compared."""
    x = np.array([1.0, -0.25], np.float32)
    require_identical(x.astype(np.float64), x, "same")
    with pytest.raises(Violation):
        require_identical(x.astype(np.float64) * 2, x, "same")


def test_numbers_are_told_apart() -> None:
    """Nine digits are shown, which tell all of single precision apart; all that there are where
    those would look the same.
    """
    with pytest.raises(
        Violation, match=r"same; in the only element: expected = 0\.333333333, got = 0 "
    ):
        require_identical(np.array(0.0), np.array(1 / 3), "same")
    with pytest.raises(
        Violation, match=r"same; in the only element: expected = 1\.0, got = 1\.0000000000000002 "
    ):
        require_identical(np.array(1 + 2.0**-52), np.array(1.0), "same")
