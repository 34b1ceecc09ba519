"""From what campaigns found of one lens to the sentence of a clause."""

from __future__ import annotations

import pytest

from dropspec.chance.campaign import Campaign
from dropspec.chance.conduct import Results
from dropspec.chance.gauge import Decision
from dropspec.chance.judge import judge_lens
from dropspec.chance.lenses.base import Finding
from dropspec.core.errors import NotClaimed, Undecided, Violation
from dropspec.core.notes import Notes


def found(
    decision: Decision,
    lens: str = "left",
    *,
    rate: float = 0.5,
    within: float = 0.002,
    small: bool = False,
    off: bool = False,
) -> Results:
    """Results written by hand: one lens, beside a rate lens that passed or, where the rate is
    `off`, failed.
    """
    campaign = Campaign(rate, "float32", (4, 8), 0.001, (lens,), calls_as_rows=small)
    finding = Finding(
        decision, 2_000, 0.6, "drop rate 0.6 somewhere, not 0.5 (2,000 samples)", within
    )
    return Results(
        campaign,
        {
            "rate": Finding(Decision.FAIL if off else Decision.PASS, 10, rate, "", 0.001),
            lens: finding,
        },
    )


def test_a_failed_lens_is_a_violation() -> None:
    """A failure gives what was measured and where: two campaigns in full, the others by number."""
    one = "drop rate 0.6 somewhere, not 0.5 (2,000 samples) at rate 0.5, float32, shape 4×8"
    for failures, text in (
        (1, one),
        (2, f"{one}; {one}"),
        (3, f"{one}; {one}; and in 1 more campaign"),
        (4, f"{one}; {one}; and in 2 more campaigns"),
    ):
        with pytest.raises(Violation) as caught:
            judge_lens(
                [found(Decision.PASS), found(Decision.OPEN), *[found(Decision.FAIL)] * failures],
                "left",
                Notes(),
            )
        assert str(caught.value) == text


def test_an_open_lens_is_undecided() -> None:
    """An open lens says after how many samples, and what it measured."""
    with pytest.raises(
        Undecided,
        match=(
            r"^after 2,000 samples neither right nor wrong: drop rate 0\.6 somewhere.* at rate"
            r" 0\.5, float32"
        ),
    ):
        judge_lens([found(Decision.PASS), found(Decision.OPEN)], "left", Notes())


@pytest.mark.parametrize("lens", ["left", "sum of row"])
def test_nothing_passes_at_a_wrong_rate(lens: str) -> None:
    """Where the rate fails, a lens of dependence may fail but not pass, and a sum does neither."""
    with pytest.raises(Undecided, match="the drop rate itself is wrong in every campaign"):
        judge_lens([found(Decision.PASS, lens, off=True)], lens, Notes())
    with pytest.raises(Violation if lens == "left" else Undecided):
        judge_lens([found(Decision.FAIL, lens, off=True)], lens, Notes())
    judge_lens([found(Decision.PASS, "twins", off=True)], "twins", Notes())


def test_a_lens_that_saw_nothing_accuses_nobody() -> None:
    """Where no campaign of a lens is in a dtype that is taken, that is what is said, and not
    that the rate is wrong.
    """
    with pytest.raises((NotClaimed, Undecided)) as caught:
        judge_lens([], "echo", Notes())
    assert "rate itself is wrong" not in str(caught.value)


def test_a_certificate_says_what_holds_where() -> None:
    """It gives the widest tolerance at each rate, large and small calls apart, and leaves out
    what would say nothing.
    """
    notes = Notes()
    passed = [
        found(Decision.PASS, rate=rate, within=within)
        for rate, within in ((0.5, 0.002), (0.5, 0.001), (0.1, 0.002), (0.9, 0.004))
    ]
    judge_lens(passed, "left", notes)
    assert (
        notes.certificate
        == "±0.002 at 0.1, 0.5, ±0.004 at 0.9 (4 campaigns, error probability 1e-06 each)"
    )
    judge_lens([*passed[:1], found(Decision.PASS, within=0.1, small=True)], "left", notes)
    assert (
        notes.certificate
        == "±0.002 at 0.5 (1 campaign, error probability 1e-06 each); ±0.1 at 0.5 in small calls (1"
        " campaign, error probability 1e-06 each)"
    )
    judge_lens([found(Decision.PASS, within=0.3)], "left", notes)
    assert notes.certificate == ""
