"""Runs the installed commands as a user does, in a folder of their own, and hands back what came
of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from dropspec.cli import main

SCRIPTS = Path(sysconfig.get_path("scripts"))
OURS = (
    "FORCE_COLOR",
    "COLUMNS",
    "PYTEST_ADDOPTS",
    "CI",
    "PYTHONHASHSEED",
)  # what the user of these tests has set must not reach the command


@dataclass(frozen=True)
class Ran:
    """A command that has ended: its exit code, what it printed and what it complained of, and
    the JSON report where it wrote one.
    """

    code: int
    printed: str
    complaint: str
    report: dict[str, Any]

    def label(self, label: str) -> dict[str, Any]:
        """What the JSON report says of one label."""
        found: dict[str, Any] = self.report["labels"][label]
        return found

    def clause(self, label: str, clause: str) -> dict[str, Any]:
        """What the JSON report says of one clause of one label."""
        found: dict[str, Any] = self.label(label)["clauses"][clause]
        return found

    def verdicts(self, label: str) -> dict[str, str]:
        """The verdict of each clause of one label."""
        return {clause: said["verdict"] for clause, said in self.label(label)["clauses"].items()}


def run(
    folder: Path, script: str, *arguments: str, report: Path | None = None, **environment: str
) -> Ran:
    """Runs an installed script in that folder, with these variables set; reads the JSON report
    if it was written.
    """
    if report:
        report.unlink(missing_ok=True)
    ended = subprocess.run(
        [str(SCRIPTS / script), *arguments],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k not in OURS} | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    found = json.loads(report.read_text("utf-8")) if report and report.exists() else {}
    return Ran(ended.returncode, ended.stdout, ended.stderr, found)


def check(folder: Path, *arguments: str, profile: str = "quick", **environment: str) -> Ran:
    """Runs `dropspec check` with these targets and options, in that folder: as a command of its
    own where variables are given, and else by its door in this process, so that all these runs
    share what is imported for them.
    """
    report = folder / "report.json"
    command = ("check", *arguments, "--profile", profile, "--json", str(report))
    if environment:
        return run(folder, "dropspec", *command, report=report, **environment)
    report.unlink(missing_ok=True)
    code: object
    with (
        chdir(folder),
        without(OURS),
        redirect_stdout(StringIO()) as printed,
        redirect_stderr(StringIO()) as complaint,
    ):
        try:
            code = main(command)
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int)
    found = json.loads(report.read_text("utf-8")) if report.exists() else {}
    return Ran(code, printed.getvalue(), complaint.getvalue(), found)


@contextmanager
def without(names: Sequence[str]) -> Iterator[None]:
    """Hides these variables."""
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)


def only(*clauses: str) -> list[str]:
    """The options that limit a run to these clauses."""
    return [part for clause in clauses for part in ("--clause", clause)]


def processes_of(mark: str) -> list[int]:
    """The processes that were started with this value of the variable MARK."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if f"MARK={mark}".encode() in Path("/proc", pid, "environ").read_bytes():
                found.append(int(pid))
        except OSError:
            continue
    return found
