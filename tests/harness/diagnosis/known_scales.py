"""Known bugs of the scale, by the factors that survivors and evaluations were seen to have."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from dropspec.core.observations import Seen
from dropspec.diagnosis.evidence import Evidence, follows
from dropspec.diagnosis.known_rates import rate_is_keep

ROUNDING = 2.0**-23  # of keep, as a scale in single precision shows it


def scale_by_rate(e: Evidence) -> str:
    """1/rate for 1/(1 - rate)."""
    scales = e.at_rates(Seen.SCALE)
    rate = follows(scales, lambda r: 1 / r) if "scale" in e.topics else None
    if rate is None or rate_is_keep(e):
        return ""
    return (
        f"Survivors are multiplied by 1/rate, not by 1/(1 - rate): seen {scales[rate]:.4g} at rate"
        f" {rate:.4g}, where {1 / (1 - rate):.4g} is right; the two agree at 0.5 only. Divide by 1"
        " - rate."
    )


def no_scale(e: Evidence) -> str:
    """No scaling in training, with or without scaling at inference."""
    scales = e.at_rates(Seen.SCALE)
    rate = follows(scales, lambda r: 1.0) if "scale" in e.topics else None
    if rate is None or max(e.at_rates(Seen.DROP_RATE).values(), default=1.0) == 0:
        return ""  # where nothing is dropped, that is the matter
    said = (
        f"Survivors are not rescaled in training: seen {scales[rate]:.4g} at rate {rate:.4g}, where"
        f" {1 / (1 - rate):.4g} is right"
    )
    if follows(e.at_rates(Seen.EVALUATION_SCALE), lambda r: 1 - r) is not None:
        return (
            f"{said}; outputs are scaled by keep in evaluation instead. Divide by 1 - rate in"
            " training, and leave evaluation alone."
        )
    return f"{said}. Divide by 1 - rate."


def added_to_keep(e: Evidence) -> str:
    """1/(1 - rate + a small number), against a division by 0: what is added is the same at all
    rates.
    """
    added = {r: 1 / scale - (1 - r) for r, scale in e.at_rates(Seen.SCALE).items() if scale > 0}
    if "scale" not in e.topics or len(added) < 3:
        return ""
    small = median(added.values())
    if not 4 * ROUNDING < small < 0.01 or any(
        abs(a - small) > 0.05 * small + ROUNDING for a in added.values()
    ):
        return ""
    return (
        f"Survivors are divided by 1 - rate + {small:.1g}, at every rate: divide by 1 - rate alone,"
        " and return zeros at rate 1."
    )


def random_factors(e: Evidence) -> str:
    """A random factor for every element, as in Gaussian dropout."""
    rates = {r: v for r, v in e.at_rates(Seen.DROP_RATE).items() if r >= 0.1}
    if not {"zeros", "one scale", "values"} <= e.topics or not rates or max(rates.values()) > 0.01:
        return ""
    return (
        "Nothing is dropped; every element is changed by a random amount of its own, as by Gaussian"
        " dropout. Give 0 or x / keep."
    )


def scaled_in_evaluation(e: Evidence) -> str:
    """Scaling at inference on top of scaling in training."""
    if "identity" not in e.topics or "scale" in e.topics:
        return ""
    laws: dict[str, Callable[[float], float]] = {
        "by keep": lambda r: 1 - r,
        "by 1 / keep": lambda r: 1 / (1 - r),
    }
    for how, law in laws.items():
        if (rate := follows(e.at_rates(Seen.EVALUATION_SCALE), law)) is not None:
            return (
                f"Outputs are scaled {how} in evaluation ({law(rate):.4g} at rate {rate:.4g}),"
                " though training rescales already: return the input."
            )
    return ""
