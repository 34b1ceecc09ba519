"""Known bugs of the mask: where units, rows or calls depend on each other."""

from __future__ import annotations

from statistics import mean

from dropspec.core.observations import Seen
from dropspec.diagnosis.evidence import Evidence


def every_call_alike(e: Evidence) -> str:
    """One mask in all calls of a layer, or in all layers."""
    if "generators" in e.topics:
        return ""  # a global generator that is reseeded is the matter
    if e.always(Seen.SAME_MASK_ANEW):
        return (
            "Every call has the same mask, in new layers, too: it is made of no random number, or"
            " from a fixed seed. Draw anew at each call."
        )
    if min(e.at_rates(Seen.SAME_MASK).values(), default=0) == 1:
        return "Every call of a layer has the same mask: draw anew at each call."
    return ""


def masks_of_another_layer(e: Evidence) -> str:
    """Each new layer begins with the masks of the one before it."""
    if not e.always(Seen.SAME_LAYERS) or "generators" in e.topics:
        return ""
    return (
        "Each new layer has, call by call, the masks of another layer: its stream begins anew with"
        " one seed, or belongs to the class. Two layers must draw apart."
    )


def few_masks(e: Evidence) -> str:
    """Calls that have the mask of the call before, now and then."""
    if not e.has(Seen.SAME_MASK) or "generators" in e.topics:
        return ""
    share = mean(e.at_rates(Seen.SAME_MASK).values())
    return (
        f"There are few masks to draw from: {share:.2g} of the calls had the very mask of the call"
        " before, which chance never gives. Seed from more bits, or do not seed at each call."
    )


def first_call(e: Evidence) -> str:
    """The first call of each layer drops nothing."""
    if not e.always(Seen.FIRST_CALL_SPARED):
        return ""
    return (
        "The first call of a layer drops nothing, and later ones do: it is in training as soon as"
        " it is built, and has to drop from its first call on."
    )


def rows_of_the_call_before(e: Evidence) -> str:
    """Row r of a call is a neighbouring row of the call before: a seed a row."""
    if not e.always(Seen.NEXT_ROW):
        return ""
    return (
        "Rows repeat: each row of a call comes again one row further on in the next call, as where"
        " a row is seeded by a counter plus its index. Move the counter on by all rows that a call"
        " used."
    )


def seed_without_a_say(e: Evidence) -> str:
    """The seed does not fix the masks, and yet they repeat: they come from something else."""
    repeats = max(e.at_rates(Seen.SAME_MASK).values(), default=0) > 0
    if "seed" not in e.topics or not repeats:
        return ""
    return (
        "The user's seed has no say, and yet calls repeat masks: the seed of a mask is made from"
        " something else, as the input's address, the clock or a counter. Take it from the random"
        " stream."
    )


def crossed(e: Evidence) -> str:
    """Rows and columns decide together, so that a few numbers make the mask of many units."""
    if e.always(Seen.ROWS_XOR_COLUMNS):
        return (
            "Each unit's fate is that of its row, exclusive-or that of its column: a call of n rows"
            " and m columns draws n + m numbers. Draw one for every unit."
        )
    if e.always(Seen.ROWS_OR_COLUMNS):
        return (
            "Whole rows and whole columns are dropped, drawn apart and combined: a call of n rows"
            " and m columns draws n + m numbers. Draw one for every unit."
        )
    return ""


def repetition(e: Evidence) -> str:
    """The mask repeats itself, or a part of it, at one distance."""
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
