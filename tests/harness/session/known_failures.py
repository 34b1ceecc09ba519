"""Failures that the user has declared: read from a TOML file, each with its clause and reason."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from dropspec.core.errors import did_you_mean
from dropspec.core.options import Options
from dropspec.core.target import read_targets
from dropspec.core.text import clean, shown

KEYS = ("clause", "reason", "target")


def known_failures(path: str, clauses: Collection[str]) -> list[dict[str, str]]:
    """Reads declared failures: TOML with [[known]] tables of `clause`, `reason` and, for one
    target only, `target`.

    Raises ValueError with what is missing, unknown or said twice, and where.
    """
    said = clean(path)
    if not Path(path).is_file():
        raise ValueError(f"the known failures in {said} cannot be read: there is no such file")
    try:
        whole = tomllib.loads(Path(path).read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else shown(error)
        raise ValueError(f"the known failures in {said} cannot be read: {why}") from error
    for name in whole:
        if name != "known":
            raise ValueError(
                f"{path} has {name!r}, but a file of known failures has [[known]] tables"
                f" only{did_you_mean(name, ['known'])}"
            )
    tables = whole.get("known", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ValueError(
            f"the known failures in {path} cannot be read: each stands under [[known]], in two"
            " brackets"
        )
    seen: dict[tuple[str, str | None], int] = {}
    for number, table in enumerate(tables, 1):
        where = f"[[known]] number {number} in {path}"
        _check_known(where, table, clauses)
        if (first := seen.setdefault((table["clause"], table.get("target")), number)) != number:
            raise ValueError(
                f"{where} declares {table['clause']} of the same target as number {first}: keep one"
                " of them"
            )
    return list(tables)


def _check_known(where: str, table: Mapping[str, Any], clauses: Collection[str]) -> None:
    """Raises ValueError where a declared failure is not of this form."""
    for key, value in table.items():
        if key not in KEYS:
            raise ValueError(
                f"{where} has {key!r}, but a declared failure has {', '.join(KEYS)}"
                f" only{did_you_mean(key, KEYS)}"
            )
        if not isinstance(value, str):
            raise ValueError(f"{where} has {key} = {value!r}, but that must be a string")
    missing = [key for key in ("clause", "reason") if not table.get(key, "").strip()]
    if missing:
        raise ValueError(
            f"{where} lacks {' and '.join(missing)}: every declared failure names its clause and a"
            " reason"
        )
    if table["clause"] not in clauses:
        raise ValueError(
            f"{where} declares {table['clause']}, but there is no such"
            f" clause{did_you_mean(table['clause'], clauses)}"
        )


def of_no_target(known: Sequence[Mapping[str, str]], options: Options) -> list[str]:
    """A sentence on each declared failure of a target that is not judged."""
    texts = [t.text for t in read_targets(options.targets).values()]
    names = {*read_targets(options.targets), *texts}
    return [
        f"a known failure in {clean(options.known)} is of the target {clean(name)!r}, which is not"
        f" judged in this run{did_you_mean(name, names)}"
        for table in known
        if (name := table.get("target", "")) and name not in names
    ]


def declared(known: Sequence[Mapping[str, str]], label: str, target: str) -> dict[str, str]:
    """The declared failures that concern a target, clause to reason."""
    mine = [one for one in known if one.get("target", target) in (target, label)]
    return {one["clause"]: clean(one["reason"]) for one in mine}
