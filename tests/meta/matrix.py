"""The matrix mutant × clause: `python tests/meta/matrix.py` judges all mutants in the quick profile and writes tests/mutants/matrix.md."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PATH = Path(__file__).resolve().parents[1] / "mutants" / "matrix.md"
HEAD = """# What each mutant breaks

Every mutant in the quick profile, seed 0: the cause that is named first, in bold where the mutant states that clause, and all clauses that
fail: violated, and in brackets departed from. `python tests/meta/matrix.py` writes this table, and a test compares it with a run.

| mutant | cause | fails |
|---|---|---|
"""


def judge(targets: Sequence[str], folder: Path) -> dict[str, Any]:
    """The report over all targets by label, from two runs of `dropspec check` side by side."""

    def check(half: int) -> dict[str, Any]:
        path = folder / f"{half}.json"
        command = [sys.executable, "-c", "import sys; from dropspec.cli import main; sys.exit(main())", "check", *targets[half::2]]
        done = subprocess.run([*command, "--profile", "quick", "--json", str(path)], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
        return dict(json.loads(path.read_text("utf-8"))["labels"])

    with ThreadPoolExecutor() as pool:
        return {label: answer for answers in pool.map(check, range(2)) for label, answer in answers.items()}


def table(judged: Mapping[str, Any]) -> str:
    """The matrix as Markdown, a row a mutant."""
    from dropspec.tests.meta.catalogue import MUTANTS

    rows = []
    for target, stated in sorted(MUTANTS.items()):
        verdicts = {clause: said["verdict"] for clause, said in judged[target]["clauses"].items()}
        fails = [c for c, v in verdicts.items() if v == "VIOLATED"] + [f"({c})" for c, v in verdicts.items() if v == "DEPARTS"]
        first = judged[target]["diagnosis"][0]["clause"] if judged[target]["diagnosis"] else ""
        cause = f"**{first}**" if first in stated else first
        rows.append(f"| {target.removeprefix('dropspec.tests.mutants.')} | {cause} | {' '.join(fails)} |")
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    from dropspec.tests.meta.catalogue import MUTANTS

    with tempfile.TemporaryDirectory() as scratch:
        PATH.write_text(table(judge(list(MUTANTS), Path(scratch))), "utf-8")
