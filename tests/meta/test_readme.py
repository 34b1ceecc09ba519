"""What the README prints is what the commands in it print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .cli import run

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def quoted(command: str) -> tuple[str, list[str]]:
    """The whole command that begins so in the README, and the pieces of its printed lines
    between dots of omission.
    """
    indented = README[README.index(f"    $ {command}") :].split("\n\n```")[0].splitlines()
    printed = []
    for line in indented[1:]:
        if line and not line.startswith("    "):
            break
        printed += [piece for piece in re.split("…", " ".join(line.split())) if piece.strip()]
    return indented[0].strip().removeprefix("$ "), printed


def test_the_sample_gets_the_answer_that_is_shown(tmp_path: Path) -> None:
    """The sample layer of the README, saved as the file it names, gets the verdicts, the
    diagnosis and the sentences quoted.
    """
    source = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert source
    (tmp_path / "sample.py").write_text(source[1], "utf-8")
    command, printed = quoted("dropspec check sample.py:dropout")
    ran = run(tmp_path, *command.split())
    said = " ".join(ran.printed.split())
    assert ran.code == 1
    assert len(printed) > 8
    assert [piece for piece in printed if " ".join(piece.split()) not in said] == []


def test_the_adapter_conforms(tmp_path: Path) -> None:
    """The five lines that wrap a package's dropout, saved as the file they name, conform."""
    (source,) = (s for s in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "seed" in s)
    assert len(source.split("\n\n\n")[1].splitlines()) <= 5
    (tmp_path / "adapter.py").write_text(source, "utf-8")
    command, _ = quoted("dropspec check adapter.py")
    ran = run(tmp_path, *command.split())
    assert ran.code == 0, ran.printed


def test_the_readme_is_an_invitation() -> None:
    """It has at most 6,000 characters, and begins with a bug that is found."""
    assert len(README) <= 6000
    assert "VIOLATED" in "\n".join(README.splitlines()[:30])


def test_torch_gets_the_answer_that_is_shown(tmp_path: Path) -> None:
    """torch.nn.Dropout conforms with the counts quoted, and the promises quoted are printed."""
    lines = [
        line.strip()
        for line in README.splitlines()
        if line.startswith(("    torch.nn:Dropout conforms", "    This run accuses"))
    ]
    ran = run(tmp_path, "dropspec", "check", "torch.nn:Dropout", "--profile", "quick")
    assert ran.code == 0
    assert len(lines) == 2
    assert [line for line in lines if line not in " ".join(ran.printed.split())] == []


@pytest.mark.parametrize(
    "command",
    [
        "pip install -c .ci/constraints.txt '.[torch]' && dropspec check",
        "pip install -c .ci/constraints.txt -e '.[torch,test]' && pytest",
    ],
)
def test_two_commands_do_all_the_set_up(command: str) -> None:
    """The README has one command that installs and runs the main job, and one that installs and
    passes the tests.
    """
    assert f"    $ {command}" in README
