"""Puts all records of a run together: an answer a target, with declared failures and the diagnosis."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from .clauses import all_clauses
from .diagnosis import diagnose
from .verdicts import Answer, Record, judge_clauses


def known_failures(path: str) -> list[dict[str, str]]:
    """Reads declared failures: TOML with [[known]] tables of `clause`, `reason` and, for one target only, `target`.

    Raises ValueError with what is missing where.
    """
    try:
        tables = tomllib.loads(Path(path).read_text("utf-8")).get("known", [])
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"the known failures in {path} cannot be read: {error}") from error
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ValueError(f"the known failures in {path} cannot be read: each stands under [[known]], in two brackets")
    for number, table in enumerate(tables, 1):
        missing = [key for key in ("clause", "reason") if not table.get(key)]
        if missing:
            raise ValueError(
                f"[[known]] number {number} in {path} lacks {' and '.join(missing)}: every declared failure names its clause and a reason"
            )
        if table["clause"] not in all_clauses():
            raise ValueError(f"[[known]] number {number} in {path} declares {table['clause']}, but there is no such clause")
    return list(tables)


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
