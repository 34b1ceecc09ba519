"""Counts of pairs of units in a draw: how often both survive, and each of the two."""

from __future__ import annotations

import numpy as np

from dropspec.chance.lenses.base import Draw, count

Pairs = tuple[int, int, int, int]  # both survive, the one does, the other does, all pairs


def left_pairs(draw: Draw) -> Pairs:
    """Units and their left neighbours; of words, those that lie in one word."""
    if draw.bits.dtype == bool:
        units, others = draw.mask[:, 1:], draw.mask[:, :-1]
        return count(units & others), count(units), count(others), units.size
    return pairs_in_word(draw, 1)


def pairs_in_word(draw: Draw, apart: int) -> Pairs:
    """Units and those so many places before in the same word of 64."""
    low, step = np.uint64((1 << 64 - apart) - 1), np.uint64(apart)
    first, last = count(draw.bits & ~(low << step)), count(draw.bits & ~low)
    return (
        count(draw.bits & (draw.bits >> step) & low),
        draw.survivors - first,
        draw.survivors - last,
        draw.bits.size * (64 - apart),
    )


def pairs_above(draw: Draw) -> Pairs:
    """Units and those in the row above."""
    kept, given_kept = draw.survivors - count(draw.bits[:1]), draw.survivors - count(draw.bits[-1:])
    return count(draw.bits[1:] & draw.bits[:-1]), kept, given_kept, draw.mask[1:].size


def pairs_of_examples(draw: Draw, examples: int) -> Pairs:
    """Units and the same units of the example before, of so many along the first axis of a call."""
    units = draw.bits.reshape(examples, -1)
    kept, given_kept = draw.survivors - count(units[:1]), draw.survivors - count(units[-1:])
    return (
        count(units[1:] & units[:-1]),
        kept,
        given_kept,
        draw.mask.size * (examples - 1) // examples,
    )


def pairs_before(draw: Draw) -> Pairs | None:
    """Units and the same units in the draw before."""
    if draw.before is None:
        return None
    return (
        count(draw.bits & draw.before.bits),
        draw.survivors,
        draw.before.survivors,
        draw.mask.size,
    )
