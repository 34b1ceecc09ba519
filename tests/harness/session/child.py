"""What a child does: it loads one target, judges its properties one by one, and tells of each."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection

from dropspec.core.clauses import Clause
from dropspec.core.errors import BadTarget, Hung
from dropspec.core.framework import Framework
from dropspec.core.guard import describe
from dropspec.core.options import Options
from dropspec.core.property import Property
from dropspec.core.records import Verdict
from dropspec.core.target import Target
from dropspec.families.base import Family
from dropspec.session.ambient import Ambient
from dropspec.session.messages import Sender
from dropspec.session.processes import stand_apart
from dropspec.session.record import judge_property
from dropspec.session.reproduce import command
from dropspec.session.run import Run, open_run

_exit = os._exit  # a layer may replace it


@dataclass(frozen=True)
class Registries:
    """Functions of modules, which a child finds by name: what there is to judge with.

    `properties` gives those of a family's package of tests.
    """

    frameworks: Callable[[], Sequence[Framework]]
    families: Callable[[], Sequence[Family]]
    properties: Callable[[str], Sequence[Property]]


@dataclass(frozen=True)
class Job:
    """What one child is to do: part `part` of `parts` of a target, except what is done."""

    target: Target
    options: Options
    part: int
    parts: int
    done: frozenset[str]
    folder: str
    environment: dict[str, str]
    memory: int
    nonce: str


def work(job: Job, registries: Registries, channel: Connection) -> None:
    """Does a job in this process, and ends it."""
    sender = Sender(channel, job.nonce)
    try:
        stand_apart(job.memory, channel.fileno())
        _settle(job)
        sender.send("begun", template=os.getppid())
        _judge(job, registries, sender)
        sender.send("done")
    except BaseException as error:
        sender.send("failed", why=describe(error))
    finally:
        _exit(0)  # without what the layer registered for the end, and without its threads


def _settle(job: Job) -> None:
    """The folder, the environment and the signals are those of the command."""
    os.chdir(job.folder)
    os.environ.clear()
    os.environ.update(job.environment)
    for name in ("SIGTERM", "SIGHUP"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with suppress(AttributeError):
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115


def _judge(job: Job, registries: Registries, sender: Sender) -> None:
    frameworks = registries.frameworks()
    ambient = Ambient(frameworks)

    def beat() -> None:
        sender.send("alive")

    def loaded() -> None:
        sender.send("loaded")

    try:
        families = registries.families()
        restore = ambient.restore
        run = open_run(job.target, job.options, frameworks, families, restore, loaded, beat)
    except BadTarget as error:
        hung = isinstance(error.__cause__, Hung)
        sender.send("unusable", why=str(error), hung=hung)
        return
    ambient.restore()
    asked = job.options.clauses
    found = [p for p in registries.properties(run.family.tests) if not asked or p.clause in asked]
    mine = [p for p in found if _part(run, p, job.parts) == job.part]
    plan = {p.name: _planned(run, p, job) for p in mine}
    driven = run.impl.facts.target.driven
    sender.send("planned", family=run.family.name, driven=driven, tests=plan)
    failed = False
    for prop in mine:
        if prop.name not in job.done:
            sender.send("begin", test=prop.name)
            record = judge_property(run, prop, job.options, ambient.restore)
            sender.send("end", test=prop.name, record=record.as_data())
            failed = failed or record.verdict == Verdict.VIOLATED
    if failed:  # last of all: a layer that ends the process here takes no verdict with it
        ambient.restore()
        sender.send("examined", seen=[asdict(one) for one in run.examined])


def _part(run: Run, prop: Property, parts: int) -> int:
    """Of which part a property is: those that share campaigns stay together, to be cheap."""
    return 0 if prop.clause in run.plan.looks else parts - 1


def _planned(run: Run, prop: Property, job: Job) -> tuple[str, str, str]:
    clause: Clause = run.family.clause(prop.clause)
    level = "SHOULD" if prop.should else clause.level
    return clause.id, level, command(job.target, clause.id, job.options)
