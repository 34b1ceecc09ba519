"""What the report says, to people and to machines; what the exit code says; and that its
reproductions reproduce.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from .cli import SCRIPTS, Ran, check, only, run

LAYERS = """\
from torch import nn
from torch.nn import functional

class Outer:
    class Lifts(nn.Dropout):
        def __init__(self, p):
            super().__init__(p)
            self.first = p

        def forward(self, x):
            return functional.dropout(x + 0.5 * (x == 0), self.first, self.training)
"""
CLAUSES = ("scale-4", "rate-5", "edge-3", "edge-7", "independence-5")
LIFTS = "lifts=layers.py:Outer.Lifts"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a layer that turns zeros into something else, and sticks to its first rate."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "layers.py").write_text(LAYERS, "utf-8")
    return folder


@pytest.fixture(scope="module")
def ran(folder: Path) -> Ran:
    """A right layer and a wrong one, under clauses of all kinds."""
    return check(folder, "torch.nn:Dropout", LIFTS, *only(*CLAUSES))


def test_the_json_has_what_was_promised(ran: Ran) -> None:
    """By label: target, conformant and clauses; by clause: level, verdict, summary, certificate
    and reproduce; and a version.
    """
    assert ran.report["version"] == 2
    assert (ran.report["profile"], ran.report["seed"], ran.report["dropspec"]) == (
        "quick",
        0,
        version("dropspec"),
    )
    assert [
        (ran.label(x)["target"], ran.label(x)["conformant"]) for x in ("torch.nn:Dropout", "lifts")
    ] == [
        ("torch.nn:Dropout", True),
        ("layers.py:Outer.Lifts", False),
    ]
    for label in ran.report["labels"]:
        assert set(ran.verdicts(label)) == set(CLAUSES)
        for said in ran.label(label)["clauses"].values():
            assert {"level", "verdict", "summary", "certificate", "reproduce"} <= set(said)
            assert said["level"] in ("MUST", "SHOULD", "MAY")


def test_what_fails_is_said_and_can_be_reproduced(ran: Ran) -> None:
    """A violation and a departure each have a sentence and a line to paste; what holds by chance
    has a certificate and its error.
    """
    violated, departs, holds = (
        ran.clause("lifts", "scale-4"),
        ran.clause("torch.nn:Dropout", "edge-7"),
        ran.clause("torch.nn:Dropout", "independence-5"),
    )
    assert (violated["level"], violated["verdict"]) == ("MUST", "VIOLATED")
    assert (departs["level"], departs["verdict"]) == ("SHOULD", "DEPARTS")
    assert all(
        c["summary"] and c["reproduce"] in ran.printed and c["reproduce"]
        for c in (violated, departs)
    )
    assert "±" in holds["certificate"]
    assert "error probability 1e-06" in holds["certificate"]


def test_the_terminal_report_has_its_parts(ran: Ran) -> None:
    """Header with target, versions, profile and seed; a row a clause; footer with the
    denominator and the probability of a false alarm.
    """
    header = next(
        line for line in ran.printed.splitlines() if line.startswith("target layers.py:Outer.Lifts")
    )
    for part in (
        f"torch {version('torch')}",
        f"numpy {version('numpy')}",
        "python 3.",
        "profile quick",
        "seed 0",
    ):
        assert part in header
    assert f"dropspec {version('dropspec')} · lifts" in ran.printed
    assert [clause for clause in CLAUSES if f"\n{clause} " not in ran.printed] == []
    assert "torch.nn:Dropout conforms: 5 of 5 clauses claimed; 3 hold, 2 depart." in ran.printed
    assert (
        "lifts does not conform: 5 of 5 clauses claimed; 1 hold, 3 depart, 1 violated."
        in ran.printed
    )
    assert (
        ran.printed.count(
            "accuses a right implementation of anything with probability at most 1e-09"
        )
        == 2
    )


def paste(line: str, folder: Path) -> str:
    """Runs a line of the report as a shell would, in the folder of the run, and returns what it
    prints.
    """
    python, *arguments = shlex.split(line)
    assert python == "python"
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=os.environ, capture_output=True, text=True
    )
    return ended.stdout + ended.stderr


def test_the_reproduction_of_a_violation_shows_it(ran: Ran, folder: Path) -> None:
    """The line under scale-4 runs in the user's folder, on zeros among other things, and prints
    what the summary quoted.
    """
    said = ran.clause("lifts", "scale-4")
    got = float(said["summary"].split("got = ")[1].split()[0])
    printed = paste(said["reproduce"], folder)
    assert printed.startswith("tensor(")
    assert f"{got:.4f}" in printed


def test_the_reproduction_of_a_departure_shows_it(ran: Ran, folder: Path) -> None:
    """The line under edge-7 prints NaN where a dropped infinity should have become 0."""
    printed = paste(ran.clause("torch.nn:Dropout", "edge-7")["reproduce"], folder)
    assert printed.startswith("tensor([")
    assert "nan" in printed
    assert " 0." not in printed


def test_the_reproduction_by_command_shows_it_again(ran: Ran, folder: Path) -> None:
    """`dropspec check` of the clause alone, as the report spells it where one call does not show
    the failure, gives the same sentence.
    """
    said = ran.clause("lifts", "rate-5")
    command, *arguments = shlex.split(said["reproduce"])
    assert command == "dropspec"
    again = run(folder, command, *arguments, "--json", "again.json", report=folder / "again.json")
    assert again.clause("layers.py:Outer.Lifts", "rate-5") == said


def test_exit_codes_of_verdicts(ran: Ran, folder: Path) -> None:
    """1 where one target of two does not conform, and for a departure from a SHOULD with
    --strict (0 without: see the last declaration).
    """
    assert ran.code == 1
    strictly = check(folder, "torch.nn:Dropout", "--strict", *only("edge-7"))
    assert (strictly.code, strictly.label("torch.nn:Dropout")["conformant"]) == (1, False)
    assert strictly.verdicts("torch.nn:Dropout") == {"edge-7": "DEPARTS"}


def declared(folder: Path, text: str) -> str:
    """A file of declared failures."""
    (folder / "known.toml").write_text(text, "utf-8")
    return str(folder / "known.toml")


def test_a_declared_failure_is_known_and_a_fixed_one_stale(folder: Path) -> None:
    """A declaration for all targets excuses the one that fails, with its reason, and fails the
    one that holds.
    """
    known = declared(folder, '[[known]]\nclause = "scale-4"\nreason = "we lift zeros on purpose"\n')
    ran = check(folder, "torch.nn:Dropout", LIFTS, "--known", known, *only("scale-4"))
    assert ran.code == 1
    assert (ran.verdicts("lifts"), ran.label("lifts")["conformant"]) == ({"scale-4": "KNOWN"}, True)
    assert (ran.verdicts("torch.nn:Dropout"), ran.label("torch.nn:Dropout")["conformant"]) == (
        {"scale-4": "STALE"},
        False,
    )
    assert "we lift zeros on purpose" in ran.clause("lifts", "scale-4")["summary"]
    assert "remove the declaration" in ran.clause("torch.nn:Dropout", "scale-4")["summary"]


def test_a_declaration_may_be_for_one_target(folder: Path) -> None:
    """Declared for one target, by its label, the failure is known; the other target holds or
    departs, and the run ends with 0.
    """
    known = declared(
        folder,
        '[[known]]\nclause = "scale-4"\nreason = "we lift zeros on purpose"\ntarget = "lifts"\n',
    )
    ran = check(folder, "torch.nn:Dropout", LIFTS, "--known", known, *only("scale-4", "edge-7"))
    assert ran.code == 0
    assert (ran.verdicts("lifts")["scale-4"], ran.label("lifts")["conformant"]) == ("KNOWN", True)
    assert ran.verdicts("torch.nn:Dropout") == {"scale-4": "HOLDS", "edge-7": "DEPARTS"}
    assert ran.label("torch.nn:Dropout")["conformant"] is True


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[known]]\nclause = "scale-4"\n', "[[known]] number 1 in {path} lacks reason"),
        ('[[known]]\nreason = "no clause"\n', "[[known]] number 1 in {path} lacks clause"),
        ('[known]\nclause = "scale-4"\nreason = "one bracket"\n', "{path}"),
        ('[[known]]\nclause = "scale-44"\nreason = "a slip"\n', "scale-44"),
        ("[[known", "the known failures in {path} cannot be read"),
    ],
    ids=["no reason", "no clause", "one bracket", "no such clause", "no TOML"],
)
def test_a_bad_declaration_is_refused(folder: Path, text: str, sentence: str) -> None:
    """A declaration without clause or reason, of no known clause, or in a file that cannot be
    read ends the run with 2 and a sentence.
    """
    path = declared(folder, text)
    ran = check(folder, "torch.nn:Dropout", "--known", path, *only("scale-4"))
    assert ran.code == 2
    assert sentence.format(path=path) in ran.complaint
    assert "Traceback" not in ran.complaint


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["torch.nn:Dropout", "--clause", "scale-44"], "there is no clause scale-44"),
        (
            ["torch.nn:Dropout", "--timeout", "0"],
            "--timeout is 0 seconds, but must be from 0.01 to 86,400",
        ),
        (
            ["torch.nn:Dropout", "--clause", "scale-2", "--json", "nowhere/report.json"],
            "nowhere/report.json",
        ),
        (["--json", "report.json"], "TARGET"),
    ],
    ids=["clause", "timeout", "json", "no target"],
)
def test_a_wrong_command_line_is_refused(folder: Path, arguments: list[str], sentence: str) -> None:
    """What cannot be meant ends with exit code 2 and one sentence."""
    ran = run(folder, "dropspec", "check", *arguments)
    assert ran.code == 2
    assert sentence in ran.complaint
    assert "Traceback" not in ran.complaint


def test_the_scripts_are_those_of_this_environment() -> None:
    """The commands tested here are the installed ones."""
    assert (SCRIPTS / "dropspec").exists()
