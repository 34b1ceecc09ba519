"""Dropout of activations: one array in, and one of its shape out."""

from __future__ import annotations

from typing import Any

from dropspec.chance.campaign import Campaign
from dropspec.chance.plan import (
    RATES,
    Count,
    Look,
    Plan,
    differentiable_campaign,
    main_campaign,
    small_campaign,
)
from dropspec.core.facts import Declared, Kind
from dropspec.core.options import Profile
from dropspec.core.signature import Signature
from dropspec.families.base import Family
from dropspec.targets.signature import read_signature

EVERY_LENS = ("rate", "unit", "value", "left", "above", "call", "sum of row", "sum of call")
OF_OUTPUTS = ("mean", "square")  # in half precision rounding of the scale exceeds their tolerance
ALL_DTYPES = ("float32", "float64", "float16", "bfloat16")
OTHER_DTYPES = ALL_DTYPES[1:]
DENSE_LAYOUTS = ("transposed", "strided", "channels-last")
NEIGHBOURS = ("rate", "left", "above", "example", "call")
RANKS = (  # what is right of two axes need not be right of more
    (16, 8, 256),
    (16, 3, 16, 16),
    (2, 3, 5, 7, 11),
    (2, 3, 5, 2, 7, 11),
)
SMALL = (  # odd sizes, to leave tails
    ((1,), 0.5),
    ((3,), 0.1),
    ((7,), 0.5),
    ((17,), 0.5),
    ((1, 33), 0.3),
    ((2, 200), 0.3),
    ((1000,), 0.5),
)
RIDGE_RATES = (0.1, 0.5)


class Dropout(Family):
    """Elementwise dropout of an activation."""

    name = "dropout"
    spec = ("dropspec.spec", "dropout.md")
    tests = "dropspec.tests.conformance.dropout"

    def recognises(self, thing: Any, kind: Kind, declared: Declared) -> bool:
        """Any target may be elementwise dropout."""
        return True

    def read_signature(self, target: str, thing: Any, kind: Kind) -> Signature:
        """A constructor of (rate), or a function of (x, rate)."""
        return read_signature(target, thing)

    def plan(self, profile: Profile) -> Plan:
        """Six rates in four dtypes, other shapes and layouts, and many small calls."""
        main = _main(profile)
        elsewhere = _elsewhere(profile)
        small = _small(profile)
        half = tuple(c for c in main if c.dtype in ("float16", "bfloat16"))
        with_gradient = tuple(c for c in elsewhere if c.differentiable)
        large, everywhere = (*main, *elsewhere), (*main, *small, *elsewhere)
        looks = {
            "rate-1": (Look("rate", (*main, *with_gradient)),),
            "rate-2": (Look("unit", everywhere),),
            "rate-3": (Look("value", main),),
            "rate-4": (Look("rate", (*half, *elsewhere, *small)),),
            "expectation-1": (Look("mean", main),),
            "expectation-2": (Look("square", main),),
            "independence-1": (Look("left", everywhere),),
            "independence-2": (
                Look("above", large),
                Look("example", elsewhere),
                Look("beside", elsewhere),
            ),
            "independence-3": (Look("call", large), Look("above", small)),
            "independence-4": (Look("sum of row", main), Look("sum of call", (*main, *small))),
            "independence-5": (Look("echo", main),),
            "independence-6": (Look("twins", (*main, *small)), Look("overlap", main)),
        }
        losses = Count("share of one of the sixteen losses", (1 / 16,) * 16, 0.03, RIDGE_RATES)
        return Plan(main, elsewhere, small, looks, {"expectation-3": losses})


def _main(profile: Profile) -> tuple[Campaign, ...]:
    of_outputs = dict.fromkeys(("float32", "float64"), (*EVERY_LENS, *OF_OUTPUTS))
    return tuple(
        main_campaign(rate, dtype, profile, of_outputs.get(dtype, EVERY_LENS))
        for rate in RATES
        for dtype in ALL_DTYPES
    )


def _elsewhere(profile: Profile) -> tuple[Campaign, ...]:
    loose = 0.004 * profile.tolerance

    def at(
        rate: float, shape: tuple[int, ...], lenses: tuple[str, ...], layout: str = "contiguous"
    ) -> Campaign:
        return Campaign(rate, "float32", shape, loose, lenses, layout)

    return (
        *(at(0.1, (8, 16, 32, 16), NEIGHBOURS, layout) for layout in DENSE_LAYOUTS),
        at(0.1, (64, 1024), ("rate", "above"), "expanded"),  # one row in memory has many masks
        at(0.1, (64, 1024), ("rate", "left"), "repeated"),
        at(0.3, (512, 512), ("rate", "unit")),  # 2^18 units in one call
        at(0.3, (1, 4096), ("rate", "left")),  # a batch of one
        at(0.3, (1 << 17, 1), ("rate", "beside", "unit")),  # more rows than 16 bits count
        *(at(0.3, shape, NEIGHBOURS) for shape in RANKS),
        differentiable_campaign(profile, ("rate", "left", "above", "call")),
    )


def _small(profile: Profile) -> tuple[Campaign, ...]:
    fewer = max(profile.small_calls // 3, 300)
    return (
        *(small_campaign(shape, rate, profile.small_calls) for shape, rate in SMALL),
        *(small_campaign((17,), 0.5, fewer, dtype) for dtype in OTHER_DTYPES),  # other tails
        small_campaign((4099,), 0.5, fewer),  # vectors may be used from some size on
    )
