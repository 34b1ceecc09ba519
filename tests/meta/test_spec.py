"""The specification holds together.

Every clause is whole, its example runs, a test judges it, and a mutant breaks it.
"""

from __future__ import annotations

import doctest
import inspect
import re
from functools import cache
from importlib.resources import files

import pytest

from dropspec.core.clauses import Clause, parts_of
from dropspec.core.options import PROFILES
from dropspec.core.property import Property
from dropspec.families import all_clauses, all_families
from dropspec.families.base import Family
from dropspec.properties.catalogue import properties_of

from .catalogue import MUTANTS

PARTS = ("Why", "Effect when broken", "Example", "Tolerance", "Remedy", "Diagnosis", "Source")
EVERY = pytest.mark.parametrize("clause", all_clauses().values(), ids=lambda clause: clause.id)
EVERY_FAMILY = pytest.mark.parametrize("family", all_families(), ids=lambda family: family.name)


def page_of(family: Family) -> str:
    """The page of a family."""
    package, page = family.spec
    return (files(package) / page).read_text("utf-8")


@cache
def judging() -> dict[str, list[Property]]:
    """The conformance tests by the clause that they judge."""
    found: dict[str, list[Property]] = {}
    for family in all_families():
        for prop in properties_of(family.tests):
            found.setdefault(prop.clause, []).append(prop)
    return found


def chapter_of(module: str) -> str:
    """The chapter that a module of tests or mutants is of, by its place under its family."""
    place = re.split(r"\.(?:dropout|dropconnect)\.", module)[-1]
    return place.removeprefix("test_").partition(".")[0]


def run_examples(text: str, name: str, page: str) -> None:
    """Runs the blocks of Python in a part of a page.

    Fails where one prints something else than it says, or there is none.
    """
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert blocks, "it has no example in a block of Python"
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, name, page, 0)
    printed: list[str] = []
    results = doctest.DocTestRunner(verbose=False).run(example, out=printed.append)
    assert results.attempted >= 2, "it imports and shows nothing"
    assert results.failed == 0, "".join(printed)


@EVERY
def test_the_worked_example_runs(clause: Clause) -> None:
    """The example of a clause is a doctest that imports what it needs and prints what it says."""
    run_examples(clause.text, clause.id, clause.family)
    example = clause.text.split("*Example.*")[1].split("*Tolerance.*")[0]
    assert ">>>" in example, "the block does not stand under its example"


def test_the_example_of_a_decision_runs() -> None:
    """The introduction shows counts that are open, pass and fail."""
    first = all_families()[0]
    run_examples(page_of(first).split("\n## ")[0], "introduction", first.spec[1])


@EVERY_FAMILY
def test_the_campaigns_are_those_of_the_plan(family: Family) -> None:
    """The introduction lists shape and rate of every campaign: a certificate speaks of these."""
    campaigns = page_of(family).split("*Campaigns.*")[1].split("\n\n")[0]
    plan = family.plan(PROFILES["standard"])
    told = set(re.findall(r"[\d.×]*\d", campaigns.replace(",", " ")))
    shapes = {"×".join(map(str, c.shape)) for c in (*plan.elsewhere, *plan.small)}
    rates = {f"{c.rate:g}" for c in (*plan.main, *plan.elsewhere, *plan.small)}
    assert shapes <= told
    assert rates <= told


@EVERY
def test_a_clause_has_its_parts(clause: Clause) -> None:
    """A clause is a rule that says MUST, SHOULD or MAY, and then its parts in one order."""
    rule, *rest = re.split(rf"^\*({'|'.join(PARTS)})\.\*", clause.text, flags=re.MULTILINE)
    assert re.search(r"\b(MUST|SHOULD|MAY)\b", rule)
    assert rest[::2] == list(PARTS)
    told = {name: text for name, text in parts_of(clause.text).items() if name != "Diagnosis"}
    assert all(len(text.split()) >= 4 for text in told.values())


@EVERY
def test_a_remedy_is_a_sentence(clause: Clause) -> None:
    """Where no known bug fits there is still a sentence on what is wrong and what to change."""
    assert clause.remedy.endswith(".")
    assert len(clause.remedy.split()) > 6


@EVERY
def test_a_clause_has_a_test_in_the_file_of_its_chapter(clause: Clause) -> None:
    """At least one conformance test judges it, in test_<chapter>.py, and says what must hold."""
    mine = judging().get(clause.id, [])
    assert mine
    assert {chapter_of(prop.test.__module__) for prop in mine} == {clause.chapter}
    assert all(inspect.getdoc(prop.test) for prop in mine)


@EVERY
def test_a_clause_has_a_mutant_in_the_file_of_its_chapter(clause: Clause) -> None:
    """At least one mutant in the file or folder of its chapter states that it breaks it."""
    mine = [m.target.partition(":")[0] for m in MUTANTS.values() if clause.id in m.clauses]
    assert clause.chapter in {chapter_of(module) for module in mine}


@EVERY
def test_levels_are_told_apart(clause: Clause) -> None:
    """The rule's MUST and SHOULD are judged each by a test of its own level."""
    rule = clause.text.split("*Why.*")[0]
    levels = {"SHOULD" if prop.should else clause.level for prop in judging()[clause.id]}
    assert levels == set(re.findall(r"\b(?:MUST|SHOULD)\b", rule))


@EVERY_FAMILY
def test_ids_are_numbered_through(family: Family) -> None:
    """Clauses are numbered from 1 without a gap, and stand under the heading of their chapter."""
    chapters = list(dict.fromkeys(clause.chapter for clause in family.clauses()))
    for chapter in chapters:
        mine = [clause.id for clause in family.clauses() if clause.chapter == chapter]
        assert mine == [f"{chapter}-{n}" for n in range(1, len(mine) + 1)]
    assert re.findall(r"^## (.+)$", page_of(family), flags=re.MULTILINE) == chapters


def test_nothing_names_a_clause_that_does_not_exist() -> None:
    """Every clause that a test judges or a mutant breaks is in the specification."""
    stated = {clause for mutant in MUTANTS.values() for clause in mutant.clauses}
    assert {*judging(), *stated} <= set(all_clauses())


def test_a_mutant_breaks_a_clause_of_its_own_chapter() -> None:
    """A mutant lies in the file of a chapter that it states to break, but for the sample, for other
    kinds of dropout, and for those that are told apart by their mechanism or what
    they carry over.
    """
    astray = [
        mutant.name
        for mutant in MUTANTS.values()
        if chapter_of(mutant.target.partition(":")[0])
        not in {clause.rpartition("-")[0] for clause in mutant.clauses}
    ]
    apart = ("sample:", "dropout.kinds:", "dropout.mechanisms:", "dropout.carried:")
    assert [name for name in astray if not name.startswith(apart)] == []


def test_every_conformance_test_has_a_clause() -> None:
    """No test in the conformance files judges nothing."""
    for family in all_families():
        marked = {prop.test for prop in properties_of(family.tests)}
        modules = {inspect.getmodule(test) for test in marked}
        assert not [
            name
            for module in modules
            for name, thing in vars(module).items()
            if name.startswith("test_") and thing not in marked
        ]
