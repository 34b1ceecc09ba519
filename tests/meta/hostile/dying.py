"""Layers that end their process, want all memory, or leave others behind."""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .kinds import Hostile, Late

AT_MOST = 3


class Segfaults(Hostile):
    """Reads where there is no memory."""

    says = "killed by signal 11"

    def act(self) -> None:
        ctypes.string_at(0)


class LateSegfaults(Late):
    """The same after the first look."""

    says = "killed by signal 11"

    def act(self) -> None:
        ctypes.string_at(0)


class Aborts(Hostile):
    """Aborts."""

    says = "killed by signal 6"

    def act(self) -> None:
        os.abort()


class KillsItself(Hostile):
    """Is killed, as by a kernel that is short of memory."""

    says = "killed by signal 9"

    def act(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class LateKillsItself(Late):
    """The same after the first look."""

    says = "killed by signal 9"

    def act(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class ExitsWith0(Hostile):
    """Ends the process as if all were well."""

    says = "ended with exit code 0"

    def act(self) -> None:
        os._exit(0)


class LateExitsWith0(Late):
    """The same after the first look."""

    says = "ended with exit code 0"

    def act(self) -> None:
        os._exit(0)


class ExitsWith3(Hostile):
    """Ends the process."""

    says = "ended with exit code 3"

    def act(self) -> None:
        os._exit(3)


class _Exits(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Tensor:
        os._exit(4)


class ExitsInBackward(Hostile):
    """Ends the process in its backward pass."""

    says = "exit code 4|killed|raised"

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = super().forward(x)
        return _Exits.apply(y) if y.requires_grad else y  # type: ignore[no-untyped-call]


class Allocates40GB(Hostile):
    """Wants 40 GB at once."""

    says = "raised (MemoryError|_?ArrayMemoryError|RuntimeError)"

    def act(self) -> None:
        np.ones(40 << 27)


class GrowsAtEachCall(Hostile):
    """Keeps 1 GB more at each call, and never touches it."""

    says = "MemoryError|RuntimeError|killed"
    kept: list[Any] = []  # noqa: RUF012  # it is to grow

    def act(self) -> None:
        self.kept.append(np.empty(1 << 27))


class LeavesForks(Hostile):
    """Forks children that sleep for ten minutes."""

    left = 0

    def act(self) -> None:
        if LeavesForks.left < AT_MOST:
            LeavesForks.left += 1
            if os.fork() == 0:
                time.sleep(600)
                os._exit(0)


class LeavesProcesses(Hostile):
    """Starts processes that outlive it, one in a session of its own."""

    left = 0

    def act(self) -> None:
        if LeavesProcesses.left < AT_MOST:
            LeavesProcesses.left += 1
            apart = LeavesProcesses.left == 1
            subprocess.Popen(["sleep", "613"], start_new_session=apart)


class ForksAndGoesOn(Hostile):
    """Forks once, and lets both processes run on."""

    has_forked = False

    def act(self) -> None:
        if not ForksAndGoesOn.has_forked:
            ForksAndGoesOn.has_forked = True
            os.fork()


class LeavesThreads(Hostile):
    """Starts threads that never end, and are no daemons."""

    left = 0

    def act(self) -> None:
        if LeavesThreads.left < 20:
            LeavesThreads.left += 1
            threading.Thread(target=time.sleep, args=(600,)).start()


class AtExitHangs(Hostile):
    """Registers for the end what never returns."""

    has_registered = False

    def act(self) -> None:
        if not AtExitHangs.has_registered:
            AtExitHangs.has_registered = True
            atexit.register(time.sleep, 600)


class TerminatesParent(Hostile):
    """Ends the process that it was forked from."""

    def act(self) -> None:
        os.kill(os.getppid(), signal.SIGTERM)


class KillsParent(Hostile):
    """The same, by a signal that cannot be ignored."""

    says = "ended with exit code|killed by signal"

    def act(self) -> None:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(5)


class DelRaises(Hostile):
    """Raises when it is deleted."""

    def __del__(self) -> None:
        raise ValueError("deleted")


class SysExits(Hostile):
    """Leaves by sys.exit."""

    says = "raised SystemExit"

    def act(self) -> None:
        sys.exit(0)
