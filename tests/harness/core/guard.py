"""Every call into user code goes through the guard.

It gives the call a time limit, and turns what the call raises into a sentence that names the call.
A call that hangs raises Hung from a timer signal. That ends any Python code and most waiting; code
that hangs inside C is ended by the supervisor of `dropspec check`, from outside. A signal handler
tells a KeyboardInterrupt that the code itself raises from the user's own Ctrl-C.
"""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import FrameType

from dropspec.core.arrays import Array
from dropspec.core.calls import Call
from dropspec.core.errors import Hung, ImplementationError, NotClaimed, Violation
from dropspec.core.faults import Fault, FaultKind

PACKAGE = Path(__file__).parents[1]
ROOMS = (
    "core",
    "targets",
    "frameworks",
    "chance",
    "diagnosis",
    "families",
    "session",
    "properties",
)
CAN_TIME = hasattr(signal, "SIGALRM")


class Interrupted(KeyboardInterrupt):
    """The user's own Ctrl-C, which ends the run."""


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise Interrupted


class Guard:
    """Limits and names the calls into one implementation; `limit_s` seconds a call, less once it
    has hung.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = self._first_limit_s = limit_s
        self._watching = False
        self._what: object = ""
        self.reset()

    def reset(self) -> None:
        """Forgets the calls so far: what fails from here on is reproduced from here."""
        self.last: Call | None = None
        self.forwards = 0

    def record(self, call: Call) -> None:
        """Notes a forward pass that is about to be made."""
        self.last, self.forwards = call, self.forwards + 1

    def record_backward(self, upstream: Array) -> None:
        """Notes the upstream gradient of a backward pass through the last forward."""
        if self.last is not None:
            self.last = replace(self.last, upstream=upstream)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Listens for the timer over many calls: to begin anew for each costs more than most of
        them take.
        """
        if (
            self._watching
            or not CAN_TIME
            or threading.current_thread() is not threading.main_thread()
        ):
            yield
            return
        handlers: dict[int, Callable[[int, FrameType | None], None]] = {signal.SIGALRM: self._ring}
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            handlers[signal.SIGINT] = _interrupt
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        self._watching = True
        try:
            yield
        finally:
            self._watching = False
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ring(self, signum: int, frame: FrameType | None) -> None:
        limit_s, first = self.limit_s, self._first_limit_s
        # one that hangs may hang in every clause
        self.limit_s = min(limit_s, max(limit_s / 4, 0.25))
        cut = f" (cut from {first:g} s, as it hung before)" if limit_s < first else ""
        raise Hung(f"{self._what} did not return within {limit_s:g} s{cut}")

    def call(self, what: object) -> AbstractContextManager[None]:
        """Runs user code.

        Raises ImplementationError for what it raises, and Hung when it does not return in time.
        """
        return self._limited(what) if self._watching else self._alone(what)

    @contextmanager
    def _alone(self, what: object) -> Iterator[None]:
        with self.watch(), self._limited(what):
            yield

    @contextmanager
    def _limited(self, what: object) -> Iterator[None]:
        outer, self._what = self._what, what
        if self._watching:
            signal.setitimer(signal.ITIMER_REAL, self.limit_s)
        try:
            yield
        except (Violation, NotClaimed, ImplementationError, Hung, Interrupted):
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not self._watching:
                raise
            fault = fault_of(error)
            raise ImplementationError(f"{what} raised {fault.text}", fault) from error
        finally:
            self._what = outer
            if self._watching:  # inside another call the limit begins anew for what is left of that
                signal.setitimer(signal.ITIMER_REAL, self.limit_s if outer else 0)


def describe(error: BaseException) -> str:
    """The error in one line: `TypeError: the message (layers.py, line 12)`."""
    return fault_of(error).text


def fault_of(error: BaseException) -> Fault:
    """What the user's code raised; `where` is the last line of code that is not this suite's."""
    text = " ".join(str(error).split())
    lines = [
        (name, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if _is_theirs(name := frame.f_code.co_filename)
    ]
    where = f"{Path(lines[-1][0]).name}, line {lines[-1][1]}" if lines else ""
    name = type(error).__name__
    said = f"{name}{': ' + text[:200] if text else ''}{f' ({where})' if where else ''}"
    return Fault(FaultKind.RAISED, name, where, said)


@cache
def _is_theirs(filename: str) -> bool:
    """Whether a line of code belongs to the user: not to the harness, to Python's import or to
    C.
    """
    path = Path(filename)
    if filename[0] == "<" or path.parent.name == "importlib":
        return False
    return not any(path.is_relative_to(PACKAGE / room) for room in ROOMS)
