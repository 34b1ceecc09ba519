"""How long a child may say nothing: a process that hangs outside Python is ended from outside."""

from __future__ import annotations

from time import monotonic

from dropspec.core.guard import WORKING
from dropspec.session.processes import processor_time

LEAST_S = 5.0
OF_WORK, OF_CLOCK = 3, 20  # times the limit of a call


class Patience:
    """Waits for the next word of a process, longer for one that works than for one that waits."""

    def __init__(self, pid: int, limit_s: float) -> None:
        self._pid = pid
        self.expect(limit_s)

    def expect(self, limit_s: float) -> None:
        """From here on calls have this limit."""
        self._limit_s = limit_s
        self.heard()

    def heard(self) -> None:
        """A word has come: the waiting begins anew."""
        self._since, self._worked = monotonic(), processor_time(self._pid)

    def over(self) -> float:
        """The seconds for which nothing was heard, where they are too many; else 0."""
        silent, now = monotonic() - self._since, processor_time(self._pid)
        if silent < OF_WORK * self._limit_s + LEAST_S:
            return 0.0
        worked = None if now is None or self._worked is None else now - self._worked
        is_at_work = worked is not None and worked >= WORKING * silent
        if is_at_work and worked is not None and worked < OF_WORK * (self._limit_s + LEAST_S):
            return silent if silent > OF_CLOCK * (self._limit_s + LEAST_S) else 0.0
        return silent
