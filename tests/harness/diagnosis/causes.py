"""Finds the causes among the clauses that failed.

A cause is named where it is a known bug. Which of the other clauses only echo it, and which cause
is looked for first, follows from what the page of a clause says of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dropspec.core.clauses import Clause
from dropspec.core.faults import Fault, FaultKind
from dropspec.core.observations import Observation, Seen
from dropspec.core.records import Cause, Judged, Verdict
from dropspec.diagnosis.evidence import Evidence
from dropspec.diagnosis.known_bugs import BUGS, Bug
from dropspec.diagnosis.topics import BEFORE_ALL, ENDS, OF_CHANCE, TOPICS, explains, place_of

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
    left = [c for c in e.failed if not any(one.covers(c, e) for one in named)]
    while left:
        named.append(_Named(_root(left, e)))
        left = [c for c in left if not named[-1].covers(c, e)]
    return _with_echoes(named, e)


@dataclass(frozen=True)
class _Named:
    """A cause: the clause that shows it; of a known bug its sentence, the kinds of fault that it
    explains, and whether it fails alone.
    """

    clause: Clause
    sentence: str = ""
    explains: frozenset[str] = frozenset()
    is_alone: bool = False

    def covers(self, other: Clause, e: Evidence) -> bool:
        """Whether that clause shows it, or fails because of it, as far as the evidence goes."""
        if self.is_alone or other.id == self.clause.id:
            return other.id == self.clause.id
        by = other.echoes & {*TOPICS[self.clause.topic], *self.explains}
        if (end := ENDS.get(other.topic)) is not None and not e.follows_to(end):
            by &= {*BEFORE_ALL, "gradients"}
        if "gradients" in TOPICS[other.topic] and e.has_own_backward:
            by &= {*BEFORE_ALL, "gradients", "replay"}
        return bool(by)


def _named(e: Evidence) -> list[_Named]:
    """The known bugs that fit, each with the clause that shows it."""
    named: dict[Clause, _Named] = {}
    taken: set[str] = set()
    for bug in BUGS:
        showing = _showing(bug, e)
        if not showing or bug.group in taken or not (sentence := bug.signature(e)):
            continue
        taken |= {bug.group, *bug.silences} - {""}
        one = _Named(showing[0], sentence, frozenset(bug.explains), bug.is_alone)
        named.setdefault(showing[0], one)
    return list(named.values())


def _showing(bug: Bug, e: Evidence) -> list[Clause]:
    """The clauses that show a bug; where any clause of the mask may, the one furthest off first."""
    showing = [c for topic in bug.topics for c in e.failed if c.topic == topic]
    if bug.is_of_masks and showing and showing[0].topic in OF_CHANCE:
        rivals = [c for c in showing if c.topic in OF_CHANCE]
        return sorted(rivals, key=lambda c: -_effect(c, e))
    return showing


def _with_echoes(causes: Sequence[_Named], e: Evidence) -> tuple[Cause, ...]:
    """Every other clause that failed is laid to the last cause that explains it: it goes once that
    one and those before it are repaired.
    """
    told = {one.clause.id for one in causes}
    laid: dict[str, _Named] = {}
    for c in e.failed:
        able = [one for one in causes if c.id not in told and one.covers(c, e)]
        if able:
            laid[c.id] = able[-1]
    complete = []
    for one in causes:
        echoes = tuple(clause for clause, cause in laid.items() if cause is one)
        sentence = one.sentence or one.clause.remedy
        complete.append(Cause(one.clause.id, sentence, echoes, bool(one.sentence)))
    return tuple(complete)


def _root(failed: Sequence[Clause], e: Evidence) -> Clause:
    """The most basic of the clauses; of those about chance the one that is furthest off."""
    first = min(failed, key=place_of)
    if first.topic == "generators" and not any(explains(first, c) for c in failed):
        # nothing comes of it here: what else failed is looked at before
        first = min((c for c in failed if c.topic != "generators"), key=place_of, default=first)
    if first.topic == "zeros" and e.drops_as_asked and len(failed) > 1:
        # what is dropped is exactly 0: small outputs are survivors of another scale
        first = min((c for c in failed if c.topic != "zeros"), key=place_of, default=first)
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
