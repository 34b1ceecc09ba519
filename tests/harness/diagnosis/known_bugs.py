"""Known bugs by their signatures.

Each looks at what failed and at all measurements together, over all rates, and gives the sentence
that says what it is; or nothing where it does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median

from dropspec.core.observations import Seen
from dropspec.diagnosis.evidence import Evidence

# where one of these failed, the number dropped varies for another reason
OTHERWISE_UNEVEN = frozenset(
    (
        *("rate", "places", "rows", "calls", "lag", "repeats"),
        *("single weights", "one mask", "sharing"),
    )
)
ROUNDING = 2.0**-23  # of keep, as a scale in single precision shows it


def _follows(values: Mapping[float, float], law: Callable[[float], float]) -> float | None:
    """The rate at which the law shows best, if all values obey it and the specification's own
    law does not; else None.
    """
    telling = {r: v for r, v in values.items() if 0.05 < r < 0.95 and abs(r - 0.5) > 0.05}
    if not telling or any(abs(v - law(r)) > 0.02 * abs(law(r)) for r, v in telling.items()):
        return None
    return min(telling, key=lambda r: abs(r - 0.1))


def scale_by_rate(e: Evidence) -> str:
    """1/rate for 1/(1 - rate)."""
    scales = e.at_rates(Seen.SCALE)
    rate = _follows(scales, lambda r: 1 / r) if "scale" in e.topics else None
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
    rate = _follows(scales, lambda r: 1.0) if "scale" in e.topics else None
    if rate is None or max(e.at_rates(Seen.DROP_RATE).values(), default=1.0) == 0:
        return ""  # where nothing is dropped, that is the matter
    said = (
        f"Survivors are not rescaled in training: seen {scales[rate]:.4g} at rate {rate:.4g}, where"
        f" {1 / (1 - rate):.4g} is right"
    )
    if _follows(e.at_rates(Seen.EVALUATION_SCALE), lambda r: 1 - r) is not None:
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
    """Gaussian dropout, or the like."""
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
        if (rate := _follows(e.at_rates(Seen.EVALUATION_SCALE), law)) is not None:
            return (
                f"Outputs are scaled {how} in evaluation ({law(rate):.4g} at rate {rate:.4g}),"
                " though training rescales already: return the input."
            )
    return ""


def applied_twice(e: Evidence) -> str:
    """Dropout of dropout: a rate of 1 - keep², a scale of 1 / keep²."""
    rates, scales = e.at_rates(Seen.DROP_RATE), e.at_rates(Seen.SCALE)
    rate = _follows(rates, lambda r: 1 - (1 - r) ** 2) if "rate" in e.topics else None
    if rate is None or _follows(scales, lambda r: 1 / (1 - r) ** 2) is None:
        return ""
    return (
        f"It is applied twice: at rate {rate:g}, {rates[rate]:.4g} of the units were dropped and"
        " survivors divided by keep twice."
    )


def flag_turned_round(e: Evidence) -> str:
    """Training where evaluation was asked for, and the other way round."""
    trained, evaluated = e.at_rates(Seen.DROP_RATE), e.at_rates(Seen.EVALUATION_SHARE)
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


def rate_is_keep(e: Evidence) -> str:
    """The rate taken for the probability of keeping."""
    rates = e.at_rates(Seen.DROP_RATE)
    rate = _follows(rates, lambda r: 1 - r) if "rate" in e.topics else None
    if rate is None:
        return ""
    return (
        f"The rate is taken for the probability of keeping: at rate {rate:g}, {rates[rate]:.4g} of"
        " the units were dropped. Compare the other way round, or, if keep is meant, name the"
        " parameter keep_prob."
    )


def inactive(e: Evidence) -> str:
    """Nothing is dropped, or everything."""
    rates = e.at_rates(Seen.DROP_RATE)
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


def active_in_evaluation(e: Evidence) -> str:
    """Dropout in evaluation."""
    shares = e.at_rates(Seen.EVALUATION_SHARE)
    if "identity" in e.topics and max(shares.values(), default=0) > 0:
        return "Units are dropped in evaluation too: the training flag does not reach the layer."
    return ""


def fixed_count(e: Evidence) -> str:
    """Exactly round(rate · n) units."""
    if "count" in e.topics and not e.topics & OTHERWISE_UNEVEN:
        return (
            "The number of dropped units is not Binomial: probably a fixed number is dropped. Draw"
            " every unit on its own."
        )
    return ""


def backward_mask(e: Evidence) -> str:
    """A backward pass with a mask of its own, or one read off the output."""
    if e.topics & {"inputs", "zeros"}:
        return ""
    if "backward mask" in e.topics or e.has(Seen.OTHER_MASK):
        return (
            "The backward pass does not use the forward's mask: save the mask in the forward, and"
            " do not draw it again."
        )
    if "zero inputs" in e.topics and not e.topics & {"backward scale", "scale", "rate"}:
        return (
            "The backward pass reads the mask off the output (output != 0), which fails at inputs"
            " of 0: save the mask in the forward."
        )
    return ""


def of_another_method(e: Evidence) -> str:
    """Examples, outputs or inputs that are dropped whole."""
    if "single weights" not in e.topics:
        return ""
    if e.has(Seen.WHOLE_EXAMPLES):
        return (
            "It drops whole samples: this is stochastic depth, not DropConnect. Draw a mask over"
            " the weights."
        )
    if e.has(Seen.WHOLE_OUTPUTS):
        return (
            "It drops whole outputs: this is dropout behind the layer, not DropConnect. Draw a mask"
            " over the weights."
        )
    if e.has(Seen.WHOLE_INPUTS):
        return (
            "It drops whole inputs: this is dropout before the layer, not DropConnect. Draw a mask"
            " over the weights."
        )
    return ""


def sharing(e: Evidence) -> str:
    """Another number of masks a call than claimed."""
    masks = e.value(Seen.MASKS, 0)
    if "sharing" not in e.topics or not masks or "single weights" in e.topics:
        return ""
    if masks == 1:
        return (
            "All examples of a call share one mask, where one for each is claimed: draw a mask of"
            " shape (examples, outputs, inputs)."
        )
    if masks == 16:
        return "Each example has a mask of its own, where one for the whole call is claimed."
    return (
        f"Some examples of a call share a mask, and some do not: 16 examples had {masks:g} masks."
    )


def repetition(e: Evidence) -> str:
    """A mask that comes round again, or copies itself, at one distance."""
    lag, share = int(e.value(Seen.LAG, 0)), e.value(Seen.AGREEMENT, 0.5)
    if (
        "lag" not in e.topics
        or "single weights" in e.topics
        or lag < 64
        or (lag % 16 == 0 and share < 0.99)
        or lag % 256 == 0
    ):
        return ""  # what is so near is shared among neighbours, and what is a row apart among rows
    if share > 0.99:
        return (
            f"The mask repeats itself every {lag:,} units: draw as many random numbers as there are"
            " units."
        )
    if "places" in e.topics:
        return ""  # positions with a rate of their own agree with themselves
    return (
        f"Units {lag:,} apart agree {share:.1%} of the time, where 50% is chance: part of the mask"
        f" is copied from {lag:,} units before."
    )


def early_overflow(e: Evidence) -> str:
    """Large results overflow, and nothing else is wrong."""
    if "range" not in e.topics or e.topics - {"range", "scale", "backward scale"}:
        return ""
    return (
        "Results overflow where x / keep does not, and are right elsewhere: divide once, by keep,"
        " and form nothing larger on the way."
    )


# each with the topics that show it, the first that failed being the one it is laid to
SIGNATURES: tuple[tuple[tuple[str, ...], Callable[[Evidence], str]], ...] = (
    (("single weights",), of_another_method),
    (("scale",), scale_by_rate),
    (("scale",), no_scale),
    (("scale",), added_to_keep),
    (("zeros",), random_factors),
    (("identity",), scaled_in_evaluation),
    (("rate",), flag_turned_round),
    (("identity",), flag_turned_round),
    (("rate",), applied_twice),
    (("rate",), rate_is_keep),
    (("rate",), inactive),
    (("rate",), few_bits),
    (("rate by kind", "rate"), coarse_half),
    (("identity",), active_in_evaluation),
    (("count",), fixed_count),
    (("lag",), repetition),
    (("backward mask", "zero inputs", "weight gradient"), backward_mask),
    (("sharing",), sharing),
    (("range",), early_overflow),
)
