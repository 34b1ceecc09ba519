"""Fresh seeds, by the thousand: what is found of the mutants in each run, and whether anything
right is ever accused.

    # each mutant under 50 seeds, standard profile: is it violated where it says?
    python tests/meta/explore.py mutants --seeds 50
    # whole quick runs over the right layers in turn: is anything not as it should be?
    python tests/meta/explore.py right --runs 1000
    # the same with forty busy processes beside, eight runs at a time
    python tests/meta/explore.py right --runs 100 --busy 40 --at-once 8
    # is there a conformance test that no mutant of its clause fails, quick profile?
    python tests/meta/explore.py tests
    # as JSON, under seed 0, quick profile: which stated clauses are not found, what is accused?
    python tests/meta/explore.py stated
    python tests/meta/explore.py spared

The tests are those of `dropspec check`, called without pytest, in one process a target: loading
torch takes longer than a run.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from functools import cache, partial
from typing import Any

from dropspec.chance.judge import judge_lens
from dropspec.core.errors import Hung, ImplementationError, NotClaimed, Undecided, Violation
from dropspec.core.notes import Notes
from dropspec.core.options import Options
from dropspec.core.property import Property
from dropspec.core.records import Verdict
from dropspec.families import all_families, family_named
from dropspec.properties.catalogue import properties_of
from dropspec.session.record import judge_property
from dropspec.session.run import Run
from dropspec.tests.meta.catalogue import CONFORMING, MUTANTS, RIGHT_TARGETS
from dropspec.tests.meta.inspected import inspected, run_over

if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"  # as `dropspec check` does; before NumPy and torch read it

FIRST = 20_261_125  # of the seeds, which no test uses
FOUND = {Verdict.VIOLATED, Verdict.DEPARTS}
BAD = {Verdict.VIOLATED, Verdict.UNDECIDED, Verdict.ERROR}


@cache
def tests_of(family: str) -> dict[str, list[Property]]:
    """The properties of a family by clause."""
    of = family_named(family)
    found: dict[str, list[Property]] = {clause.id: [] for clause in of.clauses()}
    for prop in properties_of(of.tests):
        found[prop.clause].append(prop)
    return found


def verdicts(run: Run, clauses: Sequence[str]) -> Iterator[tuple[str, Verdict, str]]:
    """What each property of these clauses comes to, with its message."""
    for clause in clauses:
        for prop in tests_of(run.family.name)[clause]:
            record = judge_property(run, prop, Options())
            yield clause, Verdict(record.verdict), record.message


def unfound(target: str, clauses: Sequence[str]) -> list[str]:
    """The clauses of a mutant that are neither violated nor departed from, quick profile."""
    run = run_over(inspected(target, 10.0))
    return [clause for clause in clauses if not is_found(run, clause)]


def stated() -> dict[str, list[str]]:
    """For every mutant, the clauses that it states and that are not found."""
    return {target: missed for (target, _), missed in side_by_side(_unfound, _jobs())}


def spared() -> dict[str, list[str]]:
    """For every conforming target, what a quick run under seed 0 finds against it."""
    jobs = [(target, (0,)) for target in CONFORMING]
    return {target: found for (target, _), found in side_by_side(_accused, jobs)}


def survived(target: str, clauses: Sequence[str], seeds: Sequence[int]) -> list[int]:
    """The seeds under which a mutant is neither violated nor departed from in any clause that it
    states, in the standard profile.
    """
    impl = inspected(target, 10.0)
    return [
        s
        for s in seeds
        if not any(is_found(run_over(impl, "standard", s), clause) for clause in clauses)
    ]


def is_found(run: Run, clause: str) -> bool:
    """Whether a clause is violated, or departed from; of a clause of chance, as soon as a
    campaign fails, which is what its test asks.
    """
    for look in run.plan.looks.get(clause, ()):
        for campaign in look.campaigns:
            with suppress(Undecided, NotClaimed, ImplementationError, Hung):
                try:
                    judge_lens(run.results([campaign])[0], look.lens, Notes())
                except Violation:
                    return True
    return any(verdict in FOUND for _, verdict, _ in verdicts(run, [clause]))


def accused(target: str, seeds: Sequence[int]) -> list[str]:
    """What is not as it should be in whole quick runs over a right layer."""
    impl = inspected(target, 10.0)
    runs = ((seed, run_over(impl, "quick", seed)) for seed in seeds)
    return [
        f"seed {seed}: {c} {v}: {said}"
        for seed, run in runs
        for c, v, said in verdicts(run, list(tests_of(impl.facts.family)))
        if v in BAD
    ]


def _jobs(only: str = "*") -> list[tuple[str, Sequence[str]]]:
    return [(m.target, m.clauses) for m in MUTANTS.values() if fnmatchcase(m.target, only)]


def mutants(seeds: int, only: str) -> int:
    """Prints which mutants survive under which of that many seeds; returns how many do."""
    fresh, jobs, left = range(FIRST, FIRST + seeds), _jobs(only), 0
    for target, missed in side_by_side(partial(_survived, seeds=fresh), jobs):
        left += bool(missed)
        if missed:
            print(
                f"{target[0]} survives {len(missed)} of {seeds} runs, with seeds {missed[:5]}",
                flush=True,
            )
    print(
        f"{len(jobs)} mutants under {seeds} seeds each, standard profile: {len(jobs) - left}"
        " are found in every run"
    )
    return left


def failed(target: str, clauses: Sequence[str]) -> set[str]:
    """The conformance tests of these clauses that a mutant fails in the quick profile."""
    impl = inspected(target, 10.0)
    run, found = run_over(impl), tests_of(impl.facts.family)
    names = [_named(prop) for clause in clauses for prop in found[clause]]
    return {
        name
        for name, (_, verdict, _) in zip(names, verdicts(run, clauses), strict=True)
        if verdict in FOUND
    }


def tests() -> int:
    """Prints which conformance tests are failed by no mutant that states their clause; returns
    how many are.
    """
    every = {
        _named(prop)
        for family in all_families()
        for found in tests_of(family.name).values()
        for prop in found
    }
    left = every.difference(*(names for _, names in side_by_side(_failed, _jobs())))
    for name in sorted(left):
        print(f"{name} is failed by no mutant")
    print(
        f"{len(every)} conformance tests: {len(every) - len(left)} are failed by a mutant of their"
        " clause"
    )
    return len(left)


def _named(prop: Property) -> str:
    return ".".join(prop.name.rsplit(".", 2)[-2:])


def right(runs: int, at_once: int | None) -> int:
    """Prints what is accused of right layers in that many runs, so many at a time (one a core
    without a word); returns how many accusations there are.
    """
    targets, count = (*CONFORMING, *RIGHT_TARGETS), Counter[str]()
    shares = [(t, range(FIRST + n, FIRST + runs, len(targets))) for n, t in enumerate(targets)]
    for (target, seeds), said in side_by_side(_accused, shares, at_once):
        count.update(runs=len(seeds), accusations=len(said))
        for line in said:
            print(f"{target}, {line}", flush=True)
    print(
        f"{count['runs']} whole quick runs over {len(targets)} right layers: {count['accusations']}"
        " accusations"
    )
    return count["accusations"]


def _survived(job: tuple[str, Sequence[str]], seeds: Sequence[int]) -> list[int]:
    return survived(*job, seeds)


def _unfound(job: tuple[str, Sequence[str]]) -> list[str]:
    return unfound(*job)


def _failed(job: tuple[str, Sequence[str]]) -> set[str]:
    return failed(*job)


def _accused(job: tuple[str, Sequence[int]]) -> list[str]:
    return accused(*job)


@contextmanager
def busy(many: int) -> Iterator[None]:
    """That many processes beside, each of which only takes processor time."""
    beside = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(many)]
    try:
        yield
    finally:
        for process in beside:
            process.kill()


def side_by_side(
    do: Any, jobs: Sequence[Any], at_once: int | None = None
) -> Iterator[tuple[Any, Any]]:
    """Each job with what came of it, in a process of its own: what a layer changes for all of a
    process must not outlive it.
    """
    torch = importlib.import_module("torch")  # once, before the processes part
    for family in all_families():
        tests_of(family.name)
    gc.freeze()  # or every child would copy the pages of all that was imported
    one_thread = partial(torch.set_num_threads, 1)  # as `dropspec check` does
    with multiprocessing.get_context("fork").Pool(at_once, one_thread, maxtasksperchild=1) as pool:
        yield from zip(jobs, pool.imap(do, jobs, chunksize=1), strict=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("mutants", "right", "tests", "stated", "spared"))
    parser.add_argument(
        "--seeds",
        type=int,
        default=50,
        metavar="N",
        help="for mutants: how many seeds (default: 50)",
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=1000,
        metavar="N",
        help="for right: how many runs (default: 1000)",
    )
    parser.add_argument(
        "--only",
        default="*",
        metavar="PATTERN",
        help="for mutants: those whose target matches, such as '*.carried:*'",
    )
    parser.add_argument(
        "--busy",
        type=int,
        default=0,
        metavar="N",
        help="for right: processes that take processor time meanwhile (default: 0)",
    )
    parser.add_argument(
        "--at-once",
        type=int,
        metavar="N",
        help="for right: runs at a time (default: as many as there are cores)",
    )
    given = parser.parse_args()
    if not _jobs(given.only):  # or none would be found, and none survive
        parser.error(f"--only: no mutant's target matches {given.only!r}")
    if given.what in ("stated", "spared"):
        print(json.dumps(stated() if given.what == "stated" else spared()))
        sys.exit()
    started = time.perf_counter()
    with busy(given.busy):
        bad = {
            "mutants": lambda: mutants(given.seeds, given.only),
            "right": lambda: right(given.runs, given.at_once),
            "tests": tests,
        }[given.what]()
    print(f"{time.perf_counter() - started:.0f} s")
    sys.exit(bool(bad))
