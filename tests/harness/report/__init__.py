"""How answers are shown: one file a format."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from dropspec.core.discovery import discover
from dropspec.core.errors import did_you_mean
from dropspec.core.options import Options
from dropspec.core.records import Answer
from dropspec.report.files import Report
from dropspec.report.format import Format


@cache
def all_formats() -> dict[str, Format]:
    """Every format by name: this package's own, and those of entry points."""
    found = discover(__name__, "dropspec.reports", Format)  # type: ignore[type-abstract]
    return {one.name: one for one in found}


def open_reports(options: Options) -> list[Report]:
    """The reports that the user asked for. Raises ValueError, a sentence, for a bad one."""
    asked = [_asked(text) for text in options.reports]
    if options.json:
        asked.append(("--json ", "json", options.json))
    opened: list[Report] = []
    try:
        for option, name, where in asked:
            opened.append(Report(option, all_formats()[name], Path(where)))
    except ValueError:
        close_all(opened)
        raise
    return opened


def write_all(
    reports: Sequence[Report], answers: Sequence[Answer], options: Options, is_last: bool = True
) -> list[str]:
    """Writes every report; returns a sentence for each that could not be written."""
    failed = []
    for report in reports:
        try:
            report.write(answers, options, is_last)
        except OSError as error:
            failed.append(str(error))
    return failed


def close_all(reports: Sequence[Report]) -> None:
    """Leaves nothing beside the reports."""
    for report in reports:
        report.close()


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
