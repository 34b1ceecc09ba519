"""The Python door: `check` judges targets, and returns their answers."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from dropspec.core.clauses import Clause
from dropspec.core.options import Options
from dropspec.core.property import Property
from dropspec.core.records import About, Answer
from dropspec.core.target import read_targets
from dropspec.families import all_clauses, all_families
from dropspec.frameworks import all_frameworks
from dropspec.session.answers import answers
from dropspec.session.child import Registries
from dropspec.session.known_failures import known_failures
from dropspec.session.supervise import Found, supervise

PROPERTIES = "dropspec.properties.every"  # what every child needs


def check(*targets: str, workers: int = 1, **options: Any) -> list[Answer]:
    """Judges targets, `[label=]module:attribute` or `[label=]path/file.py:attribute` each.

    `options` are the fields of `core.options.Options`, such as profile="quick" or
    clauses=("scale-1",). Each target is judged in processes of its own, so a layer that crashes
    costs the caller nothing. Raises TypeError for an unknown option, ValueError for a bad one or
    a bad file of known failures, and `session.supervise.Failed` where nothing could be run.
    """
    return list(judge(replace(Options(tuple(targets)), **options), workers))


def judge(options: Options, workers: int) -> Generator[Answer]:
    """The answers to these options, one a target, in the order given, each as soon as it and
    those before it are known.
    """
    options.check()
    clauses = all_clauses()
    known = known_failures(options.known, clauses) if options.known else []
    asked = [c for c in clauses.values() if c.id in (options.clauses or clauses)]
    order, found = list(read_targets(options.targets)), dict[str, Found]()
    registries = Registries(all_frameworks, all_families, _properties_of)
    with closing(supervise(options, workers, registries, PROPERTIES)) as judged:
        for one in judged:
            found[one.label] = one
            while order and order[0] in found:
                yield _answer(found.pop(order.pop(0)), asked, known)


def _answer(found: Found, asked: Sequence[Clause], known: Sequence[dict[str, str]]) -> Answer:
    if found.unusable:
        return Answer(found.label, found.target, unusable=found.unusable)
    labels = {found.label: About(found.target, found.family, found.driven)}
    (answer,) = answers(found.records, labels, {}, asked, known)
    return answer


def _properties_of(package: str) -> Sequence[Property]:
    from dropspec.properties.catalogue import properties_of  # late: children need it, and no other

    return properties_of(package)
