"""From journals and records to verdicts: nothing planned is lost, and the worst wins.

Pure: all is written by hand, and nothing runs.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from dropspec.core.clauses import Clause
from dropspec.core.records import Answer, Judged, Record, Verdict
from dropspec.session.journal import Journal
from dropspec.session.judge import judge_clauses

PLAN = {
    "t1": ["mine", "scale-1", "MUST"],
    "t2": ["mine", "scale-2", "MUST"],
    "t3": ["yours", "edge-9", "SHOULD"],
}
MUST, SHOULD = (
    Clause("scale-1", "Survivors", "MUST", "…", "dropout"),
    Clause("edge-9", "Rate 0", "SHOULD", "…", "dropout"),
)
ORDER = ("VIOLATED", "ERROR", "UNDECIDED", "DEPARTS", "HOLDS", "NOT CLAIMED")  # from the worst


def event(kind: str, **fields: Any) -> str:
    """One line of a journal."""
    return json.dumps({"event": kind, **fields}) + "\n"


def held(test: str) -> str:
    """The lines of a test that began, held and ended."""
    label, clause, level = PLAN[test]
    record = {"label": label, "clause": clause, "level": level, "verdict": "HOLDS"}
    return (
        event("start", test=test)
        + event("result", test=test, record=record)
        + event("end", test=test)
    )


def begun() -> Journal:
    """A journal that knows its targets and its plan."""
    journal = Journal()
    journal.read(
        event(
            "targets",
            labels={"mine": ["m:Layer", "dropout"], "yours": ["y:Layer", "dropout"]},
            unusable={"bad": ["b:Layer", "no such module"]},
        )
    )
    journal.read(event("planned", tests=PLAN))
    return journal


def found(journal: Journal) -> dict[tuple[str, str], str]:
    """The verdicts in a journal."""
    return {(r.label, r.clause): r.verdict for r in journal.records}


def test_a_journal_knows_targets_and_plan() -> None:
    """Labels, unusable targets with their reason, and how much is left are read from the first
    events.
    """
    journal = begun()
    assert journal.labels == {"mine": ("m:Layer", "dropout"), "yours": ("y:Layer", "dropout")}
    assert journal.unusable == {"bad": ("b:Layer", "no such module")}
    assert journal.left == 3


def test_a_child_that_died_costs_the_test_it_was_in() -> None:
    """The test that had begun and not ended is an ERROR with the reason, at its clause and
    level; others stay as they are.
    """
    journal = begun()
    journal.read(held("t1") + event("start", test="t3"))
    journal.lost("the process was killed by signal 11")
    assert found(journal) == {("mine", "scale-1"): "HOLDS", ("yours", "edge-9"): "ERROR"}
    (lost,) = (r for r in journal.records if r.verdict == "ERROR")
    assert (lost.level, lost.message) == ("SHOULD", "the process was killed by signal 11")
    assert journal.left == 1


def test_a_test_that_gave_its_result_is_not_lost() -> None:
    """A child that dies between the result of a test and its end changes nothing about the
    result.
    """
    journal = begun()
    journal.read(held("t1").rsplit("\n", 2)[0] + "\n")
    journal.lost("the process ended with exit code 3")
    assert found(journal) == {("mine", "scale-1"): "HOLDS"}


def test_a_child_that_ended_well_loses_nothing() -> None:
    """Where every test has ended, the end of the child is laid to none of them."""
    journal = begun()
    journal.read(held("t1") + held("t2") + held("t3"))
    journal.lost("the process ended with exit code 0")
    assert set(found(journal).values()) == {"HOLDS"}
    assert journal.left == 0


def test_the_next_child_goes_on() -> None:
    """A second child's journal adds to the first; its shorter plan takes nothing away, and every
    planned test ends with one record.
    """
    journal = begun()
    journal.read(event("start", test="t1"))
    journal.lost("the process ended with exit code 3")
    journal.read(
        event("planned", tests={k: PLAN[k] for k in ("t2", "t3")}) + held("t2") + held("t3")
    )
    journal.lost("the process ended with exit code 0")
    assert found(journal) == {
        ("mine", "scale-1"): "ERROR",
        ("mine", "scale-2"): "HOLDS",
        ("yours", "edge-9"): "HOLDS",
    }
    assert len(journal.records) == 3
    assert journal.left == 0


def test_what_was_never_begun_can_be_given_up() -> None:
    """When no child gets further, all that is left is laid to the reason, once each."""
    journal = begun()
    journal.read(held("t2"))
    journal.open.extend(journal.planned)
    journal.lost("not run: no child got further")
    assert found(journal) == {
        ("mine", "scale-1"): "ERROR",
        ("mine", "scale-2"): "HOLDS",
        ("yours", "edge-9"): "ERROR",
    }
    assert len(journal.records) == 3


def record(
    verdict: str, level: str = "MUST", message: str = "", certificate: str = "", reproduce: str = ""
) -> Record:
    """The outcome of one test of scale-1."""
    return Record("mine", "scale-1", level, verdict, message, certificate, reproduce)


def judged(*records: Record, known: str = "") -> Judged:
    """The verdict of scale-1 over these records."""
    return judge_clauses(records, [MUST], {"scale-1": known} if known else {})[0]


@pytest.mark.parametrize(
    ("worse", "better"), [(a, b) for i, a in enumerate(ORDER) for b in ORDER[i:]]
)
def test_the_worst_wins(worse: str, better: str) -> None:
    """Of two tests of one clause the worse decides, in either order, and gives its sentence and
    reproduction.
    """
    bad, good = record(worse, message="bad", reproduce="line"), record(better, message="good")
    for found in (judged(bad, good), judged(good, bad)):
        assert found.verdict == worse
        assert worse == better or (found.summary, found.reproduce) == ("bad", "line")


def test_what_was_not_run_has_not_held() -> None:
    """A clause without any record is an ERROR, and makes its target not conformant."""
    found = judge_clauses([record("HOLDS")], [MUST, SHOULD], {})
    assert [c.verdict for c in found] == ["HOLDS", "ERROR"]
    assert not Answer("mine", "m:Layer", found).conformant()


def test_the_level_is_that_of_the_part_which_decided() -> None:
    """A MUST clause whose SHOULD part departs says SHOULD; where both fail alike, the MUST is
    named; where all holds, the clause's own.
    """
    assert judged(record("HOLDS"), record("DEPARTS", "SHOULD")).level == "SHOULD"
    assert judged(record("DEPARTS", "SHOULD"), record("VIOLATED")).level == "MUST"
    assert judged(record("ERROR", "SHOULD"), record("ERROR")).level == "MUST"
    assert judged(record("HOLDS", "SHOULD"), record("HOLDS")).level == "MUST"


def test_certificates_come_from_what_holds() -> None:
    """A certificate that two tests share is given once, and none is taken from a test that
    failed.
    """
    found = judged(
        record("HOLDS", certificate="±0.1"),
        record("HOLDS", certificate="±0.1"),
        record("VIOLATED", certificate="±0.2"),
    )
    assert found.certificate == "±0.1"


def test_declared_failures() -> None:
    """What is declared and fails or departs is KNOWN, with reason and sentence; declared and
    holding is STALE; an ERROR is not excused.
    """
    known = judged(record("VIOLATED", message="came 2"), known="our scale")
    assert known.verdict == "KNOWN"
    assert "our scale" in known.summary
    assert "came 2" in known.summary
    assert judged(record("DEPARTS", "SHOULD"), known="…").verdict == "KNOWN"
    assert judged(record("HOLDS"), known="…").verdict == "STALE"
    for verdict in ("ERROR", "UNDECIDED", "NOT CLAIMED"):
        assert judged(record(verdict), known="…").verdict == verdict


def answer(*verdicts: str) -> Answer:
    """An answer with these verdicts."""
    return Answer(
        "mine",
        "m:Layer",
        tuple(Judged("scale-1", "…", "MUST", Verdict(v), "", "", "") for v in verdicts),
    )


def test_not_claimed_never_counts_as_held() -> None:
    """What is not claimed is in the denominator of clauses and in no other count, and a target
    that claims nothing does not conform.
    """
    mixed = answer("HOLDS", "NOT CLAIMED", "NOT CLAIMED")
    assert (len(mixed.clauses), mixed.claimed, mixed.count(Verdict.HOLDS)) == (3, 1, 1)
    assert mixed.conformant()
    assert not answer("NOT CLAIMED", "NOT CLAIMED").conformant()
    assert not answer().conformant()


@pytest.mark.parametrize("verdict", ORDER)
def test_what_conforms(verdict: str) -> None:
    """HOLDS, NOT CLAIMED and DEPARTS conform, the last one not strictly; VIOLATED, ERROR and
    UNDECIDED never do.
    """
    found = answer("HOLDS", verdict)
    assert found.conformant() == (verdict in ("HOLDS", "NOT CLAIMED", "DEPARTS"))
    assert found.conformant(strict=True) == (verdict in ("HOLDS", "NOT CLAIMED"))


def test_declared_and_stale_conformance() -> None:
    """A declared failure conforms, strictly too, and a stale declaration never does; nor does a
    target that could not be loaded.
    """
    assert answer("HOLDS", "KNOWN").conformant(strict=True)
    assert not answer("HOLDS", "STALE").conformant()
    assert not Answer(
        "mine", "m:Layer", answer("HOLDS").clauses, unusable="no such module"
    ).conformant()
