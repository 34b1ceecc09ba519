"""What the system offers to keep processes apart, and to end them with all that they started.

Linux offers all of it. Elsewhere a child is a plain process, and its memory has no limit.
"""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # of linux/prctl.h
TOLD = "DROPSPEC_TEMPLATE"  # the variable that tells a template what it is for
IS_LINUX = sys.platform.startswith("linux")
ENDED = getattr(signal, "SIGKILL", signal.SIGTERM)
CGROUPS = "/sys/fs/cgroup"
LIMITS = ("memory.max", "memory/memory.limit_in_bytes")  # of a container, for cgroups 2 and 1


def die_with_parent() -> None:
    """Ends this process when its parent ends, and hands it the orphans of its descendants."""
    if IS_LINUX:
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, ENDED, 0, 0, 0)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def stand_apart(memory: int, channel: int) -> None:
    """Makes this process the first of a session, ended with its parent, without input and output,
    with no pipe but that channel, and with so many bytes of memory; 0 is no limit.
    """
    if hasattr(os, "setsid"):
        os.setsid()
    die_with_parent()
    fall_silent()
    for number in range(3, 256):
        if number != channel and _is_pipe(number):
            os.close(number)  # of the template: what a layer wrote to it would reach others
    with suppress(ImportError, AttributeError, OSError, ValueError):
        import resource  # not on Windows

        if memory:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def fall_silent() -> None:
    """Leaves this process without input, output and errors."""
    with open(os.devnull, "r+b") as nothing:
        for number in range(3):
            os.dup2(nothing.fileno(), number)


def _is_pipe(number: int) -> bool:
    try:
        mode = os.fstat(number).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def memory_of_each(workers: int) -> int:
    """Half of the memory of the machine, or of its container, for all workers together; in bytes
    for each, and 0 where the system does not say how much there is.
    """
    found = []
    with suppress(AttributeError, OSError, ValueError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for name in LIMITS:
        with suppress(OSError, ValueError):  # "max" is no number, and no limit
            found.append(int(Path(CGROUPS, name).read_text("ascii")))
    return min(found) // (2 * workers) if found else 0


def processor_time(pid: int) -> float | None:
    """The seconds of processor time that a process has used; None where that is not told."""
    fields = _status(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else None


def _status(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent, group, session …"""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _processes() -> dict[int, tuple[int, int]]:
    """Every process of the machine, with its parent and its session."""
    found = {}
    with suppress(OSError):
        for name in os.listdir("/proc"):
            fields = _status(int(name)) if name.isdigit() else []
            if fields:
                found[int(name)] = (int(fields[1]), int(fields[3]))
    return found


def end(pid: int) -> None:
    """Ends a process that stands apart, and whatever it and its descendants started."""
    doomed, every = {pid}, _processes() if IS_LINUX else {}
    before = 0
    while len(doomed) != before:
        before = len(doomed)
        doomed |= {p for p, (parent, session) in every.items() if {parent, session} & doomed}
    for one in sorted(doomed - {0, 1, os.getpid()}):
        _kill(one)


def end_orphans(parent: int, spared: Collection[int]) -> None:
    """Ends what a child that is gone has left to the process that adopts its orphans."""
    for pid, (its_parent, _) in _processes().items() if IS_LINUX else ():
        if its_parent == parent and pid not in spared:
            end(pid)


def _kill(pid: int) -> None:
    with suppress(OSError):
        os.kill(pid, ENDED)
