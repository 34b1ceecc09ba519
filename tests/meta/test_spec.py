"""The specification holds together: every clause is whole, its example runs, a test judges it, and a mutant breaks it."""

from __future__ import annotations

import doctest
import inspect
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dropspec.core.clauses import Clause
from dropspec.core.options import PROFILES
from dropspec.families import all_clauses, all_families
from dropspec.families.base import Family
from dropspec.properties.catalogue import properties_of

TESTS = Path(__file__).resolve().parent.parent
CHAPTERS = list(dict.fromkeys(clause.chapter for clause in all_clauses().values()))
PARTS = ("Why", "Effect when broken", "Example", "Tolerance", "Source")
EVERY = pytest.mark.parametrize("clause", all_clauses().values(), ids=lambda clause: clause.id)


@dataclass(frozen=True)
class Judging:
    """A test that judges a clause: the chapter of its file, its name, and its level's mark."""

    chapter: str
    name: str
    test: Any
    should: bool


@cache
def judged() -> dict[str, list[Judging]]:
    """The conformance tests by the clause that they judge."""
    found: dict[str, list[Judging]] = {}
    for family in all_families():
        for prop in properties_of(family.tests):
            chapter = prop.test.__module__.rpartition(".test_")[2]
            judging = Judging(chapter, prop.test.__name__, prop.test, prop.should)
            found.setdefault(prop.clause, []).append(judging)
    return found


@cache
def broken() -> dict[str, list[str]]:
    """The targets of the mutants by the clauses that they state to break."""
    found: dict[str, list[str]] = {}
    for target, clauses in MUTANTS.items():
        for clause in clauses:
            found.setdefault(clause, []).append(target)
    return found


def run_examples(text: str, name: str, family: str) -> None:
    """Runs the blocks of Python in a part of a specification, and fails where one prints something else than it says, or there is none."""
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert blocks, "it has no example in a block of Python"
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, name, f"spec/{family}.md", 0)
    said: list[str] = []
    results = doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert results.attempted >= 2, "it imports and shows nothing"
    assert results.failed == 0, "".join(said)


@EVERY
def test_the_worked_example_runs(clause: Clause) -> None:
    """The example of a clause is a doctest of its own: it imports what it needs and prints what it says."""
    run_examples(clause.text, clause.id, clause.family)
    assert ">>>" in clause.text.split("*Example.*")[1].split("*Tolerance.*")[0], "the block does not stand under its example"


def test_the_example_of_a_decision_runs() -> None:
    """The introduction shows counts that are open, pass and fail."""
    run_examples((TESTS.parent / "spec" / "dropout.md").read_text("utf-8").split("\n## ")[0], "introduction", "dropout")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_campaigns_are_those_of_the_plan(family: str) -> None:
    """The introduction lists the shape and the rate of every campaign: a certificate speaks of these alone."""
    text = (TESTS.parent / "spec" / f"{family}.md").read_text("utf-8")
    campaigns = text.split("*Campaigns.*")[1].split("\n\n")[0]
    plan = plan_for(PROFILES["standard"], family)
    said = set(re.findall(r"[\d.×]*\d", campaigns.replace(",", " ")))
    assert {"×".join(map(str, c.shape)) for c in (*plan.elsewhere, *plan.small)} <= said
    assert {f"{c.rate:g}" for c in (*plan.main, *plan.elsewhere, *plan.small)} <= said


@EVERY
def test_a_clause_has_its_six_parts(clause: Clause) -> None:
    """A clause is a rule that says MUST, SHOULD or MAY, then why, effect when broken, example, tolerance and source, in this order."""
    rule, *rest = re.split(r"^\*(" + "|".join(PARTS) + r")\.\*", clause.text, flags=re.MULTILINE)
    assert re.search(r"\b(MUST|SHOULD|MAY)\b", rule)
    assert rest[::2] == list(PARTS)
    assert all(len(text.split()) >= 4 for text in rest[1::2])


@EVERY
def test_a_clause_has_a_test_in_the_file_of_its_chapter(clause: Clause) -> None:
    """At least one conformance test judges it, in test_<chapter>.py, and says in a docstring what must hold."""
    tests = judged().get(clause.id, [])
    assert tests
    assert {chapter for chapter, _, _ in tests} == {clause.chapter}
    assert all(inspect.getdoc(test) for _, _, test in tests)


@EVERY
def test_a_clause_has_a_mutant(clause: Clause) -> None:
    """At least one mutant states that it breaks it."""
    assert broken().get(clause.id)


@EVERY
def test_levels_are_told_apart(clause: Clause) -> None:
    """The rule's MUST and SHOULD are judged each by a test of its own level."""
    rule = clause.text.split("*Why.*")[0]
    levels = {"SHOULD" if mark.kwargs["should"] else clause.level for _, _, test in judged()[clause.id] for mark in test.pytestmark}
    assert levels == set(re.findall(r"\b(?:MUST|SHOULD)\b", rule))


def test_ids_are_numbered_through() -> None:
    """In each chapter clauses are numbered from 1 without a gap, and stand under the heading of the chapter."""
    for chapter in CHAPTERS:
        numbers = [int(clause.id.rsplit("-", 1)[1]) for clause in all_clauses().values() if clause.chapter == chapter]
        assert numbers == list(range(1, len(numbers) + 1))
    texts = [(TESTS.parent / "spec" / f"{family}.md").read_text("utf-8") for family in FAMILIES]
    assert [heading for text in texts for heading in re.findall(r"^## (.+)$", text, flags=re.MULTILINE)] == CHAPTERS


def test_chapters_are_test_files_and_mutant_files() -> None:
    """The chapters of the specification, the files of conformance tests and those of mutants have the same names, some of several parts."""
    assert set(modules("conformance", "test_")) == set(CHAPTERS)
    assert {name.split("_")[0] for name in modules("mutants")} - {"right", "connections", "broken", "sample"} == set(CHAPTERS)


def test_nothing_names_a_clause_that_does_not_exist() -> None:
    """Every clause that a test judges or a mutant breaks is in the specification, and a mutant breaks one of its own chapter."""
    assert set(judged()) <= set(all_clauses())
    assert set(broken()) <= set(all_clauses())
    at_home = {name for clause, names in broken().items() for name in names if re.split(r"[_.]", name)[0] == clause.rsplit("-", 1)[0]}
    assert {name for names in broken().values() for name in names if not name.startswith("sample.")} == at_home


def test_every_conformance_test_has_a_clause() -> None:
    """No test in the conformance files judges nothing."""
    marked = {(chapter, name) for tests in judged().values() for chapter, name, _ in tests}
    assert {(c, n) for c, module in modules("conformance", "test_").items() for n in vars(module) if n.startswith("test_")} == marked
