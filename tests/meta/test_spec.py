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
from dropspec.families import SPEC_VERSION, all_clauses, all_families
from dropspec.families.base import Family
from dropspec.properties.catalogue import properties_of

from .catalogue import MUTANTS

UNFOLDED = ("Tolerance", "Remedy", "Example")
FOLDED = ("Why", "Effect when broken", "Derivation", "Diagnosis", "Source")
SPEC = files("dropspec.spec")
AFTER = ("conventions", "the-probe", "glossary", "conformance", "references")  # not chapters
EVERY = pytest.mark.parametrize("clause", all_clauses().values(), ids=lambda clause: clause.id)
EVERY_FAMILY = pytest.mark.parametrize("family", all_families(), ids=lambda family: family.name)


def page_of(family: Family) -> str:
    """The page of a family."""
    package, page = family.spec
    return (files(package) / page).read_text("utf-8")


def method() -> str:
    """The page that holds for all families."""
    return (SPEC / "method.md").read_text("utf-8")


def words(text: str) -> int:
    """The words of a text, those of examples included: no signs, prompts or anchors."""
    return len(re.findall(r"\S*\w\S*", re.sub(r'<a id=".*?"></a>', "", text)))


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
    example = clause.text.split("*Example.*")[1].split("<details>")[0]
    assert ">>>" in example, "the block does not stand under its example"


def test_the_example_of_a_decision_runs() -> None:
    """The method shows counts that are open, pass and fail."""
    run_examples(method(), "chance", "method.md")


@EVERY_FAMILY
def test_the_campaigns_are_those_of_the_plan(family: Family) -> None:
    """The method lists shape and rate of every campaign: a certificate speaks of these."""
    (campaigns,) = re.findall(
        rf"^### Campaigns of {family.name}$(.*?)^##", method(), flags=re.MULTILINE | re.DOTALL
    )
    plan = family.plan(PROFILES["standard"])
    told = set(re.findall(r"[\d.×]*\d", campaigns.replace(",", " ")))
    shapes = {"×".join(map(str, c.shape)) for c in (*plan.elsewhere, *plan.small)}
    rates = {f"{c.rate:g}" for c in (*plan.main, *plan.elsewhere, *plan.small)}
    assert shapes <= told
    assert rates <= told


@EVERY
def test_a_clause_has_its_parts(clause: Clause) -> None:
    """A clause is a rule, its terms, and then its parts in one order; what need not be read to
    keep the clause is folded, and only that.
    """
    open_part, fold = clause.text.split("<details>")
    for text, names in ((open_part, UNFOLDED), (fold, FOLDED)):
        found = re.findall(rf"^\*({'|'.join(UNFOLDED + FOLDED)})\.\*", text, flags=re.MULTILINE)
        assert found == [name for name in names if name in found or name != "Derivation"]
    assert fold.endswith("</details>")
    told = parts_of(clause.text)
    briefly = ("Tolerance", "Diagnosis")
    assert all(len(text.split()) >= 4 for name, text in told.items() if name not in briefly)


@EVERY
def test_the_terms_of_a_clause_are_true(clause: Clause) -> None:
    """The line under a rule names the levels that the rule uses, a version and what is needed."""
    line = re.search(r"^\*Level:\* (.+?) · \*Since:\* (.+?) · ", clause.text, re.MULTILINE)
    assert line
    assert line[1] == ", ".join(clause.levels)
    assert f"\n## {line[2]}\n" in (SPEC / "CHANGELOG.md").read_text("utf-8")


@EVERY
def test_a_tolerance_is_two_lines(clause: Clause) -> None:
    """How far an implementation may be off is said in two lines at most."""
    tolerance = clause.text.split("*Tolerance.*")[1].split("\n\n")[0]
    assert clause.tolerance
    assert len(tolerance.splitlines()) <= 2


@EVERY_FAMILY
def test_a_page_is_mostly_for_those_who_implement(family: Family) -> None:
    """The first clause stands within the first 40 lines, and at least a quarter of what is read
    without opening a fold is rule.
    """
    page = page_of(family)
    before = page.split("\n### ")[0]
    unfolded = re.sub(r"^<details>.*?^</details>$", "", page, flags=re.MULTILINE | re.DOTALL)
    rules = sum(words(clause.rule) for clause in family.clauses())
    assert len(before.splitlines()) < 40
    assert rules >= 0.25 * words(unfolded)


@EVERY_FAMILY
def test_a_page_names_its_version(family: Family) -> None:
    """Page and package name the version whose changes the list of changes begins with."""
    changes = (SPEC / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## (.+)$", changes, flags=re.MULTILINE)[0] == SPEC_VERSION
    assert f"*spec {SPEC_VERSION}*" in page_of(family).split("\n## ")[0]


@EVERY_FAMILY
def test_an_anchor_is_the_id_of_its_clause(family: Family) -> None:
    """A better title leaves every link to a clause as it was."""
    anchors = re.findall(r'^### <a id="(.+?)"></a>', page_of(family), flags=re.MULTILINE)
    assert anchors == [clause.id for clause in family.clauses()]


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
    levels = {"SHOULD" if prop.should else clause.level for prop in judging()[clause.id]}
    assert levels == {*clause.levels} - {"MAY"}


@EVERY_FAMILY
def test_ids_are_numbered_through(family: Family) -> None:
    """Clauses are numbered from 1 without a gap, and stand under the heading of their chapter."""
    chapters = list(dict.fromkeys(clause.chapter for clause in family.clauses()))
    for chapter in chapters:
        mine = [clause.id for clause in family.clauses() if clause.chapter == chapter]
        assert mine == [f"{chapter}-{n}" for n in range(1, len(mine) + 1)]
    headings = re.findall(r'^## <a id="(.+?)"></a>', page_of(family), flags=re.MULTILINE)
    assert [heading for heading in headings if heading not in AFTER] == chapters


def test_nothing_names_a_clause_that_does_not_exist() -> None:
    """Every clause that a test judges or a mutant breaks is in the specification."""
    stated = {clause for mutant in MUTANTS.values() for clause in mutant.clauses}
    assert {*judging(), *stated} <= set(all_clauses())


def test_a_mutant_breaks_a_clause_of_its_own_chapter() -> None:
    """A mutant lies in the file of a chapter that it states to break, except the sample, for other
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
