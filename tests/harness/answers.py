"""Puts all records of a run together: an answer a target, with declared failures and the diagnosis."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from .clauses import all_clauses
from .diagnosis import diagnose
from .verdicts import Answer, Record, judge_clauses

KEYS = ("clause", "reason", "target")


def known_failures(path: str) -> list[dict[str, str]]:
    """Reads declared failures: TOML with [[known]] tables of `clause`, `reason` and, for one target only, `target`.

    Raises ValueError with what is missing, unknown or said twice, and where.
    """
    try:
        whole = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"the known failures in {path} cannot be read: {error}") from error
    for name in whole:
        if name != "known":
            raise ValueError(f"{path} has {name!r}, but a file of known failures has [[known]] tables only{near(name, ['known'])}")
    tables = whole.get("known", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ValueError(f"the known failures in {path} cannot be read: each stands under [[known]], in two brackets")
    seen: dict[tuple[str, str | None], int] = {}
    for number, table in enumerate(tables, 1):
        where = f"[[known]] number {number} in {path}"
        _check_known(where, table)
        if (first := seen.setdefault((table["clause"], table.get("target")), number)) != number:
            raise ValueError(f"{where} declares {table['clause']} of the same target as number {first}: keep one of them")
    return list(tables)


def _check_known(where: str, table: Mapping[str, Any]) -> None:
    """Raises ValueError where a declared failure is not of this form."""
    for key, value in table.items():
        if key not in KEYS:
            raise ValueError(f"{where} has {key!r}, but a declared failure has {', '.join(KEYS)} only{near(key, KEYS)}")
        if not isinstance(value, str):
            raise ValueError(f"{where} has {key} = {value!r}, but that must be a string")
    missing = [key for key in ("clause", "reason") if not table.get(key)]
    if missing:
        raise ValueError(f"{where} lacks {' and '.join(missing)}: every declared failure names its clause and a reason")
    if table["clause"] not in all_clauses():
        raise ValueError(f"{where} declares {table['clause']}, but there is no such clause{near(table['clause'], all_clauses())}")


def near(asked: str, names: Collection[str]) -> str:
    """What a sentence on an unknown name ends with: the one that may have been meant; empty where none is like it."""
    found = get_close_matches(asked.lower(), names, 1)
    return f": did you mean {found[0]!r}?" if found else ""


def declared(known: Sequence[Mapping[str, str]], label: str, target: str) -> dict[str, str]:
    """The declared failures that concern a target, clause to reason."""
    return {k["clause"]: k["reason"] for k in known if k.get("target", target) in (target, label)}


def _qualified(name: str, clause: str) -> str:
    """An effect is that of one clause; other observations are the layer's."""
    return f"{name} on {clause}" if name.startswith("effect") else name


def answers(
    records: Sequence[Record],
    labels: Mapping[str, tuple[str, str]],
    unusable: Mapping[str, tuple[str, str]],
    clause_ids: Sequence[str],
    known: Sequence[Mapping[str, str]],
) -> list[Answer]:
    """One answer a label, in the order given, over the clauses of its family.

    `labels` maps label to target and family; `clause_ids` are those that were to be judged. A label that none of them is about has no
    answer to give, and is said to be unusable.
    """
    found = []
    for label, (target, family) in labels.items():
        mine = [r for r in records if r.label == label]
        clauses = [c for c in all_clauses().values() if c.id in clause_ids and c.family == family]
        judged = judge_clauses(mine, clauses, declared(known, label, target))
        seen = {_qualified(name, r.clause): value for r in mine for name, value in r.observations.items()}
        none = "" if clauses else f"it is judged as {family}, and the clauses asked for are not of spec/{family}.md (see --family)"
        found.append(Answer(label, target, judged, diagnose(judged, seen), none))
    return found + [Answer(label, target, unusable=why) for label, (target, why) in unusable.items()]
