"""Known bugs by their signatures, in the order in which they are looked for.

Each signature looks at what failed and at all measurements together, over all rates, and gives the
sentence that says what it is; or nothing where it does not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dropspec.core.observations import Seen
from dropspec.diagnosis.evidence import Evidence
from dropspec.diagnosis.known_gradients import (
    another_mask,
    gradient_scale,
    no_gradient,
    only_with_gradient,
)
from dropspec.diagnosis.known_kinds import (
    added_noise,
    another_number,
    blocks,
    fixed_count,
    multiplied_noise,
    noise_shape,
    shorter,
    whole_calls,
)
from dropspec.diagnosis.known_masks import (
    crossed,
    every_call_alike,
    few_masks,
    first_call,
    masks_of_another_layer,
    of_another_method,
    repetition,
    rows_of_the_call_before,
    seed_without_a_say,
    sharing,
)
from dropspec.diagnosis.known_rates import (
    another_rate,
    applied_twice,
    coarse_half,
    drift,
    end_of_the_uniforms,
    few_bits,
    flag_turned_round,
    inactive,
    keep_throughout,
    normal_numbers,
    rate_is_ignored,
    rate_is_keep,
    tail_of_vectors,
)
from dropspec.diagnosis.known_scales import (
    added_to_keep,
    another_law,
    changed_signs,
    classic_form,
    left_as_they_were,
    moved_values,
    no_scale,
    noise_on_survivors,
    scale_by_rate,
    scale_of_the_call,
    scaled_in_evaluation,
)

OF_MASKS = ("neighbours", "rows", "lag", "places", "count", "calls", "repeats", "rate")


@dataclass(frozen=True)
class Bug:
    """A known bug: its signature, and the topics that show it; it is laid to the first that failed.

    `explains` are kinds of fault that come of it, besides those of that topic. Of a `group` only
    the first that fits is named, and none of a group that a bug before it `silences`. One that
    `is_alone` explains no other clause, whatever its topic does.
    """

    signature: Callable[[Evidence], str]
    topics: tuple[str, ...]
    explains: tuple[str, ...] = ()
    group: str = ""
    silences: tuple[str, ...] = ()
    is_alone: bool = False

    @property
    def is_of_masks(self) -> bool:
        """Whether any clause of the mask may show it."""
        return set(OF_MASKS) <= set(self.topics)


def active_in_evaluation(e: Evidence) -> str:
    """Dropout in evaluation."""
    shares = e.at_rates(Seen.EVALUATION_SHARE)
    if "identity" not in e.topics or max(shares.values(), default=0) == 0:
        return ""
    return (
        "Units are dropped in evaluation too: the training flag does not reach the layer. If that"
        " is meant (Monte Carlo dropout), claim always_active."
    )


def cast(e: Evidence) -> str:
    """A dtype that comes back as another one, in which nothing else is judged."""
    if "form" not in e.topics or not (dtypes := e.named(Seen.CAST)):
        return ""
    return (
        f"It gives {' and '.join(sorted(dtypes))} back: form the mask and the scale in the dtype of"
        " the input. If a policy of the framework casts, claim the dtypes that it keeps."
    )


def early_overflow(e: Evidence) -> str:
    """Large results overflow, and nothing else is wrong."""
    if "range" not in e.topics or e.topics - {"range", "scale", "backward scale"}:
        return ""
    return (
        "Results overflow where x / keep does not, and are right elsewhere: divide once, by keep,"
        " and form nothing larger on the way."
    )


OF_VALUES = ("zeros", "one scale", "scale", "values")
EVERYTHING = ("masks", "scale", "zeros", "ends of the rate")
SHARED = ("masks", "scale", "zeros")
BUGS = (
    Bug(of_another_method, ("single weights",), silences=("rate",)),
    Bug(shorter, ("form",), EVERYTHING, "kind", ("scale", "rate")),
    Bug(first_call, ("evaluation", "scale", "rate"), EVERYTHING, "scale", ("kind", "rate")),
    Bug(scale_by_rate, ("scale",), ("scale",), "scale"),
    Bug(applied_twice, ("rate",), ("scale", "zeros"), "scale", ("rate",)),
    Bug(another_rate, ("rate",), EVERYTHING, "scale", ("rate",)),
    Bug(left_as_they_were, OF_VALUES, SHARED, "kind", ("scale", "rate")),
    Bug(another_number, OF_VALUES, EVERYTHING, "kind", ("scale", "rate")),
    Bug(added_noise, OF_VALUES, EVERYTHING, "kind", ("scale", "rate")),
    Bug(multiplied_noise, OF_VALUES, EVERYTHING, "kind", ("scale", "rate")),
    Bug(
        whole_calls, (*OF_MASKS, *OF_VALUES), ("masks", "scale", "zeros"), "kind", ("rate", "scale")
    ),
    Bug(noise_shape, OF_MASKS, ("masks",), "kind", ("rate",)),
    Bug(blocks, (*OF_MASKS, *OF_VALUES), SHARED, "kind", ("rate", "scale")),
    Bug(scale_of_the_call, OF_VALUES, ("scale", "zeros"), "scale"),
    Bug(moved_values, OF_VALUES, ("scale",), "scale"),
    Bug(changed_signs, OF_VALUES, ("scale",), "scale"),
    Bug(noise_on_survivors, OF_VALUES, ("scale",), "scale"),
    Bug(classic_form, ("scale",), ("scale", "evaluation"), "scale"),
    Bug(no_scale, ("scale",), ("scale",), "scale"),
    Bug(another_law, ("scale",), ("scale", "zeros"), "scale"),
    Bug(added_to_keep, ("scale",), (), "scale"),
    Bug(scaled_in_evaluation, ("identity",)),
    Bug(flag_turned_round, ("rate",), ("evaluation",), "rate"),
    Bug(flag_turned_round, ("identity",), ("masks",), "rate"),
    Bug(rate_is_ignored, ("rate",), ("ends of the rate",), "rate"),
    Bug(
        only_with_gradient, ("rate", "rate by kind"), ("scale", "zeros", "ends of the rate"), "rate"
    ),
    Bug(keep_throughout, ("rate",), ("scale", "ends of the rate"), "rate"),
    Bug(rate_is_keep, ("rate",), ("ends of the rate",), "rate"),
    Bug(inactive, ("rate",), ("ends of the rate",), "rate"),
    Bug(normal_numbers, ("rate",), ("ends of the rate",), "rate"),
    Bug(crossed, OF_MASKS, (), "rate"),
    Bug(seed_without_a_say, ("calls", "repeats", "lag"), ("masks",), "rate"),
    Bug(every_call_alike, ("calls", *OF_MASKS), ("replay",), "rate"),
    Bug(rows_of_the_call_before, ("calls", *OF_MASKS), ("replay",), "rate"),
    Bug(few_masks, ("repeats", "calls"), ("replay",), "rate"),
    Bug(masks_of_another_layer, ("streams", *OF_MASKS), ("replay",), "rate"),
    Bug(drift, ("rate", "calls", *OF_MASKS, "rate by kind"), ("replay",), "rate"),
    Bug(tail_of_vectors, ("places", "rate", *OF_MASKS, "rate by kind"), (), "rate"),
    Bug(few_bits, ("rate",), (), "rate"),
    Bug(coarse_half, ("rate by kind", "rate")),
    Bug(end_of_the_uniforms, ("rate 0", "rate 1")),
    Bug(active_in_evaluation, ("identity",)),
    Bug(fixed_count, ("count", *OF_MASKS)),
    Bug(repetition, ("lag",)),
    Bug(no_gradient, ("backward mask", "backward scale", "zero inputs"), (), "gradient"),
    Bug(gradient_scale, ("backward scale",), (), "gradient"),
    Bug(another_mask, ("backward mask", "zero inputs", "weight gradient"), (), "gradient"),
    Bug(cast, ("form",), is_alone=True),
    Bug(sharing, ("sharing",)),
    Bug(early_overflow, ("range",)),
)
