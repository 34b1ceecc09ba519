"""Judges each target in processes of its own, and goes on where one dies or hangs.

That costs the property that the process was in, and no other: each outcome is told as it comes.
"""

from __future__ import annotations

import multiprocessing
import os
import secrets
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any

from dropspec.core.options import Options
from dropspec.core.records import Record
from dropspec.core.target import Target, Unreadable, read_targets
from dropspec.session import child
from dropspec.session.child import Job, Registries
from dropspec.session.messages import UNHEARD, Receiver
from dropspec.session.patience import Patience
from dropspec.session.processes import end, end_orphans, memory_of_each
from dropspec.session.progress import Progress
from dropspec.session.template import prepare, start

POLL_S = 0.2
AT_ITS_END_S = 5.0  # for a process to be gone whose pipe is closed, on a busy machine
NEEDS = 512 << 20  # bytes that a child takes with a framework in it
WITH_TEMPLATE = 255  # the exit code of a process whose template was ended


class Failed(Exception):
    """The properties could not be run at all; the message says why."""


@dataclass(frozen=True)
class Found:
    """What was found of one label: the records of its properties, or why it cannot be judged; and
    the family and the expression as in core.records.About.
    """

    label: str
    target: str
    family: str = ""
    driven: str = ""
    records: tuple[Record, ...] = ()
    unusable: str = ""


def supervise(
    options: Options, workers: int, registries: Registries, module: str
) -> Generator[Found]:
    """Judges the targets in so many processes at once; gives what is found of each as it is known.

    The processes are forked from one that has imported that module. Raises Failed where memory
    is short, or the current folder is gone.
    """
    read = read_targets(options.targets)
    for label, one in read.items():
        if isinstance(one, Unreadable):
            yield Found(label, one.text, unusable=one.why)
    targets = {label: one for label, one in read.items() if isinstance(one, Target)}
    parts = 2 if workers > len(targets) else 1
    crew = _Crew(options, workers, registries, module, parts)
    whole = {label: [Progress(t, part) for part in range(parts)] for label, t in targets.items()}
    crew.waiting.extend(progress for progresses in whole.values() for progress in progresses)
    try:
        while whole:
            crew.step()
            for label in [n for n, found in whole.items() if all(p.is_complete for p in found)]:
                yield _found(label, whole.pop(label))
    finally:
        crew.end()


def _found(label: str, parts: Sequence[Progress]) -> Found:
    first = parts[0]
    unusable = next((p.unusable for p in parts if p.unusable), "")
    if unusable:
        return Found(label, first.target.text, unusable=unusable)
    records = tuple(record for p in parts for record in p.found())
    return Found(label, first.target.text, first.family, first.driven, records)


@dataclass
class _Child:
    """A process, what it was to do, and the ear that listens to it."""

    progress: Progress
    process: Any
    receiver: Receiver
    patience: Patience
    hung_s: float = 0.0
    is_mute: bool = False

    @property
    def why(self) -> str:
        """How it ended."""
        if self.hung_s:
            return f"the process hung for {self.hung_s:.0f} s, outside Python, and was ended"
        code = self.process.exitcode
        if code == UNHEARD or self.is_mute:
            return "the process closed the pipe that its verdicts go through"
        if code < 0:
            return f"the process was killed by signal {-code}"
        return f"the process ended with exit code {code}"


@dataclass
class _Crew:
    """The processes that are at work, and what waits for one."""

    options: Options
    workers: int
    registries: Registries
    module: str
    parts: int
    waiting: deque[Progress] = field(default_factory=deque)
    at_work: list[_Child] = field(default_factory=list)
    alone: set[int] = field(default_factory=set)  # progress that no other may run beside
    template: int = 0

    def __post_init__(self) -> None:
        try:
            self.folder = os.getcwd()
        except OSError as error:
            raise Failed(f"the current folder is gone: {error.strerror}") from error
        self.memory = memory_of_each(self.workers)
        if 0 < self.memory < NEEDS:
            raise Failed(
                f"memory is short: {self.workers} processes would have {self.memory >> 20} MB each,"
                f" and one needs {NEEDS >> 20} MB; give a smaller -n"
            )
        prepare(self.options.targets, self.module)

    def step(self) -> None:
        """Listens until something is heard, or a while, and starts what can be started."""
        self._start_all()
        handles = [h for c in self.at_work for h in (c.receiver.channel, c.process.sentinel)]
        ready = wait([h for h in handles if not getattr(h, "closed", False)], POLL_S)
        for one in list(self.at_work):
            if one.receiver.channel in ready:
                self._listen(one)
            if one.process.sentinel in ready or one.receiver.is_closed:
                self._ended(one)
            elif silent := one.patience.over():
                one.hung_s = silent
                self._ended(one)
        self._start_all()  # before what was found is looked at

    def _start_all(self) -> None:
        while self.waiting and len(self.at_work) < self.workers and self._may_start():
            self._start(self.waiting.popleft())

    def _may_start(self) -> bool:
        alone = {id(self.waiting[0]), *(id(one.progress) for one in self.at_work)} & self.alone
        return not (self.at_work and alone)

    def _start(self, progress: Progress) -> None:
        ear, mouth = multiprocessing.Pipe(duplex=False)
        nonce = secrets.token_hex(16)
        environment = {"OMP_NUM_THREADS": "1", **os.environ}
        job = Job(
            progress.target,
            self.options,
            progress.part,
            self.parts,
            progress.start(),
            self.folder,
            environment,
            self.memory,
            nonce,
        )
        process = start(child.work, (job, self.registries, mouth))
        mouth.close()
        patience = Patience(process.pid, self.options.import_timeout_s)
        self.at_work.append(_Child(progress, process, Receiver(ear, nonce), patience))

    def _listen(self, one: _Child) -> None:
        for message in one.receiver.receive():
            one.patience.heard()
            try:
                one.progress.hear(message)
            except (KeyError, TypeError, ValueError, AttributeError):
                continue  # no message of ours, though it knows the nonce
            if message["kind"] == "begun":
                self.template = int(message["template"])
            if message["kind"] == "loaded":
                one.patience.expect(self.options.timeout_s / (4 if one.progress.deaths else 1))

    def _ended(self, one: _Child) -> None:
        """Ends a child for good, hears what it still said, and goes on without it."""
        if one.receiver.is_closed:
            one.process.join(AT_ITS_END_S)  # mostly it has just come to its end
            one.is_mute = one.process.exitcode is None
        end(one.process.pid)
        one.process.join()
        while not one.receiver.is_closed and wait([one.receiver.channel], 0):
            self._listen(one)
        one.receiver.channel.close()
        self.at_work.remove(one)
        if self.template:
            end_orphans(self.template, {other.process.pid for other in self.at_work})
        progress = one.progress
        if one.process.exitcode == WITH_TEMPLATE and self.at_work and not one.is_mute:
            self.alone.add(id(progress))  # another target's layer may have ended them all
        elif not progress.is_finished:
            progress.died(one.why)
        if not progress.is_complete:
            self.waiting.appendleft(progress)

    def end(self) -> None:
        """Ends all processes."""
        for one in self.at_work:
            end(one.process.pid)
        if self.template:
            end_orphans(self.template, ())
