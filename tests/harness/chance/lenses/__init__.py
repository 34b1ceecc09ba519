"""Lenses: from mask bits to tables of counts whose probabilities the specification states, each
read by its gauge.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod

from dropspec.chance.campaign import Campaign
from dropspec.chance.lenses.base import Draw, Finding, Lens
from dropspec.chance.lenses.contexts import (
    DyadicLens,
    PairLens,
    PlaceLens,
    RateLens,
    SignLens,
    ValueLens,
)
from dropspec.chance.lenses.pairs import (
    Pairs,
    left_pairs,
    pairs_above,
    pairs_before,
    pairs_in_word,
    pairs_of_examples,
)
from dropspec.chance.lenses.repeats import EchoLens
from dropspec.chance.lenses.sums import MeanLens, SquareLens, SumLens
from dropspec.chance.lenses.twins import OverlapLens, TwinLens

__all__ = ["Draw", "EchoLens", "Finding", "Lens", "OverlapLens", "TwinLens", "build"]

SIMPLE: dict[str, Callable[[Campaign, float], Lens]] = {
    "rate": RateLens,
    "value": ValueLens,
    "sign": SignLens,
    "mean": MeanLens,
    "square": SquareLens,
    "echo": EchoLens,
    "twins": TwinLens,
    "overlap": OverlapLens,
}


def build(name: str, campaign: Campaign, alpha: float) -> Lens:
    """The lens of that name for a campaign."""
    pairs: dict[str, tuple[str, Callable[[Draw], Pairs | None]]] = {
        "left": ("the left neighbour", left_pairs),
        "above": (
            "the same unit of the call before" if campaign.calls_as_rows else "the unit above",
            pairs_above,
        ),
        "example": (
            "the same unit of the example before",
            partial(pairs_of_examples, examples=campaign.shape[0]),
        ),
        "beside": ("the unit before it in the batch", left_pairs),
        "call": ("the same unit of the call before", pairs_before),
        "output": (
            "the same input's weight of the output before",
            partial(pairs_in_word, apart=campaign.word),
        ),
        "row": ("the weight 256 places before", pairs_above),
    }
    if name in pairs:
        return PairLens(campaign, alpha, *pairs[name])
    if name == "sum of row":
        return SumLens(campaign, alpha, campaign.shape[-1], "row")
    if name == "sum of call":
        return SumLens(campaign, alpha, prod(campaign.shape), "call")
    if name == "unit":
        return (PlaceLens if campaign.calls_as_rows else DyadicLens)(campaign, alpha)
    return SIMPLE[name](campaign, alpha)
