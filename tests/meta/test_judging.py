"""What the campaigns of a clause come to together: a violation first, then what the
implementation raised, and nothing is passed over.
"""

from __future__ import annotations

import numpy as np
import pytest

from dropspec.core.arrays import Bits
from dropspec.core.errors import ImplementationError, Undecided, Violation
from dropspec.core.notes import Notes
from dropspec.session.judge import judge

from .inspected import run_over
from .test_campaign import of_masks, right


def judged(rate_off: float = 0.0, *, raises_at: float = -1.0, clause: str = "rate-1") -> str:
    """The certificate of a clause, for masks whose rate is off by so much, of an implementation
    that raises at one rate.
    """

    def masks(rng: np.random.Generator, shape: tuple[int, ...], rate: float) -> Bits:
        if rate == raises_at:
            raise ImplementationError("no such rate here")
        return right(rng, shape, min(max(rate + rate_off, 0.0), 1.0))

    notes = Notes()
    judge(run_over(of_masks(masks)), clause, notes)
    return notes.certificate


def test_what_passes_everywhere_is_certified() -> None:
    """The certificate names every rate."""
    assert all(f"{rate}" in judged() for rate in (0.001, 0.01, 0.1, 0.5, 0.9, 0.999))


def test_an_error_in_one_campaign_is_raised() -> None:
    """A clause of which one campaign came to nothing does not hold, whatever the others say."""
    with pytest.raises(ImplementationError, match="no such rate here"):
        judged(raises_at=0.9)


def test_a_violation_is_told_though_another_campaign_raised() -> None:
    """What one campaign proved is not lost in the error of another."""
    with pytest.raises(Violation, match="over all units, not"):
        judged(0.1, raises_at=0.9)


@pytest.mark.parametrize("clause", ["independence-5", "independence-6", "rate-2"])
def test_what_nothing_is_known_of_is_undecided(clause: str) -> None:
    """Where all units are dropped, repetition and places are not judged, and the rate is named
    as the reason.
    """
    with pytest.raises(Undecided, match="the drop rate itself is wrong in every campaign"):
        judged(1.0, clause=clause)
