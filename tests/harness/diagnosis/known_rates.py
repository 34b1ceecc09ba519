"""Known bugs of the drop rate, by the shares that were dropped at all rates together."""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean, median

from scipy.special import ndtr

from dropspec.core.observations import Seen
from dropspec.diagnosis.evidence import NEAR_A_SHARE, Evidence, follows

SAME = 0.05  # relative: a scale that belongs to a share, as near as the share is known
DRIFT = 0.03  # between a quarter of 240 calls and another: 60,000 units, eleven deviations


def applied_twice(e: Evidence) -> str:
    """Dropout of dropout: a rate of 1 - keep², a scale of 1 / keep²."""
    rates, scales = e.shares, e.at_rates(Seen.SCALE)
    rate = follows(rates, lambda r: 1 - (1 - r) ** 2) if "rate" in e.topics else None
    if rate is None or follows(scales, lambda r: 1 / (1 - r) ** 2) is None:
        return ""
    return (
        f"It is applied twice: at rate {rate:g}, {rates[rate]:.4g} of the units were dropped and"
        " survivors divided by keep twice."
    )


def flag_turned_round(e: Evidence) -> str:
    """Training where evaluation was asked for, and the other way round."""
    trained, evaluated = e.shares, e.at_rates(Seen.EVALUATION_SHARE)
    if (
        "rate" not in e.topics
        or "identity" not in e.topics
        or not trained
        or max(trained.values()) > 0
        or not evaluated
    ):
        return ""
    if any(abs(share - rate) > 0.1 for rate, share in evaluated.items()):
        return ""
    return (
        "The training flag is turned round: units are dropped in evaluation, and none in training."
    )


def keep_throughout(e: Evidence) -> str:
    """The rate taken for the probability of keeping, by the mask and by the scale alike."""
    is_scaled_so = follows(e.at_rates(Seen.SCALE), lambda r: 1 / r) is not None
    return rate_is_keep(e) if is_scaled_so else ""


def rate_is_keep(e: Evidence) -> str:
    """The rate taken for the probability of keeping."""
    rates = e.shares
    rate = follows(rates, lambda r: 1 - r) if "rate" in e.topics else None
    if rate is None:
        return ""
    return (
        f"The rate is used as the probability of keeping: at rate {rate:g}, {rates[rate]:.4g} of"
        " the units were dropped. Compare the other way round, or, if keep is meant, name the"
        " parameter keep_prob."
    )


def inactive(e: Evidence) -> str:
    """Nothing is dropped, or everything."""
    rates = e.shares
    if "rate" not in e.topics or "zeros" in e.topics or not rates or len(set(rates.values())) > 1:
        return ""
    if max(rates.values()) == 0:
        return (
            "Nothing is dropped in training at any rate: the rate or the mode does not reach the"
            " layer."
        )
    return (
        "Everything is dropped at every rate: is the mask ever filled?"
        if min(rates.values()) == 1
        else ""
    )


def another_rate(e: Evidence) -> str:
    """One share at every rate, and the scale of that: another rate is used throughout."""
    scale, share = _scale_at_every_rate(e), _share_at_every_rate(e)
    return rate_is_ignored(e) if scale and abs(scale * (1 - share) - 1) < SAME else ""


def rate_is_ignored(e: Evidence) -> str:
    """One share, which is neither none nor all, at every rate."""
    if not (share := _share_at_every_rate(e)):
        return ""
    scale = _scale_at_every_rate(e)
    also = f", and survivors are multiplied by {scale:.4g}" if scale else ""
    return (
        f"The rate is ignored: {share:.2g} of the units are dropped at every rate{also}. Is it"
        " handed on to what draws the mask?"
    )


def _share_at_every_rate(e: Evidence) -> float:
    """The share that is dropped at every rate; 0 where it differs, or is none or all."""
    shares = e.at_rates(Seen.DROPPED)
    if len(shares) < 3 or max(shares.values()) - min(shares.values()) > NEAR_A_SHARE:
        return 0.0
    share = mean(shares.values())
    return share if 0.01 < share < 0.99 and e.has(Seen.SCALE) else 0.0


def _scale_at_every_rate(e: Evidence) -> float:
    """What survivors are multiplied by at every rate; 0 where it differs."""
    scales = e.at_rates(Seen.SCALE)
    scale = median(scales.values()) if scales else 0.0
    return scale if all(abs(one - scale) < 0.01 * scale for one in scales.values()) else 0.0


def normal_numbers(e: Evidence) -> str:
    """Normal numbers where uniform ones belong."""
    laws: dict[str, Callable[[float], float]] = {
        "below the rate": lambda r: float(ndtr(r)),
        "above the rate": lambda r: float(ndtr(-r)),
        "below the rate in size": lambda r: float(2 * ndtr(r) - 1),
        "below keep": lambda r: float(ndtr(1 - r)),
        "above keep": lambda r: float(ndtr(r - 1)),
    }
    for where, law in laws.items():
        if (rate := follows(e.at_rates(Seen.DROPPED), law)) is not None:
            return (
                "The mask compares normal numbers, where uniform ones on [0, 1) belong: at rate"
                f" {rate:g}, {e.at_rates(Seen.DROPPED)[rate]:.4g} of the units were dropped, which"
                f" is how often a standard normal number lies {where}. Draw uniform"
                " numbers (rand, not randn)."
            )
    return ""


def few_bits(e: Evidence) -> str:
    """A threshold of seven or eight bits: drop rates are multiples of a power of two, in float32
    too.
    """
    rates = e.at_rates(Seen.DROP_RATE, "float32")
    if "rate" not in e.topics or 0.001 not in rates or "count" in e.topics:
        return ""
    for bits in (7, 8):
        grid = 2.0**-bits
        if all(
            abs(v - round(v / grid) * grid) < 0.15 * grid and abs(v - r) < 1.1 * grid
            for r, v in rates.items()
        ):
            return (
                f"Drop rates are multiples of 1/{1 << bits}, as from a threshold of {bits} bits: at"
                f" rate 0.001, {rates[0.001]:.4g} of the units were dropped. Compare 24 bits or"
                " more."
            )
    return ""


def coarse_half(e: Evidence) -> str:
    """Uniforms drawn in the dtype of the input."""
    wide, half = (e.at_rates(Seen.DROP_RATE, dtype).get(0.001) for dtype in ("float32", "bfloat16"))
    if (
        not e.topics & {"rate", "rate by kind"}
        or wide is None
        or half is None
        or not abs(wide - 0.001) < 2e-4 < abs(half - 0.001)
    ):
        return ""
    if half < 0.5 / 256:
        return ""  # those uniforms are multiples of 1/256
    return (
        "Uniforms are drawn in the dtype of the input, which has too few of them: at rate 0.001,"
        f" {half:.4g} of the units were dropped in bfloat16. Draw them in float32."
    )


def end_of_the_uniforms(e: Evidence) -> str:
    """A comparison that goes wrong at a uniform of exactly 0 alone, or of 1."""
    at_0, at_1 = (e.at_rates(Seen.AT_A_UNIFORM_OF_0).get(rate, 0) for rate in (0.0, 1.0))
    if at_0 and "rate 0" in e.topics:
        return (
            "At rate 0 about one unit in 2^24 is dropped, where a uniform lies at the very end of"
            " its range: uniforms are of (0, 1], or the comparison is the wrong one. Drop where a"
            " uniform of [0, 1) is below the rate."
        )
    if at_1 and "rate 1" in e.topics:
        return (
            "At rate 1 about one unit in 2^24 survives, where a uniform lies at the very end of its"
            " range: the comparison is the wrong one. Keep where a uniform of [0, 1) is at the rate"
            " or above."
        )
    return ""


def drift(e: Evidence) -> str:
    """The rate of one layer changes from its early calls to its late ones."""
    early, late = e.at_rates(Seen.EARLY), e.at_rates(Seen.LATE)
    found = [(r, early[r], late[r]) for r in early if abs(early[r] - late[r]) > DRIFT]
    if not found or not e.topics.isdisjoint(("inputs", "generators")):
        return ""
    rate, first, last = found[0]
    return (
        f"The rate drifts from call to call: of its first calls at rate {rate:g} a layer drops"
        f" {first:.3g}, and of later ones {last:.3g}. Something is carried over from call to call:"
        " drop at the rate that is given."
    )


def tail_of_vectors(e: Evidence) -> str:
    """The last units, which fill no vector, are dropped at another rate."""
    tails, repeats = e.named_values(Seen.TAIL), max(e.at_rates(Seen.SAME_MASK).values(), default=0)
    if not tails or repeats or "generators" in e.topics:
        return ""  # of few masks the tail is another by chance
    units = min(tails, key=int)
    what = "never dropped" if tails[units] == 0 else f"dropped at {tails[units]:.2g}"
    return (
        f"The last {units} units of 1,003, which do not fill a vector, are {what} at rate 0.3, and"
        " the others as asked: the loop over whole vectors leaves a tail that has to be masked as"
        " well."
    )
