"""A layer that hangs, raises, dies or returns nonsense loses its own clauses only, and the
report says what happened.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from dropspec.tests.mutants import broken

from .cli import Ran, check, only

CLAUSES = ("edge-1", "edge-2", "rate-1", "layout-1", "eval-1")
BROKEN = [
    name
    for name, thing in vars(broken).items()
    if inspect.isclass(thing)
    and thing.__module__ == broken.__name__
    and name != "WantsOtherArguments"  # is no layer: see test_targets
]
SAID = {  # of clause layout-1, or of edge-2 where only rate 1 is broken
    "Hangs": "the training forward of Hangs(0.5) on float32 of shape (8,) did not return within",
    "HangsAtRateOne": (
        "the training forward of HangsAtRateOne(1.0) on float32 of shape (8,) did not return within"
    ),
    "Raises": "raised RuntimeError: this layer always raises (broken.py, line",
    "WrongShape": "returned shape (1, 7) for input of shape (7,)",
    "WrongType": "returned list, not a tensor",
    "ReturnsNone": "returned NoneType, not a tensor",
    "Exits": "the process ended with exit code 3",
    "EatsMemory": f"{2**50} bytes",
    "Doubles": "float32 as float64 and float16 as float64 and bfloat16 as float64 came back",
    "Truncates": "returned dtype int64 for input of dtype float32",
}
NEVER_RAN = ("Hangs", "Raises", "EatsMemory")
ALSO = """\
from torch import nn

class Doubles(nn.Dropout):
    def forward(self, x):
        return super().forward(x).double()

class Truncates(nn.Dropout):
    def forward(self, x):
        return super().forward(x).long()
"""
DIES = """\
import os
from torch import nn

class Dies(nn.Dropout):
    def forward(self, x):
        os._exit(7)
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """All broken layers in one run in two processes, with a right one at the end."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "also.py").write_text(ALSO, "utf-8")
    targets = [f"{name}=dropspec.tests.mutants.broken:{name}" for name in BROKEN]
    targets += ["Doubles=also.py:Doubles", "Truncates=also.py:Truncates", "torch.nn:Dropout"]
    return check(folder, *targets, "-n", "2", "--timeout", "1", *only(*CLAUSES))


def test_each_broken_layer_is_looked_at() -> None:
    """Nothing stands in broken.py that is not checked here."""
    assert {*BROKEN, "Doubles", "Truncates"} == set(SAID)


def test_every_layer_has_a_verdict_for_every_clause(ran: Ran) -> None:
    """Whatever a layer does, none of its clauses is missing from the report, and the run ends
    with exit code 2, as some cannot be judged at all.
    """
    assert ran.code == 2
    assert set(ran.report["labels"]) == {*SAID, "torch.nn:Dropout"}
    for label in ran.report["labels"]:
        wanted = set() if label in NEVER_RAN else set(CLAUSES)
        assert set(ran.verdicts(label)) == wanted, label


def test_a_right_layer_beside_them_conforms(ran: Ran) -> None:
    """torch.nn.Dropout, judged in the same run, keeps every clause; its seeds are fixed, and
    over all seeds it fails with probability 1e-9.
    """
    assert ran.verdicts("torch.nn:Dropout") == dict.fromkeys(CLAUSES, "HOLDS")


@pytest.mark.parametrize("label", NEVER_RAN)
def test_a_layer_that_never_ran_is_not_judged(ran: Ran, label: str) -> None:
    """Where one plain call does not work, one sentence says why, and what would help."""
    said = ran.label(label)["unusable"]
    assert SAID[label] in said
    assert "\n" not in said
    assert "wrap it in a function" in said
    assert ran.label(label)["conformant"] is False


@pytest.mark.parametrize("label", [label for label in SAID if label not in NEVER_RAN])
def test_the_report_says_what_the_layer_did(ran: Ran, label: str) -> None:
    """One sentence says of each what it did: did not return, raised what and where, returned
    what, ended the process how.
    """
    said = ran.clause(label, "edge-2" if label == "HangsAtRateOne" else "layout-1")
    assert SAID[label] in said["summary"]
    assert "\n" not in said["summary"]
    assert said["verdict"] in ("ERROR", "VIOLATED")
    assert ran.label(label)["conformant"] is False


@pytest.mark.parametrize(
    ("label", "held"),
    [
        ("HangsAtRateOne", ["edge-1", "rate-1", "layout-1", "eval-1"]),
        ("Exits", ["edge-1", "eval-1"]),
    ],
)
def test_only_the_clauses_that_are_touched_are_lost(ran: Ran, label: str, held: list[str]) -> None:
    """Hanging at rate 1 spares all other rates, and dying above rate 0.95 what draws no such
    rate.
    """
    assert [clause for clause, verdict in ran.verdicts(label).items() if verdict == "HOLDS"] == [
        c for c in ran.verdicts(label) if c in held
    ]


@pytest.mark.parametrize("label", [label for label in SAID if label not in NEVER_RAN])
def test_no_fault_is_laid_to_the_suite(ran: Ran, label: str) -> None:
    """What a broken layer does is told as its own doing, never as a fault of dropspec."""
    assert not [c for c in CLAUSES if "fault of dropspec" in ran.clause(label, c)["summary"]]


def test_a_layer_that_dies_at_its_first_call_is_reported(tmp_path: Path) -> None:
    """A layer that ends the process as soon as it is called is reported so, and the target
    beside it is judged all the same.
    """
    (tmp_path / "dies.py").write_text(DIES, "utf-8")
    ran = check(tmp_path, "dies.py:Dies", "torch.nn:Dropout", *only("scale-2"))
    assert ran.code in (1, 2)
    assert ran.verdicts("torch.nn:Dropout") == {"scale-2": "HOLDS"}
    dies = ran.label("dies.py:Dies")
    assert "exit code 7" in dies["unusable"] + "".join(
        c["summary"] for c in dies["clauses"].values()
    )
