"""From how a test ended to its record."""

from __future__ import annotations

from typing import Any

import pytest

from dropspec.core.errors import Hung, ImplementationError, NotClaimed, Undecided, Violation
from dropspec.core.faults import Fault, FaultKind
from dropspec.core.notes import Notes
from dropspec.core.records import Record, Verdict
from dropspec.session.item import label_of
from dropspec.session.reproduce import command, snippet
from dropspec.session.session import Session


def record_of(
    item: pytest.Item, call: pytest.CallInfo[Any], session: Session, judges: tuple[str, str]
) -> Record:
    """The record of one test that `judges` a clause at a level.

    Its verdict follows from what was raised; a failure gets a line that reproduces it.
    """
    (clause, level), label = judges, label_of(item)
    error = call.excinfo.value if call.excinfo else None
    notes = getattr(item, "funcargs", {}).get("notes") or Notes()
    verdict, message = verdict_of(error, level)
    reproduce = ""
    if verdict not in (Verdict.HOLDS, Verdict.NOT_CLAIMED):
        calls_it = "impl" in getattr(item, "fixturenames", ())
        run = session.runs[label]
        shown_by = run.family.clause(clause).shown_by
        shown = snippet(run.impl, shown_by) if calls_it else ""
        reproduce = shown or command(session.targets[label], clause, session.options)
    return Record(
        label,
        clause,
        level,
        verdict.value,
        message,
        notes.certificate,
        reproduce,
        notes.observations,
        fault_in(error),
    )


def verdict_of(error: BaseException | None, level: str) -> tuple[Verdict, str]:
    """The verdict on a test of that level by what it raised, and the sentence for it."""
    match error:
        case None:
            return Verdict.HOLDS, ""
        case Violation():
            return (Verdict.VIOLATED if level == "MUST" else Verdict.DEPARTS), str(error)
        case Undecided():
            return Verdict.UNDECIDED, str(error)
        case NotClaimed():
            return Verdict.NOT_CLAIMED, str(error)
        case ImplementationError() | Hung():
            return Verdict.ERROR, str(error)
        case _:
            said = f"{type(error).__name__}: {error}"
            return Verdict.ERROR, f"a fault of dropspec, not of the implementation: {said}"


def fault_in(error: BaseException | None) -> Fault | None:
    """What went wrong around a test by what it raised; None where the clause itself decided."""
    match error:
        case ImplementationError():
            return error.fault
        case Violation():  # that the call works may be the clause itself
            return fault_in(error.__cause__) if error.__cause__ else None
        case Hung():
            return Fault(FaultKind.HUNG)
        case None | Undecided() | NotClaimed():
            return None
        case _:
            return Fault(FaultKind.OURS, type(error).__name__)
