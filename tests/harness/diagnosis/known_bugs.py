"""Known bugs by their signatures.

Each looks at what failed and at all measurements together, over all rates, and gives the sentence
that says what it is; or nothing where it does not fit.
"""

from __future__ import annotations

from collections.abc import Callable

from dropspec.core.observations import Seen
from dropspec.diagnosis.evidence import Evidence
from dropspec.diagnosis.known_rates import (
    applied_twice,
    coarse_half,
    few_bits,
    flag_turned_round,
    inactive,
    rate_is_keep,
)
from dropspec.diagnosis.known_scales import (
    added_to_keep,
    no_scale,
    random_factors,
    scale_by_rate,
    scaled_in_evaluation,
)

# where one of these failed, the number dropped varies for another reason
OTHERWISE_UNEVEN = frozenset(
    (
        *("rate", "places", "rows", "calls", "lag", "repeats"),
        *("single weights", "one mask", "sharing"),
    )
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
