"""From the outcomes of single tests to one verdict a clause and one answer a target. Pure: it reads records, and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What is said of one clause; in this order the worse comes first."""

    VIOLATED = "VIOLATED"
    ERROR = "ERROR"
    STALE = "STALE"
    UNDECIDED = "UNDECIDED"
    KNOWN = "KNOWN"
    DEPARTS = "DEPARTS"
    HOLDS = "HOLDS"
    NOT_CLAIMED = "NOT CLAIMED"


BAD = (Verdict.VIOLATED, Verdict.ERROR, Verdict.STALE, Verdict.UNDECIDED)


@dataclass(frozen=True)
class Record:
    """The outcome of one test of one clause; plain strings and floats, so that it survives xdist, JUnit and a journal."""

    label: str
    clause: str
    level: str
    verdict: str
    message: str = ""
    certificate: str = ""
    reproduce: str = ""
    observations: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """The verdict of one clause. `level` is that of the part which decided: a clause that is MUST may depart in its SHOULD part."""

    clause: str
    title: str
    level: str
    verdict: Verdict
    summary: str
    certificate: str
    reproduce: str


@dataclass(frozen=True)
class Cause:
    """What probably is wrong: the clause that shows it, a sentence on what it is and what to change, and the clauses that fail with it.

    `known` if all observations fit a known bug; otherwise the sentence is what can be said of the clause alone.
    """

    clause: str
    sentence: str
    echoes: tuple[str, ...] = ()
    known: bool = False


@dataclass(frozen=True)
class Answer:
    """All verdicts over one target, or why it could not be loaded."""

    label: str
    target: str
    clauses: tuple[Judged, ...] = ()
    diagnosis: tuple[Cause, ...] = ()
    unusable: str = ""

    def count(self, *verdicts: Verdict) -> int:
        """How many clauses have one of these verdicts."""
        return sum(c.verdict in verdicts for c in self.clauses)

    @property
    def claimed(self) -> int:
        """How many clauses the implementation claims: all that were not passed over."""
        return len(self.clauses) - self.count(Verdict.NOT_CLAIMED)

    def conformant(self, strict: bool = False) -> bool:
        """True when clauses are claimed and none of them is bad; strictly, when none departs either."""
        bad = (*BAD, Verdict.DEPARTS) if strict else BAD
        return not self.unusable and self.claimed > 0 and self.count(*bad) == 0
