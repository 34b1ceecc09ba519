"""How answers are shown: one file a format."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from dropspec.core.discovery import discover
from dropspec.core.errors import did_you_mean
from dropspec.core.options import Options
from dropspec.core.records import Answer
from dropspec.report.format import Format


@cache
def all_formats() -> dict[str, Format]:
    """Every format by name: this package's own, and those of entry points."""
    found = discover(__name__, "dropspec.reports", Format)  # type: ignore[type-abstract]
    return {one.name: one for one in found}


def wanted(options: Options) -> list[tuple[Format, Path]]:
    """The reports that the user asked for. Raises ValueError, a sentence, for a bad one."""
    asked = [_asked(text) for text in options.reports]
    if options.json:
        asked.append(("--json ", "json", options.json))
    return [(all_formats()[name], _writable(option, Path(where))) for option, name, where in asked]


def _asked(text: str) -> tuple[str, str, str]:
    """The option as it was typed up to the file, the name of the format, and the file."""
    name, equals, where = text.partition("=")
    if not equals or not where:
        raise ValueError(f"--report {text}: give FORMAT=PATH, such as json=verdicts.json")
    if name not in all_formats():
        names = ", ".join(sorted(all_formats()))
        meant = did_you_mean(name, all_formats())
        raise ValueError(f"there is no report format {name!r}{meant or f': there are {names}'}")
    return f"--report {name}=", name, where


def _writable(option: str, path: Path) -> Path:
    if path.is_dir():
        raise ValueError(f"{option}{path}: that is a folder; give a file to write to")
    if not path.parent.is_dir():
        raise ValueError(f"{option}{path}: there is no folder {path.parent}")
    return path


def write_all(answers: Sequence[Answer], options: Options) -> None:
    """Writes every report that the user asked for."""
    for found, path in wanted(options):
        path.write_text(found.text(answers, options), "utf-8")
