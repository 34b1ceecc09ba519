"""The clauses of the specification: a line each for people, and everything as data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from dropspec import __version__
from dropspec.core.clauses import Clause
from dropspec.families import SPEC_VERSION
from dropspec.families.base import Family
from dropspec.report.terminal import terminal

FORMAT = 1


def show(families: Sequence[Family], asked: Sequence[str], as_json: bool) -> None:
    """Prints the clauses asked for, or all of these families, in the order of the pages."""
    console = terminal()
    chosen = [
        (clause, family)
        for family in families
        for clause in family.clauses()
        if not asked or clause.id in asked
    ]
    if as_json:
        text = json.dumps(as_data(chosen), indent=1, ensure_ascii=False)
        console.file.write(text + "\n")
        console.file.flush()
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("clause", "level", "title"):
        table.add_column(column)
    for clause, _ in chosen:
        table.add_row(clause.id, ", ".join(clause.levels), clause.title)
    console.print(table)
    pages = ", ".join(dict.fromkeys(f"spec/{family.spec[1]}" for _, family in chosen))
    counted = "1 clause" if len(chosen) == 1 else f"{len(chosen)} clauses"
    console.print(f"\nspec {SPEC_VERSION}: {counted} of {pages}", style="dim")


def as_data(chosen: Sequence[tuple[Clause, Family]]) -> dict[str, Any]:
    """The clauses as spec/clauses.schema.json describes them."""
    return {
        "version": FORMAT,
        "dropspec": __version__,
        "spec": SPEC_VERSION,
        "clauses": [_data(clause, family) for clause, family in chosen],
    }


def _data(clause: Clause, family: Family) -> dict[str, Any]:
    return {
        "id": clause.id,
        "title": clause.title,
        "family": clause.family,
        "chapter": clause.chapter,
        "level": clause.level,
        "levels": clause.levels,
        "since": clause.since,
        "law": family.law,
        "rule": clause.rule,
        "tolerance": clause.tolerance,
        "needs": clause.needs,
        "remedy": clause.remedy,
        "sources": [one.strip() for one in clause.source.rstrip(".").split(";")],
        "incidents": clause.incidents,
        "anchor": f"{family.spec[1]}#{clause.id}",
    }
