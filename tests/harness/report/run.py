"""Reports a run while it goes on: each target is written and printed as soon as it is known."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager, suppress
from time import monotonic

from dropspec.core.options import Options
from dropspec.core.records import Answer
from dropspec.core.text import no_commands
from dropspec.report import close_all, write_all
from dropspec.report.files import Report
from dropspec.report.outlet import Outlet
from dropspec.report.terminal import show, terminal
from dropspec.session.supervise import Failed

RARELY = 50  # times what writing takes: a report of hundreds of targets is not written for each
CONFORMANT, NOT_CONFORMANT, USAGE, INTERRUPTED = 0, 1, 2, 130


class Ended(SystemExit):
    """A signal that ends the command, as an exception, so that the children are ended with it."""


def _end(signum: int, frame: object) -> None:
    raise Ended(128 + signum)


@contextmanager
def _ending_by_signals() -> Generator[None]:
    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) != signal.SIG_IGN:  # as nohup ignores one
            before[number] = signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def complain(sentence: str) -> None:
    """Prints a sentence to standard error, if there is one."""
    with suppress(OSError, ValueError):
        if sys.stderr:
            print(f"dropspec: {no_commands(sentence)}", file=sys.stderr, flush=True)


def report_run(answers: Generator[Answer], options: Options, reports: Sequence[Report]) -> int:
    """Writes and prints the answers as they come; returns the exit code.

    A report of a run that was ended says that it is incomplete.
    """
    found: list[Answer] = []
    every = len(options.targets)
    console, code, failed, due = terminal(), CONFORMANT, list[str](), 0.0
    try:
        with _ending_by_signals(), closing(answers):
            for answer in answers:
                found.append(answer)
                if len(found) == every or monotonic() > due:
                    since = monotonic()
                    failed = write_all(reports, found, options, len(found) == every)
                    due = monotonic() + RARELY * (monotonic() - since)
                show(answer, options, console)
        code = _code(found, options)
    except (Failed, ValueError) as error:
        complain(str(error))
        code = USAGE
    except KeyboardInterrupt:
        complain(f"interrupted: {len(found)} of {every} targets are judged")
        code = INTERRUPTED
    except Ended as ended:
        complain(f"ended by a signal: {len(found)} of {every} targets are judged")
        code = int(ended.code or 0)
    finally:
        if len(found) < every:
            failed = write_all(reports, found, options)
        close_all(reports)
    if isinstance(console.file, Outlet) and console.file.error:
        failed.append(f"the report could not be printed: {console.file.error}")
    for sentence in failed:
        complain(sentence)
    return USAGE if failed and code in (CONFORMANT, NOT_CONFORMANT) else code


def _code(found: Sequence[Answer], options: Options) -> int:
    if any(answer.unusable for answer in found):
        return USAGE
    conform = all(answer.conformant(options.strict) for answer in found)
    return CONFORMANT if conform else NOT_CONFORMANT
