"""Finds the causes among the clauses that failed, named where it is a known bug, and which of the others only echo them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from dropspec.core.records import Cause, Judged, Verdict
from dropspec.diagnosis.known_bugs import SIGNATURES, Failed, Observations
from dropspec.diagnosis.remedies import REMEDIES

CHANCE = r"rate-[1-4]|independence-[1-6]|weights-\d"
MOMENTS = r"expectation-\d|product-[45]"
ORDER = (  # what is looked for first, where several clauses failed: the more basic rule
    r"seed-3|limits-6",
    r"layout-[13]|product-[67]",
    r"scale-2",
    r"scale-3",
    r"scale-\d|product-1",
    r"weights-1",
    r"product-3",
    CHANCE,
    r"seed-2",
    r"seed-1|limits-5",
    r"independence-7",
    r"seed-4",
    r"product-2",
    MOMENTS,
    r"layout-2",
    r"numerics-\d|limits-7",
    r"gradient-[57]",
    r"gradient-[1-3]",
    r"gradient-[46]",
    r"gradient-\d+|backprop-\d",
    r"edge-1|limits-1",
    r"eval-\d|inference-\d",
    r".*",
)
OF_THE_RATE = {"rate-1": 2, "rate-4": 4, "weights-2": 2}  # what fails with much else counts less: it is the cause where little else fails
CERTAIN = 0.3  # what a repeated mask counts, beside effects on shares
OF_MASKS = (
    r"seed-\d|edge-\d|limits-\d|inference-4|eval-5|gradient-\d+|backprop-\d|module-2|numerics-\d|layout-2|rate-5|independence-7|product-\d"
)
ALMOST_ANY = r"(?!edge-[348]|limits-3|module-[13]).*"  # what a layer refuses, holds or shows is another matter
RAISED = re.compile(r" raised (?P<said>(?P<kind>\w+)\b.*?\((?P<where>[^()]+, line \d+)\))")  # as guard.describe says it
NEARLY_ALL, ENOUGH = 0.8, 10  # of the clauses that are claimed, and how many those must be
ECHOES = (  # a cause, and what fails with it
    (r"seed-3|limits-6|layout-[123]|product-[67]", ALMOST_ANY),
    (r"numerics-1|limits-7", r"numerics-\d|limits-[179]|edge-[16]|scale-1|product-1|backprop-1"),
    (f"{CHANCE}|seed-[12]|independence-7|limits-5", f"{CHANCE}|{MOMENTS}|{OF_MASKS}"),
    (r"scale-2", f"{CHANCE}|{OF_MASKS}"),  # what is not exactly 0 counts as kept
    (
        r"scale-\d|product-[123]",
        r"scale-\d|product-\d|expectation-\d|gradient-\d+|backprop-\d|numerics-\d|limits-[4789]|inference-4|edge-[5678]"
        r"|module-[24]|rate-5|eval-5|layout-\d",
    ),
    (r"gradient-\d+|backprop-\d", r"gradient-\d+|backprop-\d|edge-[126]|eval-[36]|limits-[12]|module-4|layout-4"),
    (r"eval-\d|inference-\d", r"eval-\d|inference-\d|edge-[169]|module-2|limits-[1789]|seed-4|expectation-3|rate-\d|weights-\d"),
    (r"edge-[12]|limits-[12]", r"edge-[569]|limits-[49]|eval-2|numerics-\d|inference-4|gradient-\d+"),
)


def diagnose(clauses: tuple[Judged, ...], seen: Observations) -> tuple[Cause, ...]:
    """The causes, the likeliest first, each with its echoes; empty where nothing is violated."""
    raising = _raises_everywhere(clauses)
    failed = [c.clause for c in clauses if c.verdict is Verdict.VIOLATED and not any(c.clause in (r.clause, *r.echoes) for r in raising)]
    return (*raising, *_causes(failed, seen))


def _raises_everywhere(clauses: tuple[Judged, ...]) -> list[Cause]:
    """The one error, of one kind and from one line, that is all there is to say of nearly all clauses; nothing where there is none."""
    raised = {c.clause: found for c in clauses if c.verdict in (Verdict.ERROR, Verdict.VIOLATED) and (found := RAISED.search(c.summary))}
    claimed = sum(c.verdict is not Verdict.NOT_CLAIMED for c in clauses)
    if claimed < ENOUGH or len(raised) < NEARLY_ALL * claimed:
        return []
    ((error, count),) = Counter(found.group("kind", "where") for found in raised.values()).most_common(1)
    if count < NEARLY_ALL * claimed:
        return []
    first, *others = (clause for clause, found in raised.items() if found.group("kind", "where") == error)
    sentence = f"It raises nearly wherever it is called, in {count} of {claimed} clauses: {raised[first]['said']}. Mend this first."
    return [Cause(first, sentence, tuple(others), known=True)]


def _causes(failed: list[str], seen: Observations) -> tuple[Cause, ...]:
    named = _named(failed, seen)
    causes = [Cause(clause, sentence, known=True) for clause, sentence in named.items()]
    left = [c for c in failed if c not in named and not any(_echoes(cause, c) for cause in named)]
    while left:
        root = _root(frozenset(left), seen)
        causes.append(Cause(root, REMEDIES[root]))
        left = [c for c in left if c != root and not _echoes(root, c)]
    return _with_echoes(causes, failed)


def _named(failed: list[str], seen: Observations) -> dict[str, str]:
    """The known bugs that fit: for the clause that shows each, the sentence."""
    named: dict[str, str] = {}
    for shown_by, signature in SIGNATURES:
        showing = [c for c in shown_by if c in failed]
        if showing and (sentence := signature(frozenset(failed), seen)):
            named.setdefault(showing[0], sentence)
    return named


def _with_echoes(causes: list[Cause], failed: list[str]) -> tuple[Cause, ...]:
    """Every other clause that failed is laid to the first cause that explains it."""
    heads = {cause.clause for cause in causes}
    told: set[str] = set()
    complete = []
    for cause in causes:
        echoes = tuple(c for c in failed if c not in heads and c not in told and _echoes(cause.clause, c))
        told.update(echoes)
        complete.append(replace(cause, echoes=echoes))
    return tuple(complete)


def _echoes(cause: str, other: str) -> bool:
    return cause != other and any(re.fullmatch(head, cause) and re.fullmatch(tail, other) for head, tail in ECHOES)


def _root(failed: Failed, seen: Observations) -> str:
    """The most basic of the clauses; of those about chance the one that is furthest off."""
    for pattern in ORDER:
        if matching := sorted(c for c in failed if re.fullmatch(pattern, c)):
            return _strongest(matching, seen) if pattern == CHANCE else matching[0]
    raise AssertionError("the last pattern matches everything")


def _strongest(clauses: list[str], seen: Observations) -> str:
    return max(clauses, key=lambda clause: _effect(clause, seen))


def _effect(clause: str, seen: Observations) -> float:
    """How far off a clause is at most: a share that should be another; sums count only where nearly all are alike."""
    effects = [0.0]
    for name, value in seen.items():
        if not name.endswith(f" on {clause}"):
            continue
        lens = name.removeprefix("effect of ").removesuffix(f" on {clause}")
        if lens in ("twins", "overlap"):
            value = CERTAIN
        elif lens.startswith("sum"):
            value = CERTAIN * value if value > 0.7 else 0.0
        elif lens == "unit":
            value *= 0.99  # a mask that comes again makes places differ, and not the other way round
        elif lens in ("beside", "example") or (lens == "echo" and seen.get("echo lag", 0) < 64):
            value /= 2  # neighbours that share their fate
        effects.append(value)
    return max(effects) / OF_THE_RATE.get(clause, 1)
