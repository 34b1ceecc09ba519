"""From records to verdicts: the worst wins, and what was not run has not held.

Pure: all is written by hand, and nothing runs.
"""

from __future__ import annotations

import pytest

from dropspec.core.clauses import Clause
from dropspec.core.records import Answer, Judged, Record, Verdict
from dropspec.session.judge import judge_clauses

MUST, SHOULD = (
    Clause("scale-1", "Survivors", "MUST", "…", "dropout"),
    Clause("edge-9", "Rate 0", "SHOULD", "…", "dropout"),
)
ORDER = ("VIOLATED", "ERROR", "UNDECIDED", "DEPARTS", "HOLDS", "NOT CLAIMED")  # from the worst


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
