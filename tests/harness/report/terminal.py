"""The report for people: a table a target, what failed and how to see it again, and what the run
vouches for.
"""

from __future__ import annotations

import platform
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dropspec import __version__
from dropspec.core.options import PROFILES, Options
from dropspec.core.records import Answer, Judged, Verdict
from dropspec.core.risk import ALPHA_RUN, BETA, MISS
from dropspec.core.target import read_targets
from dropspec.core.text import clean
from dropspec.frameworks import all_frameworks
from dropspec.report.outlet import Outlet

STYLES = {
    Verdict.HOLDS: "green",
    Verdict.DEPARTS: "yellow",
    Verdict.KNOWN: "yellow",
    Verdict.NOT_CLAIMED: "dim",
}
ECHOES = 20  # so many are listed under a cause
REASONS = 3  # so many are given where nothing is claimed
TABLES = 3  # with more targets than this, only what does not hold is listed


def terminal() -> Console:
    """The console that the report is printed on; 150 columns where nobody is seen to read it."""
    console = Console(highlight=False, file=Outlet())  # type: ignore[arg-type]
    if not console.is_terminal:
        console.width = 150
    return console


def show(answer: Answer, options: Options, console: Console) -> None:
    """Prints the report on one target."""
    console.print(Text(f"dropspec {__version__} · {answer.label}", style="bold"))
    target = f"target {clean(answer.target)} · {versions()}"
    console.print(Text(f"{target} · profile {options.profile} · seed {options.seed}"))
    if answer.driven:
        console.print(Text(f"driven as {answer.driven}"))
    if answer.unusable:
        console.print(Text(f"cannot be checked: {answer.unusable}\n", style="red"))
        return
    if len(read_targets(options.targets)) <= TABLES:
        console.print(_table(answer))
    _show_causes(console, answer)
    _show_failures(console, answer)
    _show_footer(console, answer, options)


def versions() -> str:
    """The versions of what the verdicts may depend on."""
    found = [f"python {platform.python_version()}"]
    of_frameworks = [module for framework in all_frameworks() for module in framework.modules]
    for package in (*of_frameworks, "hypothesis"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join([*found, processor()])


@cache
def processor() -> str:
    """What the processor is called: some of a framework's kernels depend on it."""
    with suppress(OSError):
        said = Path("/proc/cpuinfo").read_text("utf-8", "replace")
        for line in said.splitlines():
            if line.startswith("model name"):
                return clean(line.partition(":")[2])
    return platform.processor() or platform.machine()


def _table(answer: Answer) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("clause", "level", "verdict", ""):
        table.add_column(column, no_wrap=column != "", overflow="fold")
    for c in answer.clauses:
        said = (
            c.certificate
            if c.verdict is Verdict.HOLDS
            else c.summary
            if c.verdict is Verdict.NOT_CLAIMED
            else ""
        )
        title = Text(c.title) + Text(f" ({said})" if said else "", style="dim")
        table.add_row(
            c.clause, c.level, Text(c.verdict.value, style=STYLES.get(c.verdict, "bold red")), title
        )
    return table


def _show_causes(console: Console, answer: Answer) -> None:
    """Each likely cause with the clause that shows it and a line to see it again; under it,
    shortly, what fails with it.
    """
    by_id = {c.clause: c for c in answer.clauses}
    for cause in answer.diagnosis:
        said = "likely cause" if cause.known else "Cause unknown. Judging by the clause that failed"
        console.print(Text(f"\n{said}: {cause.sentence}", style="bold red"))
        _show_failure(console, [by_id[cause.clause]])
        for echo in cause.echoes[:ECHOES]:
            console.print(
                Text(f"  echo {echo}: {by_id[echo].summary}", style="dim"),
                overflow="ellipsis",
                no_wrap=True,
            )
        if len(cause.echoes) > ECHOES:
            console.print(Text(f"  and {len(cause.echoes) - ECHOES} more", style="dim"))


def _show_failures(console: Console, answer: Answer) -> None:
    """What else does not hold, clauses with one and the same sentence together."""
    told = {clause for cause in answer.diagnosis for clause in (cause.clause, *cause.echoes)}
    by_summary: dict[tuple[Verdict, str], list[Judged]] = {}
    for c in answer.clauses:
        if c.verdict not in (Verdict.HOLDS, Verdict.NOT_CLAIMED) and c.clause not in told:
            by_summary.setdefault((c.verdict, c.summary), []).append(c)
    for group in by_summary.values():
        console.print()
        _show_failure(console, group)


def _show_failure(console: Console, group: list[Judged]) -> None:
    first = group[0]
    ids = ", ".join(f"{c.clause} ({c.level})" for c in group[:4]) + (
        f" and {len(group) - 4} more" if len(group) > 4 else ""
    )
    console.print(
        Text(f"{first.verdict.value} ", style=STYLES.get(first.verdict, "bold red"))
        + Text(f"{ids}: {first.summary}")
    )
    if first.reproduce:
        console.print(Text(f"  {first.reproduce}", style="cyan"), soft_wrap=True)


def _show_footer(console: Console, answer: Answer, options: Options) -> None:
    counts = [
        f"{n} {word}"
        for n, word in (
            (answer.count(Verdict.HOLDS), "hold"),
            (answer.count(Verdict.DEPARTS), "depart"),
            (answer.count(Verdict.VIOLATED), "violated"),
            (answer.count(Verdict.ERROR), "in error"),
            (answer.count(Verdict.UNDECIDED), "undecided"),
            (answer.count(Verdict.KNOWN), "known"),
            (answer.count(Verdict.STALE), "stale"),
        )
        if n
    ]
    ok = answer.conformant(options.strict)
    if not answer.claimed:
        why = "; ".join(list(dict.fromkeys(c.summary for c in answer.clauses))[:REASONS])
        said = (
            f"does not conform: none of the {len(answer.clauses)} clauses asked for is claimed, so"
            " nothing was judged"
        )
        console.print(Text(f"\n{answer.label} {said} ({why}).\n", style="bold red"))
        return
    console.print(
        Text(
            f"\n{answer.label} " + ("conforms" if ok else "does not conform"),
            style="bold green" if ok else "bold red",
        )
        + Text(
            f": {answer.claimed} of {len(answer.clauses)} clauses claimed;"
            f" {', '.join(counts) or 'none judged'}."
        )
    )
    console.print(
        Text(
            "This run accuses a right implementation of anything with probability at most"
            f" {ALPHA_RUN:g}; each certificate is wrong with probability at most {BETA:g}.",
            style="dim",
        )
    )
    if ok:
        profile = PROFILES[options.profile]
        console.print(
            Text(
                "A fault as large as a stated tolerance, or one that shows in"
                f" {profile.share_found:.0%} of generated cases, would have been found with"
                f" probability {1 - MISS:g}; `dropspec power` lists the smallest faults, clause by"
                " clause.",
                style="dim",
            )
        )
    console.print()
