"""DropConnect: single weights of a linear layer are dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dropspec.chance.plan import (
    Count,
    Look,
    Plan,
    differentiable_campaign,
    main_campaign,
    small_campaign,
)
from dropspec.core.driver import Driver
from dropspec.core.facts import Declared, Facts, Kind
from dropspec.core.implementation import Implementation
from dropspec.core.options import Profile
from dropspec.core.signature import Signature
from dropspec.core.site import Shapes
from dropspec.families.base import Family
from dropspec.families.dropconnect.linear import Linear, see
from dropspec.families.dropconnect.probes import INPUTS
from dropspec.families.dropconnect.signature import is_linear, read_linear_signature

WEIGHT_LENSES = (
    "rate",
    "unit",
    "sign",
    "left",
    "output",
    "row",
    "call",
    "sum of row",
    "sum of call",
)
MAIN_RATES = {
    "float32": (0.5, 0.1, 0.9, 0.01, 0.001, 0.999),
    "float64": (0.5, 0.1),
    "float16": (0.1, 0.001),
    "bfloat16": (0.1, 0.001),
}
SMALL_LAYERS = (((2, 1), 0.5), ((2, 3), 0.1), ((7, 1), 0.5), ((5, 7), 0.3), ((50, 20), 0.5))
MOMENT_RATES = (0.1, 0.5)
BIAS_RATE = 0.3
HALVES = (0.5, 0.5)


class DropConnect(Family):
    """Dropout of the single weights of a linear layer."""

    name = "dropconnect"
    spec = ("dropspec.spec", "dropconnect.md")
    tests = "dropspec.tests.conformance.dropconnect"
    arrays = ("x", "weight", "bias")
    claims = ("mask_per", "bias", "samples", "masked_weight")

    def recognises(self, thing: Any, kind: Kind, declared: Declared) -> bool:
        """A target that claims a masked weight, or is called as a linear layer is."""
        if declared.also.get("masked_weight"):
            return True
        return kind is not Kind.OBJECT and is_linear(thing)

    def read_signature(self, target: str, thing: Any, kind: Kind) -> Signature:
        """A constructor of (inputs, outputs, rate), or a function of (x, weight, bias, rate)."""
        return read_linear_signature(target, thing)

    def output_shape(self, shapes: Shapes) -> tuple[int, ...]:
        """(..., inputs) gives (..., outputs)."""
        return (*shapes["x"][:-1], shapes["weight"][0])

    def sizes(self, shapes: Shapes) -> tuple[int, ...]:
        """Inputs, then outputs."""
        outputs, inputs = shapes["weight"]
        return inputs, outputs

    def sample_shapes(self) -> Shapes:
        """A weight that is not square, so that a transposed one shows."""
        return {"weight": (5, 3), "bias": (5,)}

    def implement(self, facts: Facts, driver: Driver) -> Implementation:
        """A linear layer, seen through its weights."""
        return Linear(facts, driver)

    def see(self, impl: Implementation) -> Mapping[str, Any]:
        """Whether weights can be reached, who shares a mask, and what becomes of the bias."""
        assert isinstance(impl, Linear)
        return see(impl)

    def plan(self, profile: Profile) -> Plan:
        """Rows of 256 weights: those of one example, where each example has a mask.

        Small layers are (outputs, inputs), and a call of them has one example.
        """
        main = tuple(
            main_campaign(rate, dtype, profile, WEIGHT_LENSES, INPUTS[dtype])
            for dtype, rates in MAIN_RATES.items()
            for rate in rates
        )
        small = tuple(
            small_campaign(shape, rate, profile.small_calls) for shape, rate in SMALL_LAYERS
        )
        elsewhere = (differentiable_campaign(profile, ("rate", "left", "call")),)
        everywhere = (*main, *small, *elsewhere)
        looks = {
            "weights-2": (Look("rate", everywhere),),
            "weights-3": (Look("unit", everywhere), Look("sign", main)),
            "weights-4": (Look("left", everywhere), Look("output", main)),
            "weights-5": (Look("row", main),),
            "weights-6": (Look("call", (*main, *elsewhere)), Look("above", small)),
            "weights-7": (Look("sum of row", main), Look("sum of call", everywhere)),
            "weights-8": (
                Look("echo", main),
                Look("twins", everywhere),
                Look("overlap", main),
            ),
        }
        return Plan(main, elsewhere, small, looks, _counts())


def _counts() -> dict[str, Count]:
    squares = "mean square of what an output is off by, of its range"
    deviations = "share of outputs within 0.6745 standard deviations"
    return {
        "product-3": Count("drop rate of the bias", (0.3, 0.7), 0.02, (BIAS_RATE,)),
        "product-4": Count("mean output, of its range", HALVES, 0.01, MOMENT_RATES),
        "product-5": Count(squares, HALVES, 0.01, MOMENT_RATES),
        "inference-5": Count("share of outputs above the mean", HALVES, 0.03, MOMENT_RATES),
        "inference-6": Count(deviations, HALVES, 0.03, MOMENT_RATES),
    }
