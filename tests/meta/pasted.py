"""Runs every line that a report gives to paste, and prints as JSON those that show no failure.

python tests/meta/pasted.py REPORT.json
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache, partial
from io import StringIO
from pathlib import Path

from dropspec.cli import parser
from dropspec.session.run import Run
from dropspec.tests.meta.explore import side_by_side, verdicts
from dropspec.tests.meta.inspected import inspected, run_over

if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"  # as `dropspec check` does; before NumPy and torch read it

Job = tuple[str, list[tuple[str, str, str]]]  # a target, and clauses with verdict and line


def jobs(report: Path) -> list[Job]:
    """Every target of a report with its lines."""
    labels = json.loads(report.read_text("utf-8"))["labels"].values()
    return [
        (
            found["target"],
            [
                (clause, said["verdict"], said["reproduce"])
                for clause, said in found["clauses"].items()
                if said["reproduce"]
            ],
        )
        for found in labels
    ]


def wrong(job: Job) -> list[str]:
    """The lines of a target that cannot be run, or do not show what they are to show."""
    target, lines = job
    judge = cache(partial(judged, target))  # the lines of a target share its campaigns
    return [
        f"{clause} {why}: {line}"
        for clause, verdict, line in lines
        if (why := what_is_wrong(target, clause, verdict, line, judge))
    ]


def judged(target: str, family: str, profile: str, seed: int) -> Run:
    """A run over a target."""
    return run_over(inspected(target, 10.0, family), profile, seed)


def what_is_wrong(
    target: str, clause: str, verdict: str, line: str, judge: Callable[[str, str, int], Run]
) -> str:
    """What is wrong with one line; nothing if it does what it should."""
    program, option, *words = shlex.split(line)
    if (program, option) == ("python", "-c"):
        (code,) = words
        return trouble(code)
    assert (program, option) == ("dropspec", "check"), line
    given = parser().parse_args([option, *words])
    assert (given.targets, given.clause) == ([target], [clause]), line
    run = judge(given.family, given.profile, given.seed)
    found = {came.value for _, came, _ in verdicts(run, given.clause)}
    return "" if verdict in found else f"shows {found}, not {verdict}"


def trouble(code: str) -> str:
    """What a line of Python raises itself, whatever the layer that it calls raises."""
    try:
        with redirect_stdout(StringIO()):
            exec(compile(code, "<line>", "exec"), {"__name__": "__main__"})
    except Exception as error:
        *_, last = traceback.extract_tb(error.__traceback__)
        if last.filename in ("<line>", __file__):
            return f"raises {type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    every = side_by_side(wrong, jobs(Path(sys.argv[1])))
    print(json.dumps([line for _, lines in every for line in lines]))
