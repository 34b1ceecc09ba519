"""How far the children of a target have come: nothing planned is lost, and nothing is told that a
second try does not confirm.

Pure: all messages are written by hand, and nothing runs.
"""

from __future__ import annotations

import pytest

from dropspec.core.faults import Fault, FaultKind
from dropspec.core.records import Record
from dropspec.core.target import parse_target
from dropspec.session.progress import CONFIRMED, DEATHS, Progress

KILLED = "the process was killed by signal 11"
PLAN = {
    "t1": ("scale-1", "MUST", "dropspec check m:Layer --clause scale-1"),
    "t2": ("scale-2", "MUST", "…"),
    "t3": ("edge-9", "SHOULD", "…"),
    "t4": ("edge-1", "MUST", "…"),
}


def begun(*done: str) -> Progress:
    """A progress whose first child has planned all, and judged these."""
    progress = Progress(parse_target("mine=m:Layer"), 0)
    child(progress)
    for test in done:
        ends(progress, test)
    return progress


def child(progress: Progress) -> None:
    """A child begins, loads its target and says what it will do."""
    progress.start()
    for kind in ("begun", "loaded"):
        progress.hear({"kind": kind})
    progress.hear({"kind": "planned", "family": "dropout", "driven": "", "tests": PLAN})


def ends(progress: Progress, test: str, verdict: str = "HOLDS", kind: str = "") -> None:
    """A property begins and ends with that verdict, with a fault of that kind."""
    clause, level, _ = PLAN[test]
    fault = Fault(FaultKind(kind)) if kind else None
    record = Record("whatever the layer says", clause, level, verdict, fault=fault)
    progress.hear({"kind": "begin", "test": test})
    progress.hear({"kind": "end", "test": test, "record": record.as_data()})


def hangs(progress: Progress, test: str) -> None:
    """A property does not return in time."""
    ends(progress, test, "ERROR", "hung")


def verdicts(progress: Progress) -> dict[str, str]:
    """The verdicts so far."""
    return {test: record.verdict for test, record in progress.records.items()}


def test_every_record_is_of_the_label_that_was_judged() -> None:
    """Whatever a record says of its label, it is of the target that the child was given."""
    assert {record.label for record in begun("t1").records.values()} == {"mine"}


def test_a_record_of_another_clause_is_not_taken() -> None:
    """A record must be of the clause and level that were planned."""
    progress, other = begun(), Record("mine", "scale-2", "MUST", "HOLDS")
    progress.hear({"kind": "end", "test": "t1", "record": other.as_data()})
    assert not progress.records


def test_what_has_ended_is_not_told_anew() -> None:
    """The first record of a property is kept: a process that the layer forked changes nothing."""
    progress = begun("t1")
    ends(progress, "t1", "VIOLATED")
    assert verdicts(progress) == {"t1": "HOLDS"}


def test_a_death_is_laid_to_a_property_at_the_second_time() -> None:
    """What was lost with a child is tried once more, and is an ERROR if it is lost again."""
    progress = begun("t1")
    for died_before in ({"t1": "HOLDS"}, {"t1": "HOLDS", "t3": "ERROR"}):
        progress.hear({"kind": "begin", "test": "t3"})
        progress.died(KILLED)
        assert verdicts(progress) == died_before
        child(progress)
    lost = progress.records["t3"]
    assert (lost.clause, lost.level, lost.message) == ("edge-9", "SHOULD", KILLED)
    assert progress.left == ["t2", "t4"]


def test_a_death_that_does_not_come_again_is_forgotten() -> None:
    """A process that was killed from outside accuses nobody."""
    progress = begun("t1", "t2", "t3")
    progress.hear({"kind": "begin", "test": "t4"})
    progress.died("the process was killed by signal 9")
    child(progress)
    ends(progress, "t4")
    progress.hear({"kind": "done"})
    assert progress.is_complete
    assert set(verdicts(progress).values()) == {"HOLDS"}


def test_a_time_out_is_told_at_the_second_time() -> None:
    """What did not return in time is tried in a fresh process, and its second outcome counts."""
    progress = begun("t1", "t2", "t3")
    hangs(progress, "t4")
    progress.hear({"kind": "done"})
    assert not progress.is_complete
    child(progress)
    ends(progress, "t4")
    progress.hear({"kind": "done"})
    assert progress.is_complete
    assert verdicts(progress)["t4"] == "HOLDS"


def test_a_layer_that_hangs_again_and_again_is_not_tried_for_ever() -> None:
    """After two time-outs that were confirmed, the others stand as they are."""
    progress = begun()
    for test in PLAN:
        hangs(progress, test)
    progress.hear({"kind": "done"})
    child(progress)
    for test in list(PLAN)[:CONFIRMED]:
        hangs(progress, test)
    assert not progress.left
    assert set(verdicts(progress).values()) == {"ERROR"}


def test_a_layer_that_dies_again_and_again_is_given_up() -> None:
    """After so many deaths all that is left is an ERROR, and says why it was not run."""
    progress = begun("t1")
    for _ in range(DEATHS):
        assert not progress.is_complete
        progress.died(KILLED)
        child(progress)
    assert progress.is_complete
    assert verdicts(progress) == {"t1": "HOLDS", "t2": "ERROR", "t3": "ERROR", "t4": "ERROR"}
    assert progress.records["t4"].message == f"not run: it ended {DEATHS} processes before"


@pytest.mark.parametrize(
    ("heard", "when"), [(["begun"], "while it was loaded"), (["begun", "loaded"], "at its first")]
)
def test_a_target_that_dies_before_it_is_judged(heard: list[str], when: str) -> None:
    """It cannot be judged if it dies twice, and the sentence says when it did."""
    progress = Progress(parse_target("m:Layer"), 0)
    for _ in range(2):
        assert not progress.is_complete
        progress.start()
        for kind in heard:
            progress.hear({"kind": kind})
        progress.died(KILLED)
    assert progress.is_complete
    assert progress.unusable.startswith(f"{KILLED} {when}")


@pytest.mark.parametrize(("hung", "tries"), [(False, 1), (True, 2)])
def test_an_unusable_target(hung: bool, tries: int) -> None:
    """Why it cannot be judged is told at once; of a time-out, at the second time."""
    progress = Progress(parse_target("m:Layer"), 0)
    for _ in range(tries):
        assert not progress.is_complete
        progress.start()
        progress.hear({"kind": "unusable", "why": "no such\x1b[2Jmodule", "hung": hung})
        progress.hear({"kind": "done"})
    assert progress.is_complete
    assert progress.unusable == "no such\\x1b[2Jmodule"


def test_a_run_over_no_clause_of_its_family_is_complete() -> None:
    """Where nothing was asked of its family, a target is done as soon as its child is."""
    progress = Progress(parse_target("m:Layer"), 0)
    progress.start()
    progress.hear({"kind": "planned", "family": "dropout", "driven": "", "tests": {}})
    progress.hear({"kind": "done"})
    assert progress.is_complete
