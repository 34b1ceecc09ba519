"""Finds the causes among the clauses that failed.

A cause is named where it is a known bug. Which of the other clauses only echo it, and which cause
is looked for first, follows from what the page of a clause says of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from dropspec.core.clauses import Clause
from dropspec.core.faults import Fault, FaultKind
from dropspec.core.observations import Observation, Seen
from dropspec.core.records import Cause, Judged, Verdict
from dropspec.diagnosis.evidence import Evidence
from dropspec.diagnosis.known_bugs import SIGNATURES
from dropspec.diagnosis.topics import OF_CHANCE, explains, place_of

# what fails with much else counts less: it is the cause where little else fails
WEAKER = {"rate": 2, "rate by kind": 4}
CERTAIN = 0.3  # what a repeated mask counts, beside effects on shares
NEARLY_ALL, ENOUGH = 0.8, 10  # of the clauses that are claimed, and how many those must be


def diagnose(
    judged: Sequence[Judged],
    measured: Iterable[tuple[str, Observation]],
    clauses: Mapping[str, Clause],
) -> tuple[Cause, ...]:
    """The causes, the likeliest first, each with its echoes; empty where nothing is violated.

    `measured` are observations, each with the id of the clause that made it; `clauses` are those
    of the family, by id.
    """
    raising = _raises_everywhere(judged)
    told = {clause for cause in raising for clause in (cause.clause, *cause.echoes)}
    violated = [one.clause for one in judged if one.verdict is Verdict.VIOLATED]
    failed = tuple(clauses[clause] for clause in violated if clause not in told)
    return (*raising, *_causes(Evidence(failed, tuple(measured))))


def _raises_everywhere(judged: Sequence[Judged]) -> list[Cause]:
    """The one error, of one kind and from one line, that is all there is to say; or nothing."""
    bad = (Verdict.ERROR, Verdict.VIOLATED)
    raised = {
        one.clause: one.fault
        for one in judged
        if one.verdict in bad and one.fault and one.fault.kind is FaultKind.RAISED
    }
    claimed = sum(one.verdict is not Verdict.NOT_CLAIMED for one in judged)
    if claimed < ENOUGH or len(raised) < NEARLY_ALL * claimed:
        return []

    def place(fault: Fault) -> tuple[str, str]:
        return fault.type, fault.where

    ((error, count),) = Counter(map(place, raised.values())).most_common(1)
    if count < NEARLY_ALL * claimed:
        return []
    first, *others = (clause for clause, fault in raised.items() if place(fault) == error)
    sentence = (
        f"It raises nearly wherever it is called, in {count} of {claimed} clauses: "
        f"{raised[first].text}. Mend this first."
    )
    return [Cause(first, sentence, tuple(others), known=True)]


def _causes(e: Evidence) -> tuple[Cause, ...]:
    named = _named(e)
    causes = [(clause, sentence, True) for clause, sentence in named]
    heads = [clause for clause, _ in named]
    left = [c for c in e.failed if c not in heads and not any(explains(h, c) for h in heads)]
    while left:
        root = _root(left, e)
        causes.append((root, root.remedy, False))
        left = [c for c in left if c != root and not explains(root, c)]
    return _with_echoes(causes, e)


def _named(e: Evidence) -> list[tuple[Clause, str]]:
    """The known bugs that fit: the clause that shows each, and the sentence."""
    named: dict[Clause, str] = {}
    for topics, signature in SIGNATURES:
        showing = [c for topic in topics for c in e.failed if c.topic == topic]
        if showing and (sentence := signature(e)):
            named.setdefault(showing[0], sentence)
    return list(named.items())


def _with_echoes(causes: Sequence[tuple[Clause, str, bool]], e: Evidence) -> tuple[Cause, ...]:
    """Every other clause that failed is laid to the first cause that explains it."""
    told = {clause.id for clause, _, _ in causes}
    complete = []
    for clause, sentence, known in causes:
        echoes = tuple(c.id for c in e.failed if c.id not in told and explains(clause, c))
        told.update(echoes)
        complete.append(Cause(clause.id, sentence, echoes, known))
    return tuple(complete)


def _root(failed: Sequence[Clause], e: Evidence) -> Clause:
    """The most basic of the clauses; of those about chance the one that is furthest off."""
    first = min(failed, key=place_of)
    if first.topic not in OF_CHANCE:
        return first
    rivals = sorted((c for c in failed if c.topic in OF_CHANCE), key=lambda c: c.id)
    return max(rivals, key=lambda c: _effect(c, e))


def _effect(clause: Clause, e: Evidence) -> float:
    """How far off a clause is at most, as a share that should be another.

    Sums count only where nearly all are alike.
    """
    effects = [_weighed(lens, value, e) for lens, value in e.effects(clause)]
    return max(effects, default=0.0) / WEAKER.get(clause.topic, 1)


def _weighed(lens: str, value: float, e: Evidence) -> float:
    if lens in ("twins", "overlap"):
        return CERTAIN
    if lens.startswith("sum"):
        return CERTAIN * value if value > 0.7 else 0.0
    if lens == "unit":
        return value * 0.99  # a mask that repeats makes places differ, and not the other way round
    if lens in ("beside", "example") or (lens == "echo" and e.value(Seen.LAG, 0) < 64):
        return value / 2  # neighbours that share their fate
    return value
