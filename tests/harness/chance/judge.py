"""From what lenses found to the verdict of a clause of chance: every campaign that it looks at
must pass, and none may fail.
"""

from __future__ import annotations

from functools import reduce
from operator import add

from dropspec.chance.campaign import Campaign
from dropspec.chance.conduct import Results
from dropspec.chance.gauge import Decision
from dropspec.chance.lenses.base import Finding
from dropspec.core.errors import NotClaimed, Undecided, Violation
from dropspec.core.notes import Notes, Telling
from dropspec.core.observations import Seen
from dropspec.core.risk import BETA

RATE_FREE = frozenset({"rate", "echo", "twins", "overlap"})
NEED_THE_RATE = frozenset({"sum of row", "sum of call"})


def judge_lens(results: list[Results], lens: str, notes: Notes) -> None:
    """The verdict of one lens over many campaigns: raises Violation or Undecided, or notes the
    certificate.

    Where the rate of a campaign is wrong, sums are not judged, and contexts that must share the
    rate may fail there but not pass.
    """
    bits = {r.campaign: r.bits for r in results}
    looked = [(r.campaign, r.findings[lens], r.rate_failed) for r in results if lens in r.findings]
    if not looked:
        raise NotClaimed("it takes no dtype in which this is looked at")
    failed = [
        (c, f)
        for c, f, rate_failed in looked
        if f.decision is Decision.FAIL and not (rate_failed and lens in NEED_THE_RATE)
    ]
    failed = failed or _together([(c, f) for c, f, _ in looked])
    if failed:
        # near 0 and 1 a few units weigh much
        telling = [f for c, f in failed if 0.2 < c.rate < 0.8]
        strongest = max(telling or [f for _, f in failed], key=lambda f: f.effect)
        effect = strongest.effect if telling else strongest.effect / 4
        notes.observe(Seen.EFFECT, effect, lens=lens)
        if lens == "echo":
            notes.observe(Seen.LAG, strongest.lag)
            notes.observe(Seen.AGREEMENT, strongest.share)
        notes.telling = _telling(failed, lens, bits)
        said = [f"{f.measured} at {c.name}" for c, f in failed[:2]]
        more = (
            f"; and in {len(failed) - 2} more campaign{'s' * (len(failed) > 3)}"
            if len(failed) > 2
            else ""
        )
        raise Violation("; ".join(said) + more)
    judged = [
        (c, f)
        for c, f, rate_failed in looked
        if not rate_failed or (lens in RATE_FREE and f.decision is Decision.PASS)
    ]
    if not judged:
        raise Undecided("the drop rate itself is wrong in every campaign, so this cannot be judged")
    still_open = [(c, f) for c, f in judged if f.decision is Decision.OPEN]
    if still_open:
        campaign, finding = still_open[0]
        raise Undecided(
            f"after {finding.samples:,} samples neither right nor wrong: {finding.measured} at"
            f" {campaign.name}"
        )
    large, small = (
        [(c, f) for c, f in judged if c.calls_as_rows is rows] for rows in (False, True)
    )
    notes.certificate = "; ".join(
        filter(None, (_certificate(large, ""), _certificate(small, " in small calls")))
    )


def seldom(results: list[Results], lens: str) -> list[tuple[Campaign, Finding]]:
    """Where calls overlap, however seldom."""
    looked = [(r.campaign, r.findings[lens]) for r in results if lens in r.findings]
    return [(c, f) for c, f in looked if f.overlaps and f.overlaps.pairs]


def _together(looked: list[tuple[Campaign, Finding]]) -> list[tuple[Campaign, Finding]]:
    """Where calls overlap, if there are too many over all campaigns; else nothing."""
    found = [(c, f) for c, f in looked if f.overlaps]
    if not found or not reduce(add, (f.overlaps for _, f in found)).are_too_many:
        return []
    return [(c, f) for c, f in found if f.overlaps.pairs]


def _telling(
    failed: list[tuple[Campaign, Finding]], lens: str, bits: dict[Campaign, int]
) -> Telling | None:
    """Of the campaigns that a line of Python can draw again the one that is furthest off, of single
    precision and a rate near a half, if there is one.
    """
    plain = [(c, f) for c, f in failed if c.layout == "contiguous" and not c.word]
    if not plain:
        return None
    c, f = max(
        plain, key=lambda one: (0.2 < one[0].rate < 0.8, one[0].dtype == "float32", one[1].effect)
    )
    return Telling(
        lens, c.rate, c.dtype, c.shape, c.columns, bits[c], c.differentiable, c.name, f.lag
    )


def _certificate(judged: list[tuple[Campaign, Finding]], where: str) -> str:
    """What a lens vouches for at each rate, the widest of its campaigns: `±0.001 at 0.1, 0.5 (8
    campaigns, error chance 1e-06 each)`.

    A tolerance of a quarter or more says nothing that a reader could use, and is left out.
    """
    useful = [
        (campaign.rate, finding.within) for campaign, finding in judged if 0 < finding.within < 0.25
    ]
    widest: dict[float, float] = {}
    for rate, within in useful:
        widest[rate] = max(widest.get(rate, 0.0), within)
    by_width: dict[str, list[str]] = {}
    for rate, within in sorted(widest.items()):
        by_width.setdefault(f"±{within:.2g}", []).append(f"{rate:g}")
    spans = ", ".join(f"{width} at {', '.join(rates)}" for width, rates in by_width.items())
    return (
        f"{spans}{where} ({len(useful)} campaign{'s' * (len(useful) != 1)}, error probability"
        f" {BETA:g} each)"
        if spans
        else ""
    )
