"""Targets that cannot be used get one clear sentence each, and harm no other; every way of
naming a good one works.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .cli import Ran, check, only, run

LAYERS = """\
from torch import nn

class Layer(nn.Dropout):
    pass

class Outer:
    class Inner(nn.Dropout):
        pass

class Plain:
    pass

instance = nn.ReLU()
"""
FILES = {
    "mypkg/__init__.py": "",
    "mypkg/layers.py": LAYERS,
    "folder/layers.py": LAYERS,
    "slip.py": "import torch\n\ndef dropout(x, rate:\n    return x\n",
    "stops.py": "import torch\n\nraise RuntimeError('no licence was found')\n",
    "leaves.py": "import sys\n\nsys.exit(3)\n",
}
GOOD = {
    "good": "good=torch.nn:Dropout",
    "torch.nn:Dropout": "torch.nn:Dropout",
    "mypkg.layers:Layer": "mypkg.layers:Layer",
    "mypkg.layers:Outer.Inner": "mypkg.layers:Outer.Inner",
    "folder/layers.py:Layer": "folder/layers.py:Layer",
    "inner": "inner=folder/layers.py:Outer.Inner",
}
BAD = {
    "nowhere.layers:Dropout": (
        "importing nowhere.layers raised ModuleNotFoundError: No module named 'nowhere'"
    ),
    "torch.nn:Dropuot": "torch.nn has no attribute 'Dropuot': did you mean 'Dropout'?",
    "torch.nn:DROPOUT": "torch.nn has no attribute 'DROPOUT': did you mean 'Dropout'?",
    "torch.nn:Zzz": "torch.nn has no attribute 'Zzz'; it has AdaptiveAvgPool1d, ",
    "mypkg.layers:Outer.Outer": "mypkg.layers:Outer has no attribute 'Outer'; it has Inner",
    "nowhere.py:Dropout": "there is no file nowhere.py",
    "slip.py:dropout": "raised SyntaxError: '(' was never closed (slip.py, line 3)",
    "stops.py:dropout": "raised RuntimeError: no licence was found (stops.py, line 3)",
    "leaves.py:dropout": "raised SystemExit: 3 (leaves.py, line 3)",
    "dropout": (
        "'dropout' is not a target: give [label=]module:attribute or [label=]path/file.py:attribute"
    ),
    "=mypkg.layers:Layer": (
        "'=mypkg.layers:Layer' is not a target: give [label=]module:attribute or"
        " [label=]path/file.py:attribute"
    ),
    "torch:dropout": (
        "torch:dropout has no signature that Python can read, and the training call dropout(x, 0.5)"
        " on float32 of"
    ),
    "torch:native_dropout": ": wrap it in a function of (x, rate, training)",
    "dropspec.tests.mutants.broken:WantsOtherArguments": (
        "wants the arguments (width, height), but dropspec can only call it as (rate)"
    ),
    "mypkg.layers:instance": "is an instance of ReLU: dropspec builds layers at many rates",
    "mypkg.layers:Plain": "is a class, but not of a framework that dropspec drives",
    "good=mypkg.layers:Layer": (
        "two targets have the label 'good': give each its own by label=target"
    ),
}


def write(folder: Path) -> Path:
    """The files above, in that folder."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """All targets, good and bad, in one run of one clause."""
    return check(write(tmp_path_factory.mktemp("targets")), *GOOD.values(), *BAD, *only("scale-2"))


@pytest.mark.parametrize("target", BAD)
def test_a_bad_target_gets_one_clear_sentence(ran: Ran, target: str) -> None:
    """What cannot be loaded or driven is named with the reason, in the report for people and in
    the one for machines.
    """
    said = ran.label(target)["unusable"]
    assert BAD[target] in said
    assert "\n" not in said
    assert "cannot be checked: " + said[:60] in ran.printed
    assert ran.label(target)["conformant"] is False
    assert ran.label(target)["clauses"] == {}


@pytest.mark.parametrize("label", GOOD)
def test_a_good_target_beside_bad_ones_is_judged(ran: Ran, label: str) -> None:
    """Modules, files, nested attributes and packages in the current folder can be named, with a
    label or without, and get their verdict.
    """
    assert ran.label(label)["target"] == GOOD[label].partition("=")[2] or label
    assert ran.verdicts(label) == {"scale-2": "HOLDS"}
    assert ran.label(label)["conformant"] is True


def test_a_bad_target_makes_exit_code_2(ran: Ran) -> None:
    """A run with a target that cannot be used ends with exit code 2, and no traceback is shown."""
    assert ran.code == 2
    assert "Traceback" not in ran.printed + ran.complaint


def test_every_target_appears_once(ran: Ran) -> None:
    """The report has one entry for each target given, and no other."""
    assert set(ran.report["labels"]) == {*GOOD, *BAD}


def test_the_same_target_twice_is_judged_once(tmp_path: Path) -> None:
    """Of one and the same target typed twice the first is judged and reported, and the second is
    refused; no answer covers another.
    """
    twice = check(
        tmp_path,
        "torch.nn:Dropout",
        "torch.nn:Dropout",
        "a=nowhere:A",
        "a=nowhere:B",
        *only("scale-2"),
    )
    assert twice.code == 2
    assert twice.verdicts("torch.nn:Dropout") == {"scale-2": "HOLDS"}
    assert len(twice.report["labels"]) == 4


def test_clauses_are_asked_for_in_any_case_and_by_chapter(tmp_path: Path) -> None:
    """`--clause` takes an id in any case, and for the name of a chapter all its clauses, each
    once.
    """
    ran = check(tmp_path, "torch.nn:Dropout", *only("EDGE-1", "Scale", "scale-2"))
    assert list(ran.verdicts("torch.nn:Dropout")) == [
        "scale-1",
        "scale-2",
        "scale-3",
        "scale-4",
        "edge-1",
    ]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("scael-1", "there is no clause scael-1: did you mean 'scale-1'?"),
        ("SCAEL", "there is no clause SCAEL: did you mean 'scale'?"),
        ("zzz", "there is no clause zzz, and no chapter: the chapters are scale, rate, "),
    ],
)
def test_a_clause_that_is_not_there_is_answered_with_a_near_one(
    tmp_path: Path, asked: str, said: str
) -> None:
    """A slip in `--clause` ends both commands with 2 and the name that may have been meant, or
    else with those that there are.
    """
    for command in (("check", "torch.nn:Dropout"), ("power",)):
        ran = run(tmp_path, "dropspec", *command, *only(asked))
        assert ran.code == 2
        assert said in ran.complaint


def test_a_report_cannot_be_written_to_a_folder(tmp_path: Path) -> None:
    """`--json` with the name of a folder is refused before anything is judged."""
    ran = run(tmp_path, "dropspec", "check", "torch.nn:Dropout", "--json", str(tmp_path))
    assert ran.code == 2
    assert f"--json {tmp_path}: that is a folder; give a file to write to" in ran.complaint
    assert ran.printed == ""
