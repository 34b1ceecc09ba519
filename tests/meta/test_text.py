"""Text from outside reaches neither a terminal, nor a CI service, nor a shell as a command."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dropspec.core.text import clean, no_commands, quoted, shown

from .cli import check, only

WRONG = """\
from torch import nn

class Wrong(nn.Dropout):
    def forward(self, x):
        return super().forward(x) * (1 - self.p)
"""


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a  line\n and\tanother ", "a line and another"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202etxet", "\\u202etxet"),
        ("caf\udce9", "caf\\udce9"),
        ("\u2028x", "x"),  # it separates lines, and is white space
        ("é–☃ 0.5 ± 1", "é–☃ 0.5 ± 1"),
        ("\ue000", "\ue000"),
        ("", ""),
    ],
)
def test_text_is_cleaned(raw: str, cleaned: str) -> None:
    """What can be seen stays, in one line; the rest is written as its escape."""
    assert clean(raw) == cleaned


def test_text_is_cut() -> None:
    """No text is longer than it may be, and 20 MB take no time."""
    assert clean("x" * 20_000_000, 10) == "xxxxxxxxx…"
    assert clean("x" * 10, 10) == "x" * 10


class Mute(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise ValueError


def test_what_cannot_be_shown_is_nothing() -> None:
    """An exception whose text raises has none."""
    assert shown(Mute()) == ""
    assert shown(ValueError("why")) == "why"


@pytest.mark.parametrize("text", ["::error::x", " ::warning::x", "##[error]x", "a\n::x::\nb"])
def test_no_line_is_a_command_of_a_ci_service(text: str) -> None:
    """No line begins with two colons, and `##[` stands nowhere."""
    lines = no_commands(text).splitlines()
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


def test_other_text_is_left_alone() -> None:
    """Two colons within a line, as in the id of a test, stay."""
    assert no_commands("a::b ## c") == "a::b ## c"


@pytest.mark.parametrize(
    "text",
    ["plain", "a b", "a$(touch x)", "a`b`", "it's", 'say "x"', "\x1b[2J", "new\nline", "é☃", "\\"],
)
def test_a_quoted_text_is_one_word(text: str) -> None:
    """A shell takes the quoted text for what it is."""
    command = f"printf %s {quoted(text)}"
    assert subprocess.run(["bash", "-c", command], capture_output=True).stdout.decode() == text
    assert command.isprintable()


def test_a_pasted_line_does_nothing_else(tmp_path: Path) -> None:
    """The line under a failure of a file with an odd name shows the failure, and runs no part of
    that name.
    """
    name = "a$(touch PWNED)'\"`.py"
    (tmp_path / name).write_text(WRONG, "utf-8")
    ran = check(tmp_path, f"odd={name}:Wrong", *only("scale-1", "expectation-1"))
    for clause, found in ran.label("odd")["clauses"].items():
        assert found["verdict"] == "VIOLATED", clause
        shell = ["bash", "-c", f"printf '%s\\n' {found['reproduce']}"]
        words = subprocess.run(shell, capture_output=True, cwd=tmp_path)
        assert not words.stderr
        assert name in words.stdout.decode().replace("\\\\", "\\").replace("\\'", "'")
    assert not (tmp_path / "PWNED").exists()
