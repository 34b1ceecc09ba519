"""What is recorded of a test, judged of a clause, and answered for a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from dropspec.core.faults import Fault, FaultKind
from dropspec.core.observations import Observation


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
    """The outcome of one test of one clause, and what it measured.

    `fault` is what went wrong around it, where something did.
    """

    label: str
    clause: str
    level: str
    verdict: str
    message: str = ""
    certificate: str = ""
    reproduce: str = ""
    observations: tuple[Observation, ...] = ()
    fault: Fault | None = None

    def as_data(self) -> dict[str, Any]:
        """Plain strings and numbers, which survive xdist, JUnit and a journal."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Record:
        """The record that these strings and numbers are of."""
        fault, seen = data.get("fault"), data.get("observations", ())
        made = tuple(Observation.from_data(one) for one in seen)
        known = fault and Fault(**{**fault, "kind": FaultKind(fault["kind"])})
        return cls(**{**data, "observations": made, "fault": known or None})


@dataclass(frozen=True)
class Judged:
    """The verdict of one clause.

    `level` is that of the part which decided: a clause that is MUST may depart in its SHOULD part.
    `fault` is that of the test which decided.
    """

    clause: str
    title: str
    level: str
    verdict: Verdict
    summary: str
    certificate: str
    reproduce: str
    fault: Fault | None = None


@dataclass(frozen=True)
class Cause:
    """What probably is wrong, and what to change.

    `clause` shows it, `echoes` fail with it. `known` if all observations fit a known bug; otherwise
    the sentence is the remedy of the clause.
    """

    clause: str
    sentence: str
    echoes: tuple[str, ...] = ()
    known: bool = False


@dataclass(frozen=True)
class About:
    """What is judged: the target as the user would type it, its family, and the expression by which
    it is driven where that is not the target itself.
    """

    target: str
    family: str = ""
    driven: str = ""


@dataclass(frozen=True)
class Answer:
    """All verdicts over one target, or why it could not be loaded; `driven` as in About."""

    label: str
    target: str
    clauses: tuple[Judged, ...] = ()
    diagnosis: tuple[Cause, ...] = ()
    unusable: str = ""
    driven: str = ""

    def count(self, *verdicts: Verdict) -> int:
        """How many clauses have one of these verdicts."""
        return sum(c.verdict in verdicts for c in self.clauses)

    @property
    def claimed(self) -> int:
        """How many clauses the implementation claims: all that were not passed over."""
        return len(self.clauses) - self.count(Verdict.NOT_CLAIMED)

    def conformant(self, strict: bool = False) -> bool:
        """True when clauses are claimed and none of them is bad; strictly, when none departs
        either.
        """
        bad = (*BAD, Verdict.DEPARTS) if strict else BAD
        return not self.unusable and self.claimed > 0 and self.count(*bad) == 0
