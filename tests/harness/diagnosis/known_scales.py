"""Known bugs of the scale, by the factors that survivors and evaluations were seen to have."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from dropspec.core.observations import Seen
from dropspec.diagnosis.evidence import NEAR_A_SHARE, Evidence, follows
from dropspec.diagnosis.known_rates import rate_is_keep

Law = Callable[[float], float]
SAME = 1e-2  # relative: scales that are nearer are one, to the precision of any dtype
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
    """No scaling in training."""
    scales = e.at_rates(Seen.SCALE)
    rate = follows(scales, lambda r: 1.0) if "scale" in e.topics else None
    if rate is None or max(e.shares.values(), default=1.0) < 0.01:
        return ""  # where nothing is dropped, that is the matter
    return (
        f"Survivors are not rescaled in training: seen {scales[rate]:.4g} at rate {rate:.4g}, where"
        f" {1 / (1 - rate):.4g} is right. Divide by 1 - rate."
    )


def classic_form(e: Evidence) -> str:
    """No scaling in training, and scaling at inference instead."""
    laws: dict[str, Law] = {"keep": lambda r: 1 - r, "the rate": lambda r: r}
    for how, law in laws.items():
        if no_scale(e) and follows(e.at_rates(Seen.EVALUATION_SCALE), law) is not None:
            also = "" if how == "keep" else ", where keep would belong"
            return (
                "Survivors are not rescaled in training, and outputs are multiplied by"
                f" {how} in evaluation{also}: the classic form of 2012. Divide by 1 - rate in"
                " training, and leave evaluation alone."
            )
    return ""


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


LAWS: dict[str, tuple[Law, str]] = {
    "by the rate": (lambda r: r, "Divide by 1 - rate."),
    "by keep": (lambda r: 1 - r, "Divide by 1 - rate, and do not multiply by it."),
    "by 1 / keep twice": (lambda r: (1 - r) ** -2, "Divide by 1 - rate once."),
    "by the root of 1 / keep": (lambda r: (1 - r) ** -0.5, "Divide by 1 - rate itself."),
    "by rate / keep": (lambda r: r / (1 - r), "Divide by 1 - rate alone."),
    "by 1 + rate": (lambda r: 1 + r, "Divide by 1 - rate: the two agree at small rates only."),
    "by 1 / (1 + rate)": (lambda r: 1 / (1 + r), "Divide by 1 - rate."),
    "by keep / rate": (lambda r: (1 - r) / r, "Divide by 1 - rate."),
}


def another_law(e: Evidence) -> str:
    """Survivors follow another law of the rate."""
    scales = e.at_rates(Seen.SCALE)
    if "scale" not in e.topics or max(e.shares.values(), default=1.0) == 0:
        return ""
    for how, (law, remedy) in LAWS.items():
        if (rate := follows(scales, law)) is not None:
            return (
                f"Survivors are multiplied {how}: seen {scales[rate]:.4g} at rate {rate:g}, where"
                f" {1 / (1 - rate):.4g} is right. {remedy}"
            )
    return ""


def scale_of_the_call(e: Evidence) -> str:
    """One scale for all survivors of a call, and another one in the next."""
    within, between = e.at_rates(Seen.SCALE_VARIES), e.at_rates(Seen.SCALE_OF_CALL)
    if not within or max(within.values()) > SAME or max(between.values()) < SAME:
        return ""
    return (
        "The scale changes from call to call, and not within one: survivors are scaled by what this"
        " very mask kept (their number, or a sum), and not by 1 / keep; a mask that keeps nothing"
        " then divides by 0. Divide by 1 - rate."
    )


def changed_signs(e: Evidence) -> str:
    """Survivors of the other sign."""
    turned, moved = e.at_rates(Seen.TURNED), e.at_rates(Seen.MOVED)
    if not turned or min(turned.values()) < 0.02 or max(moved.values(), default=0) > 0.5:
        return ""
    if max(e.at_rates(Seen.SCALE_VARIES).values(), default=1) > SAME:
        return ""
    share = min(turned.values())
    if max(turned.values()) > 0.98:
        return "Survivors change their sign: multiply by +1 / keep."
    return (
        f"Survivors change their sign: {share:.2g} of them and more are x / keep with the other"
        " sign, as where absolute values are masked, or a mask holds -1."
    )


def moved_values(e: Evidence) -> str:
    """Survivors that come out at another place."""
    moved, shares = e.at_rates(Seen.MOVED), e.at_rates(Seen.DROPPED)
    telling = [m / (1 - shares[r]) for r, m in moved.items() if shares.get(r, 1.0) < 0.95]
    if not telling or min(telling) < 0.3:
        return ""
    return (
        "Values come out at other places than they went in: survivors are other units' inputs,"
        " rescaled. Multiply element by element, in the input's own order (strides, transposition,"
        " gather and scatter)."
    )


def noise_on_survivors(e: Evidence) -> str:
    """Units are dropped as asked, and survivors have random scales."""
    spreads = e.at_rates(Seen.SCALE_VARIES)
    if "one scale" not in e.topics or not e.drops_as_asked:
        return ""
    if not spreads or min(spreads.values()) < SAME or moved_values(e):
        return ""
    return (
        "Units are dropped as asked, but survivors do not share one scale: each is changed by an"
        f" amount of its own (by {min(spreads.values()):.2g} of the scale and more), as by noise"
        " beside the mask. Give x / keep."
    )


def left_as_they_were(e: Evidence) -> str:
    """Dropped units come out as their input, or as what was in memory."""
    none, shares = e.at_rates(Seen.NO_RESULT), e.at_rates(Seen.DROPPED)
    fills = e.at_rates(Seen.ONE_NUMBER)
    if not none or any(fills.get(r, 0) > 0.5 * r for r in none):
        return ""
    if not all(abs(none[r] + shares[r] - r) < NEAR_A_SHARE and none[r] > 0.5 * r for r in none):
        return ""
    as_it_was = e.at_rates(Seen.AS_IT_WAS)
    if all(abs(as_it_was.get(r, 0) - none[r]) < NEAR_A_SHARE for r in none):
        return "Dropped units come out as they went in: set them to 0."
    return (
        "Units are dropped at the rate, and survivors are x / keep; but what stands where a unit"
        " was dropped is neither 0 nor anything of its input, as where an output is allocated and"
        " not cleared (empty), or a buffer holds an earlier call. Write 0 there."
    )


def scaled_in_evaluation(e: Evidence) -> str:
    """Scaling at inference on top of scaling in training."""
    dropped = e.at_rates(Seen.EVALUATION_SHARE)
    if "identity" not in e.topics or "scale" in e.topics or max(dropped.values(), default=0) > 0:
        return ""
    laws: dict[str, Law] = {
        "by keep": lambda r: 1 - r,
        "by 1 / keep": lambda r: 1 / (1 - r),
        "by the rate": lambda r: r,
    }
    for how, law in laws.items():
        if (rate := follows(e.at_rates(Seen.EVALUATION_SCALE), law)) is not None:
            return (
                f"Outputs are scaled {how} in evaluation ({law(rate):.4g} at rate {rate:.4g}),"
                " though training rescales already: return the input."
            )
    return ""
