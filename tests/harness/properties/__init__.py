"""How a clause becomes an executable property: `clause` names it, `given` searches for a
counterexample to it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import update_wrapper
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.errors import Flaky, UnsatisfiedAssumption

from dropspec.core.calls import Call
from dropspec.core.cases import Case
from dropspec.core.errors import ImplementationError, NotClaimed, Undecided, Violation
from dropspec.core.implementation import Implementation
from dropspec.core.notes import Notes
from dropspec.core.property import FIXTURES, MARKER
from dropspec.core.recipes import Inputs, Recipe, recipes
from dropspec.session.run import Run

Test = Callable[..., None]
# calls spent on making a counterexample smaller; a count, not a time, so that two runs end with the
# same one
SHRINKS = 60
SETTINGS = hypothesis.settings(
    max_examples=SHRINKS,
    derandomize=False,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
    print_blob=False,
    verbosity=Verbosity.quiet,
)  # under which only the seed decides what is drawn


def clause(clause_id: str, *, should: bool = False) -> Callable[[Test], Test]:
    """Says which clause a test judges; `should` for the SHOULD part of a clause that also has a
    MUST part.

    To pytest its arguments are fixtures of ours by name: a user's project may have its own `run`.
    """

    def decorate(body: Test) -> Test:
        names = list(inspect.signature(body).parameters)

        def test(**handed: Any) -> None:
            body(**{name: handed[FIXTURES + name] for name in names})

        update_wrapper(test, body)
        ours = [inspect.Parameter(FIXTURES + n, inspect.Parameter.KEYWORD_ONLY) for n in names]
        test.__signature__ = inspect.Signature(ours)  # type: ignore[attr-defined]
        marked: Test = getattr(pytest.mark, MARKER)(clause_id, should=should)(test)
        return marked

    return decorate


def assume(can_decide: Any) -> None:
    """Passes over a case that can decide nothing: it counts neither for nor against."""
    if not can_decide:
        raise UnsatisfiedAssumption


def given(*also: Case, **wanted: Inputs[Any]) -> Callable[[Test], Test]:
    """Runs a property on the inputs that it wants, made from a share of the recipes of the run, and
    on the cases in `also`.

    The property gets `impl`, its inputs and, if it asks, `notes`. Where one fails, Hypothesis
    searches around it for the smallest. Where a failure does not come back when replayed, as
    with a layer that follows no seed, it is reported as it was last seen.
    """

    def decorate(body: Test) -> Test:
        wants_notes = "notes" in inspect.signature(body).parameters

        def test(impl: Implementation, run: Run, notes: Notes) -> None:
            extra = {"notes": notes} if wants_notes else {}
            tried = _Search(lambda **made: body(impl, **made, **extra), wanted, run).go(
                body.__name__, also
            )
            notes.certificate = notes.certificate or f"{tried} cases"

        test.has_cases = True  # type: ignore[attr-defined]
        test.__name__, test.__doc__, test.__module__ = body.__name__, body.__doc__, body.__module__
        return test

    return decorate


class _Stop(BaseException):
    """Carries what ends a search at once past Hypothesis, which would take an Exception for a
    failure to shrink.
    """

    def __init__(self, reason: Exception) -> None:
        self.reason = reason


class _Search:
    """Runs a property's body on one case after another; keeps each failure, with the last call for
    a reproduction.
    """

    def __init__(self, body: Test, wanted: dict[str, Inputs[Any]], run: Run) -> None:
        self.body, self.wanted, self.run = body, wanted, run
        self.dtypes, self.guard = run.impl.dtypes, run.impl.guard
        self.failures: dict[str, tuple[Exception, Call | None, int]] = {}

    def go(self, name: str, also: Sequence[Case]) -> int:
        """Tries a share of the run's recipes, the plainest first, and what stands in `also`; raises
        the smallest failure.

        Returns how many cases could decide, and held.
        """
        decided = 0
        try:
            with self.guard.watch():
                for recipe in self.run.recipes_for(name):
                    decided += self._holds(recipe, name)
                    if decided == self.run.profile.examples or self.failures:
                        break
                if not decided and not self.failures:
                    raise Undecided(
                        "no case that was drawn could decide it: none had a survivor, or none was"
                        " as the clause needs it"
                    )
                for case in also:
                    with suppress(UnsatisfiedAssumption):
                        self._try(case=case)
                        decided += 1
        except (Violation, ImplementationError, Flaky):
            pass
        if self.failures:
            error, self.guard.last, self.guard.forwards = list(self.failures.values())[-1]
            raise error from None
        return decided

    def _holds(self, recipe: Recipe, name: str) -> bool:
        """Whether a case could decide, and held; where it failed, a search is made for the smallest
        that does, and its failure raised.
        """
        try:
            self._try(**self._made(recipe))
        except UnsatisfiedAssumption:
            return False
        except (Violation, ImplementationError):
            self._shrink(recipe, name)
            raise
        return True

    def _made(self, recipe: Recipe) -> dict[str, Any]:
        return {name: inputs.make(recipe) for name, inputs in self.wanted.items()}

    def _try(self, **made: Any) -> None:
        """Runs the body on a case; in a dtype that is taken."""
        made = {
            name: v.for_dtypes(self.dtypes) if isinstance(v, Case) else v
            for name, v in made.items()
        }
        key = repr(made)
        self.guard.reset()
        try:
            self.body(**made)
        except (Violation, ImplementationError) as error:
            self.failures.pop(key, None)
            self.failures[key] = (error, self.guard.last, self.guard.forwards)
            raise

    def _shrink(self, failing: Recipe, name: str) -> None:
        spent = 0

        def once(recipe: Recipe) -> None:
            nonlocal spent
            made, spent = self._made(recipe), spent + 1
            if spent > SHRINKS and repr(made) not in self.failures:
                return  # as if it passed: the search ends with the smallest failure so far
            try:
                self._try(**made)
            except (NotClaimed, Undecided) as reason:
                raise _Stop(reason) from reason

        search = hypothesis.given(recipe=recipes(near=failing))(once)
        try:
            SETTINGS(hypothesis.seed(self.run.seed_for(name))(search))()
        except _Stop as stop:
            raise stop.reason from None
