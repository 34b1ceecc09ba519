"""What is found, as a table for people: a row for each kind of fault of a clause, a column for
each profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from dropspec.chance.power import RUNS, findings
from dropspec.core.clauses import Clause
from dropspec.core.options import PROFILES
from dropspec.core.risk import ALPHA_RUN, BETA, MISS
from dropspec.families.base import Family
from dropspec.properties.catalogue import is_searched
from dropspec.report.terminal import terminal

NOTE = (
    "These are the smallest faults of each kind that a run finds with probability "
    f"{1 - MISS:g}, at a false-alarm probability of {ALPHA_RUN:g}: none of {RUNS:,} simulated runs "
    "missed one. A fault as large as the ± of a certificate passes with probability at most "
    f"{BETA:g}.\n×Wald: the samples that the standard profile takes to find it, over those that no "
    "test with the same error probabilities can do without."
)


def show(
    families: Sequence[Family],
    family: str,
    asked: Sequence[str] = (),
    console: Console | None = None,
) -> None:
    """Prints the table of the clauses asked for, or of all of that family."""
    console = console or terminal()
    if not console.is_terminal:
        console.width = 200
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("clause", "what is off", "where"):
        table.add_column(column)
    for column in (*PROFILES, "×Wald"):
        table.add_column(column, justify="right")
    with console.status("simulating …") as status:
        for of in families:
            for clause in of.clauses():
                if clause.id in asked or (not asked and of.name == family):
                    status.update(f"simulating {clause.id} …")
                    for row in _rows(clause, of):
                        table.add_row(*row)
    console.print(table)
    console.print(f"\n{NOTE}", style="dim")


def _rows(clause: Clause, family: Family) -> Iterator[tuple[str, ...]]:
    """What is found alike in several places is one row."""
    alike: dict[tuple[str, ...], list[str]] = {}
    searched = is_searched(family.tests, clause.id)
    profiles = PROFILES.values()
    every = (findings(clause.id, family.plan(p), p, searched) for p in profiles)
    for found in zip(*every, strict=True):
        standard = dict(zip(PROFILES, found, strict=True))["standard"]
        if standard is None:
            continue  # so coarse that nothing is certified
        over = f"{standard.over_wald:.2f}" if standard.over_wald else ""
        alike.setdefault(
            (standard.what, *(f"{f.by:.2g}" if f else "–" for f in found), over), []
        ).append(standard.where)
    for n, ((what, *figures), where) in enumerate(alike.items()):
        yield clause.id if n == 0 else "", what, "; ".join(where), *figures
    if not alike:
        yield (
            clause.id,
            "anything: it is tried once, and chance has no part in it",
            "",
            *("" for _ in PROFILES),
            "",
        )
