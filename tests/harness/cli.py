"""The shell's door: `dropspec check TARGET …` judges dropout layers by the specification."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Mapping, Sequence

from dropspec import __version__
from dropspec.api import judge
from dropspec.core.clauses import Clause
from dropspec.core.errors import did_you_mean
from dropspec.core.options import add_options, options_from
from dropspec.families import all_clauses, all_families
from dropspec.report import terminal, wanted, write_all
from dropspec.session.supervise import Failed

CONFORMANT, NOT_CONFORMANT, USAGE, INTERRUPTED = 0, 1, 2, 130
TARGETS = """\
targets:
  [label=]module:attribute       for instance mypackage.layers:MyDropout
  [label=]path/file.py:attribute for instance mine=layers.py:dropout
  A target is a module class whose constructor takes the rate, or a functools.partial of one, a
  function of (x, rate), with or without a training flag and a generator or seed, or an object with
  `claims`, `train(x, rate, seed)` and `evaluate(x, rate)`.
  A linear layer whose weights are dropped is a module class whose constructor takes
  (in_features, out_features, rate), or a function of (x, weight, bias, rate); --family says so
  where the names do not.
exit codes: 0 all targets conform; 1 one does not; 2 a target cannot be loaded, or the command line
is wrong
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dropspec", description="The specification of dropout, and whether a layer keeps it."
    )
    parser.add_argument("--version", action="version", version=f"dropspec {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser(
        "check",
        help="judge dropout layers, clause by clause",
        description="Judges dropout layers by every clause of the specification.",
        epilog=TARGETS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("targets", nargs="+", metavar="TARGET", help="what to judge")
    add_options(check.add_argument, "--")
    workers = "processes to spread the tests over (default: 1)"
    check.add_argument("-n", dest="workers", type=int, default=1, metavar="N", help=workers)
    power = commands.add_parser(
        "power",
        help="the smallest faults that are found",
        description=(
            "Prints, for each clause, the smallest fault that a run finds with "
            "probability 0.999 in each profile. Takes a minute."
        ),
    )
    only = "only this clause or chapter; may be repeated"
    power.add_argument("--clause", action="append", default=[], metavar="ID", help=only)
    first = all_families()[0].name
    of_which = f"of which specification (default: {first})"
    power.add_argument("--family", default=first, metavar="NAME", help=of_which)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    families = [family.name for family in all_families()]
    if given.family and given.family not in families:
        parser.error(f"there is no family {given.family!r}: there are {', '.join(families)}")
    given.clause = _clauses(parser, given.clause, all_clauses())
    return _check(parser, given) if given.command == "check" else _power(given)


def _clauses(
    parser: argparse.ArgumentParser, asked: Sequence[str], clauses: Mapping[str, Clause]
) -> list[str]:
    """The ids of the clauses and chapters asked for, each once; ends the command for others."""
    chapters: dict[str, list[str]] = {}  # no name is one of two families
    for clause in clauses.values():
        chapters.setdefault(clause.chapter, []).append(clause.id)
    found: dict[str, None] = {}
    for name in asked:
        ids = [name.lower()] if name.lower() in clauses else chapters.get(name.lower())
        if ids is None:
            meant = did_you_mean(name, [*clauses, *chapters])
            chapter = f", and no chapter: the chapters are {', '.join(chapters)}"
            parser.error(f"there is no clause {name}{meant or chapter}")
        found |= dict.fromkeys(ids)
    return list(found)


def _power(given: argparse.Namespace) -> int:
    from dropspec.report import power  # late: it imports what `check` leaves to its children

    power.show(all_families(), given.family, given.clause)
    return CONFORMANT


def _check(parser: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    options = options_from(given, "", tuple(given.targets))
    if options.timeout_s <= 0 or given.workers < 1:
        parser.error("--timeout must be above 0, and -n at least 1")
    try:
        wanted(options)
    except ValueError as error:
        parser.error(str(error))
    # as an exception, so that the children are ended with it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        found = judge(options, given.workers)
    except (Failed, ValueError) as error:
        print(f"dropspec: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("dropspec: interrupted", file=sys.stderr)
        return INTERRUPTED
    terminal.show(found, options)
    write_all(found, options)
    if any(answer.unusable for answer in found):
        return USAGE
    conform = all(answer.conformant(options.strict) for answer in found)
    return CONFORMANT if conform else NOT_CONFORMANT
