"""Whatever is typed, and wherever: one clear sentence and exit code 2, or the verdict."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .bad_input import EVERY, Input
from .cli import OURS, SCRIPTS

QUICK = [name for name, one in EVERY.items() if one.is_quick]
REST = [name for name, one in EVERY.items() if not one.is_quick]
LONGEST_S = 300  # that a command may take: 300 targets


def run(folder: Path, one: Input) -> subprocess.CompletedProcess[bytes]:
    """Runs a command in that folder, beside its files."""
    for name, text in one.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.mkdir()
        else:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
    command = one.command.replace(" Q", " --profile quick --clause edge-1")
    kept = {k: v for k, v in os.environ.items() if k not in OURS}
    kept["PATH"] = os.pathsep.join([str(SCRIPTS), str(Path(sys.executable).parent), kept["PATH"]])
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=kept,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LONGEST_S,
    )


def check(folder: Path, one: Input) -> None:
    """The exit code is right, and what is wrong is said in a sentence, not in a traceback."""
    ran = run(folder, one)
    said = (ran.stdout + ran.stderr).decode("utf-8", "replace")
    assert ran.returncode in one.codes, said
    assert "Traceback" not in said
    assert "a fault of dropspec" not in said
    if ran.returncode == 2:
        assert any(word in said for word in ("dropspec: ", "error: ", "cannot be checked: "))
    assert not [line for line in said.splitlines() if line.lstrip().startswith("::")]


@pytest.mark.parametrize("name", QUICK)
def test_what_is_refused_at_once(tmp_path: Path, name: str) -> None:
    """It is refused before anything is run."""
    check(tmp_path, EVERY[name])


@pytest.mark.whole
@pytest.mark.parametrize("name", REST)
def test_whatever_is_typed(tmp_path: Path, name: str) -> None:
    """It is refused, or judged."""
    check(tmp_path, EVERY[name])
