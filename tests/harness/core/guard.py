"""Every call into user code goes through the guard.

It gives the call a time limit, and turns what the call raises into a sentence that names the call.
A call that hangs raises Hung from a timer signal. That ends any Python code and most waiting; code
that hangs inside C is ended by the supervisor of `dropspec check`, from outside. The limit is of
the clock for a call that waits, and of processor time for one that works: on a busy machine a call
that gets a small part of a processor is not hung. A signal handler tells a KeyboardInterrupt that
the code itself raises from the user's own Ctrl-C.
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
from time import monotonic, process_time
from types import FrameType
from typing import Any

from dropspec.core.arrays import Array
from dropspec.core.calls import Call
from dropspec.core.errors import Hung, ImplementationError, NotClaimed, Violation
from dropspec.core.faults import Fault, FaultKind
from dropspec.core.text import clean, shown

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
WORKING = 0.003  # of the clock: a call that gets less than this of a processor waits for something
PATIENCE = 20  # times the limit by the clock: so long may a call work on a busy machine
NEARLY = 0.8  # of the limit: as much processor time as a call gets of it on an idle machine
COMPILING = 3  # times the limit: so long may the first call of a shape and dtype work
BEAT_S = 1.0
IMPORTS = "<frozen importlib._bootstrap>"  # where Python says that its import runs


class Interrupted(KeyboardInterrupt):
    """The user's own Ctrl-C, which ends the run."""


OURS = (Violation, NotClaimed, ImplementationError, Hung, Interrupted)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise Interrupted


class Guard:
    """Limits and names the calls into one implementation; `limit_s` seconds a call, less once it
    has hung. `beat` is called about once a second, between two calls.
    """

    def __init__(self, limit_s: float, beat: Callable[[], None] | None = None) -> None:
        self.limit_s = self._first_limit_s = limit_s
        self._watching = False
        self._what: object = None
        self._begun = self._rung = (0.0, 0.0)  # by the clock, and in processor time
        self._longest_s = self._beaten = 0.0
        self._met: set[tuple[object, ...]] = set()  # what a framework has compiled by now
        self._may_compile = False
        self._beat = beat
        self._may_end_imports = False
        self.reset()

    def reset(self) -> None:
        """Forgets the calls so far: what fails from here on is reproduced from here."""
        self.last: Call | None = None
        self.forwards = 0

    def record(self, call: Call) -> None:
        """Notes a forward pass that is about to be made."""
        self.last, self.forwards = call, self.forwards + 1
        self._meet(call.mode, call.differentiable, call.x)

    def record_backward(self, upstream: Array) -> None:
        """Notes the upstream gradient of a backward pass through the last forward."""
        if self.last is not None:
            self.last = replace(self.last, upstream=upstream)
        self._meet("backward", True, upstream)

    def _meet(self, mode: str, differentiable: bool, array: Array) -> None:
        kind = (mode, differentiable, array.shape, array.dtype)
        self._may_compile = kind not in self._met
        self._met.add(kind)

    def record_assignment(self, name: str, rate: Any) -> None:
        """Notes that the rate was assigned to after the last forward."""
        if self.last is not None:
            self.last = replace(self.last, assigned=(name, rate))

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
        (theirs_s, again_s), since = signal.getitimer(signal.ITIMER_REAL), monotonic()
        self._watching = True
        try:
            yield
        finally:
            self._watching = False
            for number, handler in before.items():
                signal.signal(number, handler)
            # a timer of somebody else's, as of pytest-timeout, goes on
            left_s = max(theirs_s - (monotonic() - since), 0.001) if theirs_s else 0.0
            signal.setitimer(signal.ITIMER_REAL, left_s, again_s)

    def _ring(self, signum: int, frame: FrameType | None) -> None:
        """Ends the call that is under way, or gives it more time if it did not get its own."""
        if self._what is None:
            return  # between two calls
        left_s = self._left_s()
        if left_s > 0 or (_imports(frame) and not self._may_end_imports):
            signal.setitimer(signal.ITIMER_REAL, max(left_s, self.limit_s / 4))
            return
        limit_s, first = self.limit_s, self._first_limit_s
        # one that hangs may hang in every clause
        self.limit_s = min(limit_s, max(limit_s / 4, 0.25, 4 * self._longest_s))
        cut = f" (cut from {first:g} s, as it hung before)" if limit_s < first else ""
        raise Hung(f"{self._what} did not return within {limit_s:g} s{cut}")

    def _left_s(self) -> float:
        """What is left of the limit of a call that works, and of its patience; 0 if it waits."""
        now = (monotonic(), process_time())
        of_clock, worked = now[0] - self._begun[0], now[1] - self._begun[1]
        share = (now[1] - self._rung[1]) / max(now[0] - self._rung[0], 1e-9)
        self._rung = now
        may_work_s = self.limit_s * (COMPILING if self._may_compile else 1)
        if share < WORKING or of_clock >= PATIENCE * self.limit_s or worked >= NEARLY * may_work_s:
            return 0.0
        return may_work_s - worked

    def call(self, what: object) -> AbstractContextManager[None]:
        """Runs user code.

        Raises ImplementationError for what it raises, and Hung when it does not return in time.
        """
        return _Limited(self, what) if self._watching else self._alone(what)

    @contextmanager
    def importing(self, what: object) -> Iterator[None]:
        """The same for an import, which leaves a half-imported module behind where it is ended."""
        self._may_end_imports = True
        try:
            with self.call(what):
                yield
        finally:
            self._may_end_imports = False

    @contextmanager
    def _alone(self, what: object) -> Iterator[None]:
        with self.watch(), _Limited(self, what):
            yield

    def begin(self, what: object) -> object:
        """A call begins; returns the one that it is made in."""
        outer, self._what = self._what, what
        self._arm()
        return outer

    def end(self, outer: object, has_returned: bool) -> None:
        """After a call: the timer runs on, and is heard of no more until another call begins."""
        self._what, self._may_compile, now = outer, False, monotonic()
        if has_returned:
            self._longest_s = max(self._longest_s, min(now - self._begun[0], self.limit_s / 4))
        if outer is not None:
            self._arm()  # inside another call the limit begins anew for what is left of that
        if self._beat and now - self._beaten > BEAT_S:
            self._beaten = now
            self._beat()

    def _arm(self) -> None:
        self._begun = self._rung = (monotonic(), process_time())
        if self._watching:
            signal.setitimer(signal.ITIMER_REAL, self.limit_s)

    def error_of(self, what: object, error: BaseException) -> ImplementationError | None:
        """What a call that raised comes to; None where that is to go on as it is."""
        if isinstance(error, OURS) and not _is_raised_by_them(error):
            return None
        if isinstance(error, KeyboardInterrupt) and not self._watching:
            return None
        fault = fault_of(error)
        return ImplementationError(f"{what} raised {fault.text}", fault)


class _Limited:
    """One call under a guard; a class, as there are tens of thousands in a run."""

    __slots__ = ("_guard", "_outer", "_what")

    def __init__(self, guard: Guard, what: object) -> None:
        self._guard, self._what = guard, what

    def __enter__(self) -> None:
        self._outer = self._guard.begin(self._what)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        try:
            if error is not None and (made := self._guard.error_of(self._what, error)):
                raise made from error
        finally:
            self._guard.end(self._outer, error is None)


def _imports(frame: FrameType | None) -> bool:
    """Whether an import is under way: to end it would leave a half-imported module behind."""
    while frame is not None:
        if frame.f_code.co_filename == IMPORTS:
            return True
        frame = frame.f_back
    return False


def _is_raised_by_them(error: BaseException) -> bool:
    """Whether the line that raised it is the user's: an exception of ours that a layer raises."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return _is_theirs(frame.f_code.co_filename)


def describe(error: BaseException) -> str:
    """The error in one line: `TypeError: the message (layers.py, line 12)`."""
    return fault_of(error).text


def fault_of(error: BaseException) -> Fault:
    """What the user's code raised; `where` is the last line of code that is not this suite's."""
    lines = [
        (name, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if _is_theirs(name := frame.f_code.co_filename)
    ]
    where = f"{clean(Path(lines[-1][0]).name, 100)}, line {lines[-1][1]}" if lines else ""
    name, text = clean(type(error).__name__, 100), shown(error, 200)
    said = f"{name}{': ' + text if text else ''}{f' ({where})' if where else ''}"
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
