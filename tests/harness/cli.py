"""The shell's door: `dropspec check TARGET …` judges dropout layers by the specification."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

from dropspec import __version__
from dropspec.core.clauses import Clause
from dropspec.core.errors import did_you_mean
from dropspec.core.options import Options, add_options, options_from
from dropspec.core.text import clean, shown
from dropspec.session.template import prepare

USAGE, INTERRUPTED = 2, 130
OF_TARGETS = ("family", "claim", "build", "call", "timeout", "import-timeout")
MOST = 8  # processes that may be asked for on any machine; more only where it has as many cores
TARGETS = """\
targets:
  [label=]module:attribute       for instance mypackage.layers:MyDropout
  [label=]path/file.py:attribute for instance mine=layers.py:dropout
  A target is a module class whose constructor takes the rate, or a functools.partial of one, a
  plain class with `forward(x)` over NumPy arrays, a function of (x, rate), with or without a
  training flag and a generator or seed, or an object with `claims`, `train(x, rate, seed)` and
  `evaluate(x, rate)`, or with `claims` and `layer(rate)`. --build and --call say in Python what
  cannot be read off it; `dropspec smoke TARGET` says what is read off it.
  A linear layer whose weights are dropped is a module class whose constructor takes
  (in_features, out_features, rate), or a function of (x, weight, bias, rate); --family says so
  where the names do not.
exit codes: 0 all targets conform; 1 one does not; 2 a target cannot be loaded, the command line is
wrong, or a report cannot be written; 130 interrupted; 129 and 143 ended by SIGHUP and SIGTERM
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, whatever was typed."""

    def error(self, message: str) -> NoReturn:
        """Ends the command with exit code 2."""
        super().error(clean(message))


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    made = _Parser(
        prog="dropspec", description="The specification of dropout, and whether a layer keeps it."
    )
    made.add_argument("--version", action="version", version=f"dropspec {__version__}")
    commands = made.add_subparsers(dest="command", required=True)
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
    smoke = commands.add_parser(
        "smoke",
        help="what dropspec recognises of a target; nothing is judged",
        description=(
            "Prints what is recognised of each target, what it claims and what one call of it"
            " does. Nothing is judged."
        ),
        epilog=TARGETS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    smoke.add_argument("targets", nargs="+", metavar="TARGET", help="what to look at")
    add_options(smoke.add_argument, "--", OF_TARGETS)
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
    of_which = "of which specification (default: that of dropout)"
    power.add_argument("--family", default="", metavar="NAME", help=of_which)
    clauses = commands.add_parser(
        "clauses",
        help="the clauses of the specification, as a list or as data",
        description="Prints the id, the level and the title of each clause.",
    )
    clauses.add_argument("--clause", action="append", default=[], metavar="ID", help=only)
    clauses.add_argument("--family", default="", metavar="NAME", help="of one specification only")
    as_data = "rule, tolerance, needs, sources and incidents as well, as JSON"
    clauses.add_argument("--json", action="store_true", help=as_data)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    _open_standard_files()
    given = (reader := parser()).parse_args(arguments)
    try:
        return _COMMANDS[given.command](reader, given)
    except KeyboardInterrupt:
        print("dropspec: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # it must not look like a verdict
        said = f"{type(error).__name__}: {shown(error)}"
        print(f"dropspec: met {said}: a fault of dropspec, and no verdict", file=sys.stderr)
        return USAGE


def _open_standard_files() -> None:
    """Where input, output or errors are closed, a pipe of ours would take their place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _clauses(
    reader: argparse.ArgumentParser, asked: Sequence[str], clauses: Mapping[str, Clause]
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
            reader.error(f"there is no clause {clean(name)}{meant or chapter}")
        found |= dict.fromkeys(ids)
    return list(found)


def _power(reader: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    from dropspec.families import all_families
    from dropspec.report import power

    clauses = _asked(reader, given)
    power.show(all_families(), given.family or all_families()[0].name, clauses)
    return 0


def _list(reader: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    from dropspec.families import all_families
    from dropspec.report import clauses

    asked = _asked(reader, given)
    families = [one for one in all_families() if asked or given.family in ("", one.name)]
    clauses.show(families, asked, given.json)
    return 0


def _smoke(reader: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    options = _options(reader, given, OF_TARGETS)
    from dropspec.families import all_families
    from dropspec.frameworks import all_frameworks
    from dropspec.report.smoke import smoke

    return smoke(options, all_frameworks(), all_families())


def _options(
    reader: argparse.ArgumentParser, given: argparse.Namespace, names: Sequence[str] = ()
) -> Options:
    """The options, those of these names or all; ends the command for one that is out of bounds."""
    options = options_from(given, "", tuple(given.targets), names)
    try:
        options.check()
        os.getcwd()
    except ValueError as error:
        reader.error(str(error))
    except OSError as error:
        reader.error(f"the current folder is gone: {error.strerror}")
    return options


def _check(reader: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    options = _options(reader, given)
    most = max(MOST, os.cpu_count() or 1)
    if not 1 <= given.workers <= most:
        reader.error(f"-n is {given.workers}, but must be from 1 to {most} on this machine")
    prepare(options.targets, "dropspec.properties.every")
    from dropspec.api import judge  # late: the template imports the same meanwhile
    from dropspec.families import all_clauses
    from dropspec.report import open_reports
    from dropspec.report.run import complain, report_run
    from dropspec.session.known_failures import known_failures, of_no_target

    options = replace(options, clauses=tuple(_asked(reader, given)))
    try:
        known = known_failures(options.known, all_clauses()) if options.known else []
        reports = open_reports(options)
    except ValueError as error:
        reader.error(str(error))
    for sentence in of_no_target(known, options):
        complain(sentence)
    return report_run(judge(options, given.workers), options, reports)


def _asked(reader: argparse.ArgumentParser, given: argparse.Namespace) -> list[str]:
    """The clauses asked for; ends the command for a clause or a family that is not there."""
    from dropspec.families import all_clauses, all_families

    families = [family.name for family in all_families()]
    if given.family and given.family not in families:
        no_family = f"there is no family {clean(given.family)!r}"
        reader.error(f"{no_family}: there are {', '.join(families)}")
    return _clauses(reader, given.clause, all_clauses())


_COMMANDS = {"check": _check, "smoke": _smoke, "power": _power, "clauses": _list}
