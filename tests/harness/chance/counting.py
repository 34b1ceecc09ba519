"""For random clauses that count for themselves, outside of campaigns: samples until a gauge
decides, and what follows from that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dropspec.chance.campaign import BUDGET
from dropspec.chance.gauge import Decision, Gauge, samples_for
from dropspec.core.errors import Undecided, Violation
from dropspec.core.notes import Notes


def count(gauge: Gauge, tol: float, samples: Iterator[Any]) -> None:
    """Adds samples, each the counts of all cells, until the gauge decides or the budget, ten
    times Wald's bound, is used up.
    """
    while gauge.decide() is Decision.OPEN and gauge.n.sum() < BUDGET * samples_for(tol):
        counts = next(samples)
        gauge.add(counts, counts)


def conclude(gauge: Gauge, seen: str, notes: Notes, within: float, *, wrong: str = "") -> None:
    """Raises Violation or Undecided with what was seen, or adds it to the certificate; `wrong`
    is what a violation says besides.
    """
    said = f"{seen} ({int(gauge.n.sum()):,} samples)"
    if gauge.decide() is Decision.FAIL:
        raise Violation(f"{said}; {wrong}" if wrong else said)
    if gauge.decide() is Decision.OPEN:
        raise Undecided(f"{said}: neither near enough to that nor far enough from it")
    notes.certificate = "; ".join(filter(None, (notes.certificate, f"{said} ±{within:.2g}")))
