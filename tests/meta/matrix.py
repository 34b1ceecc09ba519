"""The matrix mutant × clause, over all clauses.

`python tests/meta/matrix.py` judges all mutants in the quick profile, and writes
tests/mutants/matrix.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dropspec.families import all_clauses
from dropspec.tests.meta.catalogue import MUTANTS, Mutant

PATH = Path(__file__).resolve().parents[1] / "mutants" / "matrix.md"
COMMAND = "import sys; from dropspec.cli import main; sys.exit(main())"
HEAD = """# What each mutant breaks

Every mutant in the quick profile, seed 0, under the first clause that it was made to break: what it
does; the public issue where it was seen, if it was; the cause that is named first, in bold where
the mutant states that clause; and all clauses that fail: violated, and in brackets departed from.
`python tests/meta/matrix.py` writes this page, and a test compares it with a run.
"""


def judge(targets: Sequence[str], report: Path) -> dict[str, Any]:
    """The report over all targets by label, from one run of `dropspec check`."""
    command = [sys.executable, "-c", COMMAND, "check", *targets, "-n", "2"]
    command += ["--profile", "quick", "--json", str(report)]
    done = subprocess.run(command, cwd=report.parent, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    return dict(json.loads(report.read_text("utf-8"))["labels"])


def table(judged: Mapping[str, Any]) -> str:
    """The matrix as Markdown: a heading a clause, a row a mutant."""
    return HEAD + "".join(_sections(judged))


def _sections(judged: Mapping[str, Any]) -> Iterator[str]:
    for clause in all_clauses().values():
        mine = [m for m in MUTANTS.values() if m.clauses[0] == clause.id]
        if mine:
            yield f"\n## {clause.id} — {clause.title}\n\n"
            yield "| mutant | what it does | seen at | cause | fails |\n|---|---|---|---|---|\n"
            yield from (_row(m, judged[m.target]) for m in sorted(mine, key=lambda m: m.name))


def _row(mutant: Mutant, answer: Mapping[str, Any]) -> str:
    verdicts = {clause: found["verdict"] for clause, found in answer["clauses"].items()}
    fails = [clause for clause in all_clauses() if verdicts.get(clause) == "VIOLATED"]
    fails += [f"({clause})" for clause in all_clauses() if verdicts.get(clause) == "DEPARTS"]
    first = answer["diagnosis"][0]["clause"] if answer["diagnosis"] else ""
    cause = f"**{first}**" if first in mutant.clauses else first
    cells = (mutant.name, mutant.does, ", ".join(mutant.seen), cause, " ".join(fails))
    return f"| {' | '.join(cell.replace('|', '∣') for cell in cells)} |\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        PATH.write_text(table(judge(list(MUTANTS), Path(scratch, "report.json"))), "utf-8")
