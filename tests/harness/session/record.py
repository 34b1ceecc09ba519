"""From how a property ended to its record."""

from __future__ import annotations

from collections.abc import Callable

from dropspec.core.errors import Hung, ImplementationError, NotClaimed, Undecided, Violation
from dropspec.core.faults import Fault, FaultKind
from dropspec.core.guard import Interrupted
from dropspec.core.notes import Notes
from dropspec.core.options import Options
from dropspec.core.property import FIXTURES, Property
from dropspec.core.records import Record, Verdict
from dropspec.core.text import clean, shown
from dropspec.session.reproduce import command, masks, snippet
from dropspec.session.run import Run


def judge_property(
    run: Run, prop: Property, options: Options, settle: Callable[[], str] = lambda: ""
) -> Record:
    """Runs a property over the implementation of the run; returns its record.

    `settle` puts back what the implementation changes for the whole process.
    """
    settle()
    run.impl.guard.reset()
    notes = Notes()
    known = {"run": run, "impl": run.impl, "notes": notes}
    error: BaseException | None = None
    try:
        prop.test(**{FIXTURES + name: known[name] for name in prop.asks_for})
    except Interrupted:
        raise
    except BaseException as raised:  # a time-out, or whatever a layer found to raise
        error = raised
    if (broken := settle()) and fault_in(error) == Fault(FaultKind.OURS, type(error).__name__):
        error = ImplementationError(broken, Fault(FaultKind.RAISED, text=broken))
    return record_of(run, prop, error, notes, options)


def record_of(
    run: Run, prop: Property, error: BaseException | None, notes: Notes, options: Options
) -> Record:
    """The record of a property that ended with that error, or with none.

    Its verdict follows from what was raised; a failure gets a line that reproduces it.
    """
    clause, target = run.family.clause(prop.clause), run.impl.facts.target
    level = "SHOULD" if prop.should else clause.level
    verdict, message = verdict_of(error, level)
    reproduce = ""
    if verdict not in (Verdict.HOLDS, Verdict.NOT_CLAIMED):
        shown_so = snippet(run.impl, clause.shown_by) if "impl" in prop.asks_for else ""
        if (telling := notes.telling) and isinstance(error, Violation):
            shown_so = masks(run.impl, telling, run.seed_for(telling.purpose))
        reproduce = shown_so or command(target, clause.id, options)
    return Record(
        target.label,
        clause.id,
        level,
        verdict.value,
        clean(message),
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
            said = f"{type(error).__name__}: {shown(error)}"
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
