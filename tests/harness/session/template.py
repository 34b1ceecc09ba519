"""The process that all children are forked from: it has imported what they need.

So what takes long is paid once, and what a layer does to its own process reaches no other. The
template runs no layer and no operation of a framework: a child that is forked after torch ran one
in several threads hangs at its own first one.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from time import sleep
from typing import Any

from dropspec.session.processes import TOLD

TRIES, AGAIN_S = 5, 0.2  # of a process to be forked, and between two of them
LONGEST = 60  # bytes of a temporary folder: a socket's path has 107 at most
PRELOADED = "dropspec.session.preloaded"


def context() -> BaseContext:
    """How processes are started: forked from a template, or new where a system cannot fork."""
    methods = multiprocessing.get_all_start_methods()
    found = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    found.set_forkserver_preload([PRELOADED])
    return found


def prepare(targets: Sequence[str], module: str) -> None:
    """Starts the template, which imports that module and the frameworks that these targets
    mention, while the caller does something else.

    It ends with this process; until then it serves every run.
    """
    _told.update(parent=os.getpid(), targets=list(targets), module=module)
    if context().get_start_method() == "forkserver":
        with _variables(_for_template()), _short_paths():
            forkserver.ensure_running()


_told: dict[str, Any] = {}


def start(work: Callable[..., None], arguments: Sequence[Any]) -> Any:
    """A process that does that work, forked from the template.

    One thread unless the user set another number: masks are drawn by one, and several that wait
    for a busy core take twenty times as long.
    """
    process: BaseProcess = context().Process(  # type: ignore[attr-defined]
        target=work, args=tuple(arguments)
    )
    for left in reversed(range(TRIES)):
        try:
            with _variables(_for_template()), _short_paths(), _no_main():
                process.start()  # and the template, should it be gone
            break
        except (OSError, EOFError):  # it was ended by a layer just now
            if not left:
                raise
            sleep(AGAIN_S)
    return process


def _for_template() -> dict[str, str]:
    return {
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        TOLD: json.dumps(_told),
        "PYTHONSAFEPATH": "1",  # a file of the user's folder must not stand in for one of ours
    }


@contextmanager
def _short_paths() -> Iterator[None]:
    """The template listens at a path in the temporary folder, which a socket limits."""
    before = tempfile.tempdir
    if os.name == "posix" and len(os.fsencode(tempfile.gettempdir())) > LONGEST:
        tempfile.tempdir = "/tmp"
    try:
        yield
    finally:
        tempfile.tempdir = before


@contextmanager
def _variables(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _no_main() -> Iterator[None]:
    """Hides the main module of the caller, which each child would run once more."""
    main: dict[str, Any] = vars(sys.modules["__main__"])
    before: dict[str, Any] = {
        name: main.pop(name) for name in ("__file__", "__spec__") if name in main
    }
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(before)
