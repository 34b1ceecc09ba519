"""The Python door: `check` judges targets, and returns their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dropspec.core.options import Options
from dropspec.core.records import Answer
from dropspec.families import all_clauses, all_families
from dropspec.session.answers import answers
from dropspec.session.known_failures import known_failures
from dropspec.session.supervise import supervise

PLUGIN = "dropspec.plugin"  # with which the children run


def check(*targets: str, workers: int = 1, **options: Any) -> list[Answer]:
    """Judges targets, `[label=]module:attribute` or `[label=]path/file.py:attribute` each.

    `options` are the fields of `core.options.Options`, such as profile="quick" or
    clauses=("scale-1",). The properties run in processes of their own, so a layer that crashes
    costs the caller nothing. Raises TypeError for an unknown option, ValueError for a bad file of
    known failures, and `session.supervise.Failed` where nothing could be run.
    """
    return judge(replace(Options(tuple(targets)), **options), workers)


def judge(options: Options, workers: int) -> list[Answer]:
    """The answers to these options, one a target, in the order given."""
    clauses = all_clauses()
    known = known_failures(options.known, clauses) if options.known else []
    packages: Sequence[str] = [family.tests for family in all_families()]
    journal = supervise(options, workers, packages, PLUGIN)
    asked = [c for c in clauses.values() if c.id in (options.clauses or clauses)]
    return answers(journal.records, journal.labels, journal.unusable, asked, known)
