"""A linear layer whose weights are dropped, as the suite sees it: a dropout of its weights.

`connect` gives a layer with a weight and a bias of the suite's choice. From that follow `layer`
(one input of 1, so that each output is one weight: for arithmetic) and `masks` (many weights a
call, read by a probe: for chance). Both are bound to an array of weights, and give it back with
some of it dropped, so campaigns and shared trials need not know which family they look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dropspec.core.arrays import DTYPES, Array, Bits, nonzero
from dropspec.core.driver import NONE, Driver, refuse
from dropspec.core.errors import ImplementationError, NotClaimed, Unreadable
from dropspec.core.facts import Facts, Kind
from dropspec.core.implementation import Implementation
from dropspec.core.layer import Layer
from dropspec.families.dropconnect.probes import probe
from dropspec.families.dropconnect.views import Probed, SingleInput, StoredWeights

SCALE_WEIGHTS = 1 << 14  # so many that at rate .999 some survive
EXAMPLES = 16  # that a call can show apart
UNREACHABLE = (
    "with weight and bias 0 its output in evaluation is not 0: it owns weights that cannot be "
    "reached from outside, so nothing is claimed of its masks"
)
NO_PRODUCT = "its output is not a linear layer's: it is judged by the masked weight that it stores"


class Linear(Implementation):
    """A DropConnect implementation under test.

    `mask_per` is for whom a mask is drawn, `example` or `call`; `bias` is what becomes of the bias,
    `kept` or `dropped`: as claimed, or as seen. `samples` is the number of draws of an evaluation
    that matches moments, 0 for the plain layer. `examples` is how many a call can show apart.
    """

    def __init__(self, facts: Facts, driver: Driver) -> None:
        super().__init__(facts, driver)
        claimed, seen = facts.declared.also, facts.seen
        self.is_stored = bool(claimed.get("masked_weight"))
        self.claimed_mask_per = str(claimed.get("mask_per") or "")
        self.mask_per = self.claimed_mask_per or str(seen.get("mask_per", ""))
        self.bias = str(claimed.get("bias") or seen.get("bias", ""))
        self.samples = int(claimed.get("samples") or 0)
        self.examples = 1 if self.is_stored else EXAMPLES
        if self.is_stored:
            self.mask_per = "call"

    @property
    def has_bias(self) -> bool:
        """Whether it takes a bias at all."""
        return self.facts.kind is not Kind.CLASS or "bias" in self.facts.places

    def require_bias(self) -> None:
        """Raises NotClaimed where it does not."""
        if self.is_stored:
            refuse(NO_PRODUCT)
        if not self.has_bias:
            refuse("it has no bias")

    def connect(
        self,
        rate: Any,
        weight: Array,
        bias: Array | None = None,
        options: Mapping[str, Any] = NONE,
    ) -> Layer:
        """A new layer of weight.shape = (outputs, inputs), with this weight and bias.

        Without a bias, a function that needs one gets zeros, and the own bias of a class is set to
        0. Raises NotClaimed where the weight cannot be set, or an option is not known.
        """
        if unreachable := self.facts.seen.get("unreachable"):
            refuse(unreachable)
        if self.is_stored:
            refuse(NO_PRODUCT)
        if bias is None and "bias" in self.facts.signature.required:
            bias = np.zeros(len(weight), weight.dtype)
        return self.driver.build(rate, {"weight": weight, "bias": bias}, options)

    def without_bias(self, rate: Any, weight: Array) -> Layer:
        """A new layer that is built with `bias=False`. Raises NotClaimed where it cannot be."""
        if self.facts.kind is not Kind.CLASS:
            refuse("it is not a class that is built with or without a bias")
        return self.connect(rate, weight, options={"bias": False})

    def constructed(self, rate: Any) -> Layer:
        """A layer; of a class, one of that rate has been constructed."""
        self.driver.construct(rate, (1, 1))
        return self.layer(rate)

    def layer(self, rate: Any) -> Layer:
        """One weight an output, and one input of 1; or the weight that it stores."""
        if self.is_stored:
            return StoredWeights(self.driver, rate)
        return SingleInput(lambda weight: self.connect(rate, weight))

    def masks(self, rate: Any) -> Layer:
        """Many weights an output, read by a probe."""
        if self.is_stored:
            return self.layer(rate)
        return Probed(
            lambda weight: self.connect(rate, weight),
            lambda dtype: self.scale(rate, dtype),
            self.mask_per == "call",
        )

    def draw(self, rate: Any, examples: int, signs: Array, dtype: np.dtype[Any]) -> Bits:
        """The masks (examples, outputs, inputs) of one training call, for weights of these signs.

        Raises Unreadable. Of a stored weight, the mask of the whole weight, for one example.
        """
        if self.is_stored:
            inputs = signs.shape[1]
            shape = (self.facts.places["weight"].times * inputs, inputs)
            return nonzero(self.layer(rate).train(np.ones(shape, dtype)).output)[None]
        numbers = probe(examples, signs, dtype)
        y = self.connect(rate, numbers.weight).train(numbers.x).output
        return numbers.read(y, self.scale(rate, dtype))

    def scale(self, rate: Any, dtype: np.dtype[Any]) -> float:
        """The factor of survivors: the median of many; 1 / keep where none survives."""
        ones = np.ones(SCALE_WEIGHTS, dtype)
        sizes = np.abs(self.layer(rate).train(ones).output.astype(np.float64))
        survivors = sizes[(sizes > 0) & np.isfinite(sizes)]
        return float(np.median(survivors)) if survivors.size else 1 / (1 - rate)


def see(impl: Linear) -> Mapping[str, Any]:
    """Whether weights can be reached, for whom a mask is drawn, and what becomes of the bias."""
    if impl.is_stored:
        return {}
    impl.reseed(0)
    dtype = DTYPES[impl.dtypes[0]]
    nothing = np.zeros((16, 16), dtype)
    try:
        if _owns_more(impl, nothing):
            return {"unreachable": UNREACHABLE}
        first, second = impl.draw(0.5, 2, np.ones((16, 16)), dtype)
        mask_per = "call" if np.array_equal(first, second) else "example"
    except (ImplementationError, NotClaimed, Unreadable):
        mask_per = "call"
    return {"mask_per": mask_per, "bias": impl.bias or _fate_of_bias(impl, nothing)}


def _owns_more(impl: Linear, nothing: Array) -> bool:
    """Whether something comes out of weights and biases of 0 where nothing is dropped."""
    bias, ones = nothing[0] if impl.has_bias else None, np.ones((2, 16), nothing.dtype)
    layer = impl.connect(0.5, nothing, bias)
    try:
        y = layer.evaluate(ones).output
    except NotClaimed:  # it has no evaluation mode
        y = impl.connect(0.0, nothing, bias).train(ones).output
    return bool(nonzero(y).any())


def _fate_of_bias(impl: Linear, nothing: Array) -> str:
    if not impl.has_bias:
        return ""
    ones = np.ones((16, 16), nothing.dtype)
    try:
        y = impl.connect(0.5, nothing, ones[0]).train(ones).output
    except (ImplementationError, NotClaimed):
        return "kept"
    return "kept" if nonzero(y).all() else "dropped"
