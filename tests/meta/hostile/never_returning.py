"""Layers that do not return: in Python, in C, stopped, or deaf to signals."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from typing import Any

import torch
from torch import Tensor

from .kinds import Hostile, Late

LATE = "did not return within"
OUTSIDE = "hung|did not return"


class HangsInPython(Hostile):
    """A busy loop in Python."""

    says = LATE

    def act(self) -> None:
        while True:
            pass


class SleepsInC(Hostile):
    """Sleeps for days."""

    says = LATE

    def act(self) -> None:
        time.sleep(10**6)


class DeadlocksOnALock(Hostile):
    """Takes a lock of Python twice."""

    says = LATE

    def act(self) -> None:
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()


def lock_in_c() -> None:
    """Takes a mutex of C twice, and holds Python's own lock: no Python runs any more."""
    libc, mutex = ctypes.PyDLL(None), ctypes.create_string_buffer(64)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)


class DeadlocksInNativeCode(Hostile):
    """Takes a mutex of C twice."""

    says = OUTSIDE

    def act(self) -> None:
        lock_in_c()


class LateDeadlocksInNativeCode(Late):
    """The same after the first look."""

    says = OUTSIDE

    def act(self) -> None:
        lock_in_c()


def swallow() -> None:
    """Catches whatever would end an endless loop."""
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue


class SwallowsTheTimeout(Hostile):
    """Catches the time-out, and goes on."""

    says = OUTSIDE

    def act(self) -> None:
        swallow()


class LateSwallowsTheTimeout(Late):
    """The same after the first look."""

    says = OUTSIDE

    def act(self) -> None:
        swallow()


class IgnoresSignals(Hostile):
    """Ignores signals, switches the timer off, then sleeps."""

    says = OUTSIDE

    def act(self) -> None:
        for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)
        time.sleep(10**6)


class _Endless(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Tensor:
        while True:
            pass


class HangsInBackward(Hostile):
    """Its backward pass never returns."""

    says = LATE

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = super().forward(x)
        return _Endless.apply(y) if y.requires_grad else y  # type: ignore[no-untyped-call]


class HangsInConstructor(Hostile):
    """Cannot be built in time."""

    says = "did not return|cannot be"

    def __init__(self, p: float = 0.5) -> None:
        while True:
            pass


class StopsItself(Hostile):
    """Stops its own process."""

    says = f"signal 19|{OUTSIDE}"

    def act(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)


class LateStopsItself(Late):
    """The same after the first look."""

    says = f"signal 19|{OUTSIDE}"

    def act(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)


class RecursesThroughC(Hostile):
    """Recurses without end and with the limit lifted, which overflows the stack of C."""

    says = "signal 11|Recursion|Memory|did not return"

    def act(self) -> None:
        sys.setrecursionlimit(10**9)

        def down(x: int) -> int:
            return max([x], key=down)

        down(0)


class LowRecursionLimit(Hostile):
    """Sets a recursion limit that Python itself hardly lives with."""

    def act(self) -> None:
        sys.setrecursionlimit(120)
