"""`dropspec check TARGET …`: judges dropout layers by the specification."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dropspec import __version__
from dropspec.core.clauses import FAMILIES, all_clauses
from dropspec.core.errors import near
from dropspec.core.options import PROFILES, Options
from dropspec.report import json as json_report
from dropspec.report import terminal
from dropspec.session.answers import answers
from dropspec.session.known_failures import known_failures
from dropspec.session.supervise import Failed, supervise

CONFORMANT, NOT_CONFORMANT, USAGE = 0, 1, 2
CLAUSE = "this clause, such as scale-1, or this chapter, such as scale, in any case; may be repeated"

TARGETS = """\
targets:
  [label=]module:attribute       for instance torch.nn:Dropout, mypackage.layers:MyDropout
  [label=]path/file.py:attribute for instance mine=layers.py:dropout
  A target is a torch.nn.Module class whose constructor takes the rate, or a functools.partial of one, a torch or NumPy function of
  (x, rate), with or without a training flag and a generator or seed, or an object with `claims`, `train(x, rate, seed)` and
  `evaluate(x, rate)`.
  A DropConnect target is a torch.nn.Module class whose constructor takes (in_features, out_features, rate), or a function of
  (x, weight, bias, rate); --family dropconnect says so where the names do not.
exit codes: 0 all targets conform; 1 one does not; 2 a target cannot be loaded, or the command line is wrong
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dropspec", description="The specification of dropout, and whether a layer keeps it.")
    parser.add_argument("--version", action="version", version=f"dropspec {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser(
        "check",
        help="judge dropout layers, clause by clause",
        description="Judges dropout layers by every clause of the specification.",
        epilog=TARGETS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("targets", nargs="+", metavar="TARGET", help="what to judge; several at once")
    check.add_argument("--profile", choices=tuple(PROFILES), default="standard", help="how much to look at (default: standard)")
    check.add_argument(
        "--seed", type=int, default=0, metavar="N", help="another seed explores; the same gives the same verdicts (default: 0)"
    )
    check.add_argument("--clause", action="append", default=[], metavar="ID", help=f"judge only {CLAUSE}")
    check.add_argument("--family", choices=FAMILIES, default="", help="judge as this, where it cannot be told from the target")
    check.add_argument("--strict", action="store_true", help="a departure from a SHOULD counts as not conformant, too")
    check.add_argument(
        "--known", default="", metavar="FILE", help="TOML with declared failures: [[known]] with clause, reason and, if need be, target"
    )
    check.add_argument("--json", default="", metavar="PATH", help="write the verdicts as JSON")
    check.add_argument(
        "--timeout", type=float, default=10.0, metavar="SECONDS", help="how long one call of the layer may take (default: 10)"
    )
    check.add_argument("-n", dest="workers", type=int, default=1, metavar="N", help="processes to spread the tests over (default: 1)")
    power = commands.add_parser(
        "power",
        help="the smallest faults that are found",
        description="Prints, for each clause, the smallest fault that a run finds with a chance of 0.999 in each profile. Takes a minute.",
    )
    power.add_argument("--clause", action="append", default=[], metavar="ID", help=f"only {CLAUSE}")
    power.add_argument("--family", choices=FAMILIES, default="dropout", help="of which specification (default: dropout)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    given.clause = _clauses(parser, given.clause)
    return _check(parser, given) if given.command == "check" else _power(given)


def _clauses(parser: argparse.ArgumentParser, asked: Sequence[str]) -> list[str]:
    """The ids of the clauses and of those in the chapters asked for, each once; ends the command where there is no such thing."""
    chapters: dict[str, list[str]] = {}  # of both families: no name is of two, and a target is judged by its own
    for clause in all_clauses().values():
        chapters.setdefault(clause.chapter, []).append(clause.id)
    found: dict[str, None] = {}
    for name in asked:
        ids = [name.lower()] if name.lower() in all_clauses() else chapters.get(name.lower())
        if ids is None:
            meant = near(name, [*all_clauses(), *chapters])
            parser.error(f"there is no clause {name}{meant or ', and no chapter: the chapters are ' + ', '.join(chapters)}")
        found |= dict.fromkeys(ids)
    return list(found)


def _power(given: argparse.Namespace) -> int:
    from dropspec.report import power  # late, as it imports what `check` leaves to its children

    chosen = [all_clauses()[c] for c in given.clause] or [c for c in all_clauses().values() if c.family == given.family]
    power.show(chosen)
    return CONFORMANT


def _check(parser: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    if given.timeout <= 0 or given.workers < 1:
        parser.error("--timeout must be above 0, and -n at least 1")
    if given.json and Path(given.json).is_dir():
        parser.error(f"--json {given.json}: that is a folder; give a file to write to")
    if given.json and not Path(given.json).parent.is_dir():
        parser.error(f"--json {given.json}: there is no folder {Path(given.json).parent}")
    options = Options(
        tuple(given.targets), given.profile, given.seed, given.strict, given.timeout, tuple(given.clause), given.known, given.family
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as an exception, so that the child is ended with it
    try:
        known = known_failures(given.known) if given.known else []
        journal = supervise(options, given.workers)
    except (Failed, ValueError) as error:
        print(f"dropspec: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("dropspec: interrupted", file=sys.stderr)
        return 130
    found = answers(journal.records, journal.labels, journal.unusable, given.clause or list(all_clauses()), known)
    terminal.show(found, options)
    if given.json:
        json_report.write(Path(given.json), found, options)
    if any(a.unusable for a in found):
        return USAGE
    return CONFORMANT if all(a.conformant(given.strict) for a in found) else NOT_CONFORMANT
