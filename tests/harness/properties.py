"""How a clause becomes an executable property: `clause` names it, `given` searches for a counterexample to it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.errors import Flaky, Unsatisfiable
from hypothesis.strategies import SearchStrategy

from .adapters import Adapter
from .guard import Call
from .outcomes import ImplementationError, NotClaimed, Undecided, Violation
from .run import Notes, Run
from .strategies import Case

Test = Callable[..., None]
SHRINKS = 60  # calls spent on making a counterexample smaller; a count, not a time, so that two runs end with the same one


def clause(clause_id: str, *, should: bool = False) -> Callable[[Test], Test]:
    """Says which clause a test judges; `should` for the SHOULD part of a clause that also has a MUST part."""
    return pytest.mark.clause(clause_id, should=should)


def given(*also: Case, **strategies: SearchStrategy[Any]) -> Callable[[Test], Test]:
    """Hypothesis' `given`, under the profile of the run and with a seed derived from the property's name; then of the cases in `also`.

    The property gets `impl`, what was drawn and, if it asks, `notes`. Where
    a failure does not come back when replayed, as with a layer that follows no seed, it is reported as it was first seen.
    """

    def decorate(body: Test) -> Test:
        wants_notes = "notes" in inspect.signature(body).parameters

        def test(impl: Adapter, run: Run, notes: Notes) -> None:
            extra = {"notes": notes} if wants_notes else {}
            _search(lambda **drawn: body(impl, **_fitted(drawn, impl), **extra), also, strategies, run, body.__name__)

        test.__name__, test.__doc__, test.__module__ = body.__name__, body.__doc__, body.__module__
        return test

    return decorate


def _fitted(drawn: dict[str, Any], impl: Adapter) -> dict[str, Any]:
    return {name: v.for_dtypes(impl.claims.dtypes) if isinstance(v, Case) else v for name, v in drawn.items()}


class _Stop(BaseException):
    """Carries what ends a search at once past Hypothesis, which would take an Exception for a failure to shrink."""

    def __init__(self, reason: Exception) -> None:
        self.reason = reason


def _search(body: Test, also: Sequence[Case], strategies: dict[str, SearchStrategy[Any]], run: Run, name: str) -> None:
    guard, spent = run.adapter.guard, 0
    failures: dict[str, tuple[Exception, Call | None, int]] = {}

    def once(**drawn: Any) -> None:
        nonlocal spent
        key = repr(drawn)
        spent += bool(failures)
        if spent > SHRINKS and key not in failures:
            return  # as if it passed: the search ends with the smallest failure so far
        guard.reset()
        try:
            body(**drawn)
        except (Violation, ImplementationError) as error:
            failures.pop(key, None)
            failures[key] = (error, guard.last, guard.forwards)
            raise
        except (NotClaimed, Undecided) as reason:
            raise _Stop(reason) from reason

    def search(phases: Sequence[Phase]) -> Test:
        searched = hypothesis.seed(run.seed_for(name))(hypothesis.given(**strategies)(once))
        for case in also:
            searched = hypothesis.example(case=case)(searched)
        return hypothesis.settings(
            max_examples=run.profile.examples,
            derandomize=False,
            database=None,
            deadline=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
            verbosity=Verbosity.quiet,
        )(searched)

    try:
        search((Phase.generate, Phase.shrink))()  # first, as what it finds is small
        if also:
            search((Phase.explicit,))()
    except _Stop as stop:
        raise stop.reason from None
    except Unsatisfiable:
        raise Undecided("no case that was drawn could decide it: none had a survivor, or none was as the clause needs it") from None
    except (Violation, ImplementationError, Flaky):
        error, guard.last, guard.forwards = list(failures.values())[-1]
        raise error from None
