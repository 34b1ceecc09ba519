"""Runs the conformance tests in a child process, and goes on where a child dies or hangs: that costs the test it was in, and no other.

The child journals every outcome as it comes, so nothing is lost with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .budget import Options
from .verdicts import Record, Verdict

RESTARTS = 50
POLL_S = 0.05
PATIENCE = 30  # how many times the limit of one call a test may go without an outcome, before the child is ended from outside


@dataclass
class Journal:
    """What the children wrote: the targets, the tests planned, started and ended, and the records."""

    labels: dict[str, str] = field(default_factory=dict)
    unusable: dict[str, tuple[str, str]] = field(default_factory=dict)
    planned: dict[str, list[str]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    open: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    def read(self, text: str) -> None:
        """Takes in the journal of one child."""
        for line in text.splitlines():
            event: dict[str, Any] = json.loads(line)
            match event["event"]:
                case "targets":
                    self.labels.update(event["labels"])
                    self.unusable.update({label: (target, why) for label, (target, why) in event["unusable"].items()})
                case "planned":
                    self.planned.update(event["tests"])
                case "start":
                    self.open.append(event["test"])
                case "result":
                    self.records.append(Record(**event["record"]))
                    self.ended.add(event["test"])
                case "end":
                    self.ended.add(event["test"])

    def lost(self, why: str) -> None:
        """Lays the end of a child to the tests that had begun and not ended."""
        for test in self.open:
            if test in self.planned and test not in self.ended:
                label, clause, level = self.planned[test]
                self.records.append(Record(label, clause, level, Verdict.ERROR.value, why))
                self.ended.add(test)
        self.open.clear()

    @property
    def left(self) -> int:
        """How many tests have still to be run."""
        return len(self.planned.keys() - self.ended)


class Failed(Exception):
    """The tests could not be run at all; the message is what pytest printed."""


def supervise(options: Options, workers: int, junit: str) -> Journal:
    """Runs children until every planned test has ended. Raises Failed where a child dies before it has planned any."""
    journal = Journal()
    with tempfile.TemporaryDirectory(prefix="dropspec-") as folder:
        for round_number in range(RESTARTS):
            path, printed = Path(folder, f"journal{round_number}"), Path(folder, "printed")
            path.touch()
            done = Path(folder, "done")
            done.write_text("\n".join(journal.ended), "utf-8")
            arguments = _arguments(options, Path(folder), path, done, workers, junit)
            why = _run_child(arguments, path, printed, options.timeout_s * PATIENCE)
            before = len(journal.ended)
            journal.read(path.read_text("utf-8"))
            if not journal.planned and not journal.unusable:
                raise Failed(printed.read_text("utf-8", "replace").strip())
            journal.lost(why)
            if not journal.left:
                return journal
            if len(journal.ended) == before:
                journal.open.extend(journal.planned)
                journal.lost(f"not run: {why}")
                return journal
    journal.open.extend(journal.planned)
    journal.lost(f"not run: the process had died {RESTARTS} times before")
    return journal


def _arguments(options: Options, folder: Path, journal: Path, done: Path, workers: int, junit: str) -> list[str]:
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")  # the user's own settings are for the user's own tests
    arguments = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-c",
        str(folder / "pytest.ini"),
        "--rootdir",
        str(folder),
        "--import-mode=importlib",
    ]
    arguments += [
        "-p",
        "no:cacheprovider",
        "-p",
        "no:unraisableexception",
        "-p",
        "dropspec.plugin",
        "--pyargs",
        "dropspec.tests.conformance",
    ]
    if workers > 1:
        arguments += ["-p", "xdist", "-n", str(workers), "--dist", "loadgroup"]
    for target in options.targets:
        arguments += ["--dropspec", target]
    for clause in options.clauses:
        arguments += ["--dropspec-clause", clause]
    arguments += ["--dropspec-profile", options.profile, "--dropspec-seed", str(options.seed), "--dropspec-timeout", str(options.timeout_s)]
    arguments += ["--dropspec-journal", str(journal), "--dropspec-done", str(done)]
    return arguments + ([f"--junitxml={junit}"] if junit else [])


def _run_child(arguments: Sequence[str], journal: Path, printed: Path, patience_s: float) -> str:
    """Runs one child to its end, or ends it when its journal stands still for too long. Says why it ended.

    One thread unless the user set another number: masks are drawn by one, and several that wait for a busy core take twenty times as long.
    """
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    with printed.open("w") as out:
        child = subprocess.Popen(arguments, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment)
        size, since = -1, time.monotonic()
        try:
            while child.poll() is None:
                time.sleep(POLL_S)
                if (now := journal.stat().st_size) != size:
                    size, since = now, time.monotonic()
                elif time.monotonic() - since > patience_s:
                    child.kill()
                    child.wait()
                    return f"the process hung for {patience_s:g} s, outside Python, and was ended"
        except BaseException:
            child.kill()
            raise
    code = child.returncode
    return f"the process was killed by signal {-code}" if code < 0 else f"the process ended with exit code {code}"
