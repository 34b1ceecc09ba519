"""Runs properties in child processes, and goes on where a child dies or hangs.

That costs the property that the child was in, and no other: a child journals every outcome as it
comes.
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
from dataclasses import dataclass, replace
from pathlib import Path

from dropspec.core.options import Options, as_arguments
from dropspec.session.journal import Journal

POLL_S = 0.05
WITHOUT = ("cacheprovider", "unraisableexception", "logging")  # pytest plugins that take time
QUIETLY = ("-q", "--import-mode=importlib", *(f"-pno:{plugin}" for plugin in WITHOUT))
PATIENCE = 30  # times the limit of one call: so long may a child be silent before it is ended


class Failed(Exception):
    """The properties could not be run at all; the message is what pytest printed."""


def supervise(options: Options, workers: int, packages: Sequence[str], plugin: str) -> Journal:
    """Runs the properties of these packages in so many processes, until every one has ended.

    Each process is pytest with that plugin. Raises Failed where no property could be planned.
    """
    whole, stop = Journal(), threading.Event()
    with (
        tempfile.TemporaryDirectory(prefix="dropspec-") as folder,
        ThreadPoolExecutor(workers) as pool,
    ):
        # the user's own settings are for the user's own tests
        Path(folder, "pytest.ini").write_text("[pytest]\n", "utf-8")
        shards = [
            _Shard(options, tuple(packages), plugin, Path(folder), number, workers, stop)
            for number in range(workers)
        ]
        try:
            for done in [pool.submit(shard.run) for shard in shards]:
                whole.join(done.result())
        finally:
            stop.set()  # where one failed, or the user interrupts, the others end too
    return whole


@dataclass
class _Shard:
    """Every so-manyth group of properties, in one child process after another."""

    options: Options
    packages: tuple[str, ...]
    plugin: str
    folder: Path
    number: int
    workers: int
    stop: threading.Event

    def run(self) -> Journal:
        """Runs one child after another, each with what those before it have left."""
        journal, why = Journal(), ""
        while not self.stop.is_set():
            self._file("journal").write_text("", "utf-8")
            self._file("done").write_text("\n".join(journal.ended), "utf-8")
            why = self._run_child()
            before = len(journal.ended)
            journal.read(self._file("journal").read_text("utf-8"))
            if journal.loading:  # it died while it loaded a target; the next child gets the others
                if not self._without(journal, why):
                    return journal
                continue
            if not journal.labels and not journal.unusable:
                printed = self._file("printed").read_text("utf-8", "replace")
                raise Failed(printed.strip())
            journal.lost(why)
            if not journal.left:
                return journal
            if len(journal.ended) == before:
                break
        journal.lose(list(journal.planned), f"not run: {why}, again and again")
        return journal

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}{self.number}"

    def _without(self, journal: Journal, why: str) -> bool:
        """Gives up the target that a child died on; whether others are left."""
        text, journal.loading = journal.loading, ""
        label, target = text.partition("=")[0], text.rpartition("=")[2]
        journal.unusable[label] = (target, f"{why} while it was loaded")
        left = tuple(t for t in self.options.targets if t != text)
        self.options = replace(self.options, targets=left)
        return bool(left)

    def _arguments(self) -> list[str]:
        pytest = [sys.executable, "-m", "pytest", *QUIETLY, "-p", self.plugin]
        pytest += ["-c", str(self.folder / "pytest.ini"), "--rootdir", str(self.folder)]
        targets = [part for target in self.options.targets for part in ("--dropspec", target)]
        own = {
            "journal": self._file("journal"),
            "done": self._file("done"),
            "shard": f"{self.number}/{self.workers}",
            "folder": os.getcwd(),
        }
        given = [part for name, value in own.items() for part in (f"--dropspec-{name}", str(value))]
        chosen = as_arguments(replace(self.options, reports=(), json=""), "--dropspec-")
        return [*pytest, "--pyargs", *self.packages, *targets, *chosen, *given]

    def _run_child(self) -> str:
        """Runs one child to its end, or ends it when its journal stands still. Says why it ended.

        One thread unless the user set another number: masks are drawn by one, and several that
        wait for a busy core take twenty times as long.
        """
        environment = {
            "OMP_NUM_THREADS": "1",
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "",
        }
        with self._file("printed").open("w") as out:
            child = subprocess.Popen(
                self._arguments(),
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
                cwd=self.folder,  # pytest would load a conftest.py of the user's folder
            )
        _limit_memory(child.pid, self.workers)
        return self._ended(child, self.options.timeout_s * PATIENCE)

    def _ended(self, child: subprocess.Popen[bytes], patience_s: float) -> str:
        """Waits for the end of a child, and says why it ended."""
        size, since = -1, time.monotonic()
        while child.poll() is None:
            time.sleep(POLL_S)
            if self.stop.is_set():
                child.kill()
            elif (now := self._file("journal").stat().st_size) != size:
                size, since = now, time.monotonic()
            elif time.monotonic() - since > patience_s:
                child.kill()
                child.wait()
                return f"the process hung for {patience_s:g} s, outside Python, and was ended"
        code = child.returncode
        if code < 0:
            return f"the process was killed by signal {-code}"
        return f"the process ended with exit code {code}"


def _limit_memory(pid: int, workers: int) -> None:
    """Gives all children together half of the machine's memory.

    A layer that wants more gets an error, and the machine stays alive.
    """
    try:
        import resource

        pages = os.sysconf("SC_PHYS_PAGES") // (2 * workers)
        share = os.sysconf("SC_PAGE_SIZE") * pages
        resource.prlimit(pid, resource.RLIMIT_DATA, (share, share))
    except (ImportError, AttributeError, OSError, ValueError):
        return  # not Linux, or a stricter limit is set already
