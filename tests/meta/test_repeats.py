"""The lenses on repetition: echoes, twins and overlaps are seen where they are, and nothing is
certified of masks that show nothing.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from dropspec.chance.gauge import Decision
from dropspec.chance.lenses import build
from dropspec.chance.lenses.base import Draw
from dropspec.chance.lenses.repeats import EchoLens
from dropspec.chance.lenses.twins import OverlapLens, TwinLens, expected_pairs, needed

from .test_lenses import ALPHA, campaign, right


def test_the_echo_is_the_autocorrelation() -> None:
    """The lag that it reports is the one that most products agree at, and its sum is the direct
    one.
    """
    lens = EchoLens(campaign(), ALPHA)
    rng = np.random.default_rng(4)
    mask = right(rng, 0.5, (2048, 256))
    mask.reshape(-1)[777::4] = mask.reshape(-1)[:-777:4].copy()
    lens.look(Draw(mask, None))
    signs = mask.reshape(-1) * 2.0 - 2.0 * mask.mean()
    lag, total = lens.worst
    assert lag == 777
    # of 131,072, in single precision
    assert total == pytest.approx(float(signs[777:] @ signs[:-777]), abs=1.0)
    assert lens.decide() is Decision.FAIL


def test_twins_are_equal_stretches() -> None:
    """Equal stretches are counted in pairs, within a draw and across draws; small calls are
    compared whole.
    """
    rng = np.random.default_rng(5)
    lens, mask = TwinLens(campaign(), ALPHA), right(np.random.default_rng(6))
    stretches = mask.size // lens.stretch
    lens.look(Draw(mask, None))
    assert (*lens.repeats(), lens.decide()) == ([], stretches, Decision.PASS)
    other = right(rng)
    other.reshape(stretches, -1)[2] = mask.reshape(stretches, -1)[3]
    lens.look(Draw(other, None))
    assert {tuple(sorted(map(int, pair))) for pair in lens.repeats()[0]} == {(3, stretches + 2)}
    assert (lens.decide(), lens.finding().overlaps.pairs) == (Decision.PASS, 1)
    third = right(np.random.default_rng(9))
    third.reshape(stretches, -1)[4] = third.reshape(stretches, -1)[7]
    lens.look(Draw(third, None))
    assert (lens.decide(), lens.finding().overlaps.within) == (Decision.FAIL, True)
    small, calls = TwinLens(campaign(shape=(1000,), small=True), ALPHA), right(rng, 0.5, (5, 1000))
    calls[4] = calls[1]
    small.look(Draw(calls, None))
    assert len(small.repeats()[0]) == 1


def test_calls_may_overlap_as_seldom_as_in_one_cycle_of_31_bits() -> None:
    """The number of pairs that is needed is reached by such calls with probability at most alpha,
    and one less is not.
    """
    for calls, places in ((12, 1 << 19), (200, 1024), (1500, 1)):
        expected = calls * (calls - 1) / 2 * places / 2**31
        assert expected_pairs(calls, places) == pytest.approx(expected)
        least = needed(expected, ALPHA)
        assert poisson.sf(least - 1, expected) <= ALPHA < poisson.sf(least - 2, expected)


@pytest.mark.parametrize(
    "way",
    [("", 1, False), (" in reverse", -1, False), (" with dropped and kept exchanged", 1, True)],
)
def test_overlapping_calls_are_seen(way: tuple[str, int, bool]) -> None:
    """The beginning of a call found in an earlier one, wherever it begins and whichever way
    round, is seldom if it happens once, and fails if call after call does it; right masks pass.
    """
    name, step, turned = way
    rng, lens = np.random.default_rng(7), OverlapLens(campaign(shape=(64, 256)), ALPHA)
    first, second = right(rng, 0.5, (64, 256)), right(rng, 0.5, (64, 256))
    for mask in (first, second):
        lens.look(Draw(mask, None))
    assert lens.decide() is Decision.PASS
    third = right(rng, 0.5, (64, 256)).reshape(-1)
    third[:2000] = second.reshape(-1)[4567:6567][::step] ^ turned
    lens.look(Draw(third.reshape(64, 256), None))
    assert (lens.decide(), lens.finding().overlaps.pairs) == (Decision.PASS, 1)
    for _ in range(8):
        later = right(rng, 0.5, (64, 256)).reshape(-1)
        later[:2000] = third[4567:6567][::step] ^ turned
        lens.look(Draw(later.reshape(64, 256), None))
        third = later
    assert lens.decide() is Decision.FAIL
    assert f"come{name} in call" in lens.finding().measured


def test_a_reversed_beginning_beside_itself_is_chance() -> None:
    """A call that begins with a palindrome of 96 units, which chance makes 2^48 times as often
    as two equal stretches, is no overlap.
    """
    lens, mask = (
        OverlapLens(campaign(shape=(64, 256)), ALPHA),
        right(np.random.default_rng(8), 0.5, (64, 256)),
    )
    mask[0, 48:96] = mask[0, :48][::-1]
    lens.look(Draw(mask, None))
    assert lens.decide() is Decision.PASS


@pytest.mark.parametrize("name", ["echo", "twins", "overlap"])
@pytest.mark.parametrize("kept", [False, True])
def test_nothing_is_certified_of_masks_of_one_kind(name: str, kept: bool) -> None:
    """Where all units share one fate, which the rate lens finds, nothing is said of their
    repetition, for or against.
    """
    lens = build(name, campaign(shape=(2048, 256)), ALPHA)
    lens.look(Draw(np.full((2048, 256), kept), None))
    assert lens.decide() is Decision.OPEN
    assert lens.finding().decision is Decision.OPEN
