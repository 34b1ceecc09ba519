"""Runs the conformance tests in a child process, and goes on where a child dies or hangs: that costs the test it was in, and no other.

The child journals every outcome as it comes, so nothing is lost with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from dropspec.core.options import Options
from dropspec.session.journal import Journal

POLL_S = 0.05
WITHOUT = ("cacheprovider", "unraisableexception", "logging")  # plugins of pytest's that take time, and would tell nobody anything
QUIETLY = ("-q", "--import-mode=importlib", *(f"-pno:{plugin}" for plugin in WITHOUT))
PATIENCE = 30  # how many times the limit of one call a test may go without an outcome, before the child is ended from outside




class Failed(Exception):
    """The tests could not be run at all; the message is what pytest printed."""


def supervise(options: Options, workers: int) -> Journal:
    """Runs the tests in that many processes side by side, until every planned test has ended. Raises Failed where none could be planned."""
    whole, stop = Journal(), threading.Event()
    with tempfile.TemporaryDirectory(prefix="dropspec-") as folder, ThreadPoolExecutor(workers) as pool:
        Path(folder, "pytest.ini").write_text("[pytest]\n", "utf-8")  # the user's own settings are for the user's own tests
        shards = [pool.submit(_run_shard, options, Path(folder), f"{n}/{workers}", stop) for n in range(workers)]
        try:
            for shard in shards:
                whole.join(shard.result())
        finally:
            stop.set()  # where one shard failed, or the user has had enough, the others end too
    return whole


def _run_shard(options: Options, folder: Path, shard: str, stop: threading.Event) -> Journal:
    """Runs one child after another, each with what those before it have left."""
    journal, number = Journal(), shard.partition("/")[0]
    path, printed, done = (folder / f"{name}{number}" for name in ("journal", "printed", "done"))
    while not stop.is_set():
        path.write_text("", "utf-8")
        done.write_text("\n".join(journal.ended), "utf-8")
        why = _run_child(
            _arguments(options, folder, path, done, shard), path, printed, options.timeout_s * PATIENCE, stop, int(shard.partition("/")[2])
        )
        before = len(journal.ended)
        journal.read(path.read_text("utf-8"))
        if journal.loading:  # it died while a target was loaded: the others are for the next child
            journal.unusable[journal.loading.partition("=")[0]] = (journal.loading.rpartition("=")[2], f"{why} while it was loaded")
            options = replace(options, targets=tuple(t for t in options.targets if t != journal.loading))
            journal.loading = ""
            if options.targets:
                continue
            return journal
        if not journal.labels and not journal.unusable:
            raise Failed(printed.read_text("utf-8", "replace").strip())
        journal.lost(why)
        if not journal.left:
            return journal
        if len(journal.ended) == before:
            break
    journal.lose(list(journal.planned), f"not run: {why}, again and again")
    return journal


def _arguments(options: Options, folder: Path, journal: Path, done: Path, shard: str) -> list[str]:
    arguments = [sys.executable, "-m", "pytest", *QUIETLY, "-c", str(folder / "pytest.ini"), "--rootdir", str(folder)]
    arguments += ["-p", "dropspec.plugin", "--pyargs", "dropspec.tests.conformance"]
    for target in options.targets:
        arguments += ["--dropspec", target]
    for clause in options.clauses:
        arguments += ["--dropspec-clause", clause]
    for name, value in {
        "profile": options.profile,
        "seed": options.seed,
        "timeout": options.timeout_s,
        "family": options.family,
        "journal": journal,
        "done": done,
        "shard": shard,
        "folder": os.getcwd(),
    }.items():
        arguments += [f"--dropspec-{name}", str(value)]
    return arguments


def _run_child(arguments: Sequence[str], journal: Path, printed: Path, patience_s: float, stop: threading.Event, workers: int) -> str:
    """Runs one child to its end, or ends it when its journal stands still for too long. Says why it ended.

    One thread unless the user set another number: masks are drawn by one, and several that wait for a busy core take twenty times as long.
    """
    # started beside the journal: pytest would load a conftest.py of the folder it starts in, and that is the user's
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    with printed.open("w") as out:
        child = subprocess.Popen(
            arguments, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment, cwd=journal.parent
        )
    _limit_memory(child.pid, workers)
    size, since = -1, time.monotonic()
    while child.poll() is None:
        time.sleep(POLL_S)
        if stop.is_set():
            child.kill()
        elif (now := journal.stat().st_size) != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > patience_s:
            child.kill()
            child.wait()
            return f"the process hung for {patience_s:g} s, outside Python, and was ended"
    code = child.returncode
    return f"the process was killed by signal {-code}" if code < 0 else f"the process ended with exit code {code}"


def _limit_memory(pid: int, workers: int) -> None:
    """Half of the machine's memory is enough for all children: a layer that wants more gets an error, and the machine stays alive."""
    try:
        import resource

        share = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (2 * workers)
        resource.prlimit(pid, resource.RLIMIT_DATA, (share, share))
    except (ImportError, AttributeError, OSError, ValueError):
        return  # not Linux, or a stricter limit is set already
