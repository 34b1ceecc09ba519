"""Verdicts and measurements made by hand, for the tests of the diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dropspec.core.observations import Observation, Seen
from dropspec.core.records import Cause, Judged, Verdict
from dropspec.diagnosis import causes
from dropspec.families import all_clauses

Law = Callable[[float], float]
RATES = (0.5, 0.1, 0.9, 0.01, 0.001, 0.999)
ALL_CLAUSES = (
    *("scale-1", "rate-1", "eval-1", "independence-4", "gradient-1", "gradient-4"),
    *("expectation-1", "weights-1", "weights-2", "weights-5", "weights-7"),
    *("product-1", "backprop-1", "edge-1", "gradient-6"),
)


def judged(*failed: str, verdict: Verdict = Verdict.VIOLATED) -> tuple[Judged, ...]:
    """All these clauses judged: some failed, the others hold."""
    return tuple(
        Judged(c, c, "MUST", verdict if c in failed else Verdict.HOLDS, "", "", "")
        for c in ALL_CLAUSES
    )


def causes_of(clauses: Sequence[Judged], measured: Sequence[Observation] = ()) -> tuple[Cause, ...]:
    """The causes, for measurements of the layer."""
    return causes.diagnose(clauses, [("", one) for one in measured], all_clauses())


def diagnose(clauses: tuple[Judged, ...], measured: Sequence[Observation] = ()) -> tuple[str, ...]:
    """The sentences of the known bugs that fit."""
    return tuple(cause.sentence for cause in causes_of(clauses, measured) if cause.known)


def scales(law: Law) -> list[Observation]:
    """Scales of survivors at drawn rates, by a law of the rate r."""
    return [Observation(Seen.SCALE, law(r), r) for r in (0.1, 0.5, 1 / 3, 0.75, 0.999)]


def evaluated(law: Law) -> list[Observation]:
    """Scales of evaluations, by a law of the rate r."""
    return [Observation(Seen.EVALUATION_SCALE, law(r), r) for r in (0.1, 0.75)]


def dropped(
    law: Law, dtypes: tuple[str, ...] = ("float32", "float64", "float16", "bfloat16")
) -> list[Observation]:
    """Shares dropped at the campaigns' rates in some dtypes, by a law of the rate r."""
    return [Observation(Seen.DROP_RATE, law(r), r, d) for r in RATES for d in dtypes]
