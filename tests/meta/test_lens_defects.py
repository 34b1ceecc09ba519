"""Each lens sees the defect that it is for, and leaves others to other lenses."""

from __future__ import annotations

import numpy as np
import pytest

from dropspec.chance.gauge import Decision
from dropspec.core.arrays import Bits

from .test_lenses import ROW, ROWS, Masks, campaign, look, right


def follows_the_left(rng: np.random.Generator) -> Bits:
    """One unit in ten takes the fate of its left neighbour."""
    mask = right(rng)
    return np.where(rng.random(mask.shape) < 0.1, np.roll(mask, 1, 1), mask)


def shares_rows(rng: np.random.Generator) -> Bits:
    """All rows of a call are one."""
    return np.repeat(right(rng, 0.5, (1, ROW)), ROWS, 0)


def repeats_calls(rng: np.random.Generator) -> Bits:
    """Every call is the same."""
    return right(np.random.default_rng(99))


def drops_half_of_each_row(rng: np.random.Generator) -> Bits:
    """Exactly half of each row."""
    return np.asarray(rng.permuted(np.tile(np.arange(ROW) < ROW // 2, (ROWS, 1)), axis=1))


def drops_half_of_each_call(rng: np.random.Generator) -> Bits:
    """Exactly half of each call of 16 rows."""
    return np.asarray(rng.permuted(np.arange(16 * ROW) % 2 == 0).reshape(16, ROW))


def ramps(rng: np.random.Generator) -> Bits:
    """The rate rises from 0.45 to 0.55 over the positions."""
    return np.asarray(
        rng.random((ROWS, ROW)) >= np.linspace(0.45, 0.55, ROWS * ROW).reshape(ROWS, ROW)
    )


def sees_size(rng: np.random.Generator) -> Bits:
    """Large inputs are dropped at 0.51, small ones at 0.49."""
    return np.asarray(
        rng.random((ROWS, ROW)) >= np.where(np.abs(campaign().input()) > 1, 0.51, 0.49)
    )


def echoes(rng: np.random.Generator) -> Bits:
    """One unit in sixteen is a copy of the one 777 before."""
    flat = right(rng).reshape(-1)
    flat[777::16] = flat[:-777:16].copy()
    return flat.reshape(ROWS, ROW)


def has_sixty_four_masks(rng: np.random.Generator) -> Bits:
    """There are only 64 stretches of 4096."""
    return np.concatenate(
        [right(np.random.default_rng(s), 0.5, (16, ROW)) for s in rng.integers(0, 64, 4)]
    )


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("rate", lambda rng: right(rng, 0.51)),
        ("left", follows_the_left),
        ("above", shares_rows),
        ("call", repeats_calls),
        ("sum of row", drops_half_of_each_row),
        ("sum of call", drops_half_of_each_call),
        ("unit", ramps),
        ("value", sees_size),
        ("echo", echoes),
        ("twins", has_sixty_four_masks),
    ],
)
def test_a_lens_sees_its_own_defect(name: str, draw: Masks) -> None:
    """A mask with one defect fails on the lens for it."""
    finding = look(name, draw, campaign(shape=draw(np.random.default_rng(0)).shape))
    assert finding.decision is Decision.FAIL, finding.measured


@pytest.mark.parametrize("at", [0, 3, 6])
def test_a_position_that_is_never_dropped_is_seen(at: int) -> None:
    """The first, a middle or the last of seven units is never dropped: the lens of places fails,
    and names the place.
    """

    def draw(rng: np.random.Generator) -> Bits:
        return np.asarray(right(rng, 0.3, (20, 7)) | (np.arange(7) == at))

    finding = look("unit", draw, campaign(0.3, (7,), 0.02, small=True))
    assert finding.decision is Decision.FAIL
    assert f"drop rate 0 at position {at} of 7" in finding.measured


def test_a_mean_and_a_square_that_are_off_are_seen() -> None:
    """Survivors 3 % too small fail on the mean; noise of mean zero in each survivor's scale
    fails on the square, and decides no mean.
    """
    assert look("mean", right, scale=0.97).decision is Decision.FAIL
    assert look("mean", right, spread=0.5).decision is Decision.OPEN
    assert look("square", right, spread=0.5).decision is Decision.FAIL


@pytest.mark.parametrize("name", ["unit", "value", "left", "above", "call", "echo", "twins"])
def test_a_wrong_but_uniform_rate_is_left_to_the_rate_lens(name: str) -> None:
    """Where 0.45 is dropped everywhere instead of 0.5, lenses of place and dependence do not
    fail, in all of their budget.
    """
    finding = look(name, lambda rng: right(rng, 0.45))
    assert finding.decision is not Decision.FAIL, finding.measured
