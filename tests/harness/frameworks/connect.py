"""What the suite asks of a DropConnect layer, and how a weight matrix looks through it: as an elementwise dropout of the weights.

An adapter gives `connect`: a layer with a weight and a bias of the suite's choice. From that follow `masks` (many weights a call, read by a
probe: for chance) and `layer` (one input of 1, so that each output is one weight: for arithmetic). Both take an array for the weights and
give it back with some of it dropped, so campaigns and lenses need not know which family they look at.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dropspec.core.arrays import DTYPES, Array, Bits, nonzero
from dropspec.core.calls import Call
from dropspec.core.errors import ImplementationError, NotClaimed, Unreadable
from dropspec.families.probes import probe
from dropspec.frameworks.base import Adapter, Layer
from dropspec.frameworks.connections import Connection, Weights
from dropspec.frameworks.views import Probed, SingleInput

SCALE_WEIGHTS = 1 << 14  # so many that at rate .999 some survive
UNREACHABLE = (
    "with weight and bias 0 its output in evaluation is not 0: it owns weights that cannot be reached from outside, "
    "so nothing is claimed of its masks"
)


class ConnectAdapter(Adapter):
    """A DropConnect implementation under test. `mask_per` and `bias` are what it claims, or what was seen of it."""

    family = "dropconnect"
    mask_per = ""
    bias = ""
    examples = 16  # that a call can show apart

    def connect(self, rate: Any, weight: Array, bias: Array | None = None, **options: Any) -> Connection:
        """A new layer of weight.shape = (outputs, inputs), with this weight and bias, in the dtype of the weight."""
        raise NotImplementedError

    def without_bias(self, rate: Any, weight: Array) -> Connection:
        """A new layer that is built with `bias=False`. Raises NotClaimed where it cannot be."""
        raise NotClaimed("it is no class that is built with or without a bias")

    def plain(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """W x + b by the framework's own linear layer."""
        raise NotClaimed("its framework has no linear layer of its own")

    def layer(self, rate: Any) -> Weights:
        """One weight an output, and one input of 1."""
        return SingleInput(self, rate)

    def masks(self, rate: Any) -> Layer:
        """Many weights an output, read by a probe."""
        return Probed(self, rate)

    def lines_before(self, call: Call, weight: str, bias: str | bool) -> list[str]:
        """Python that comes before the expression of `spelled`: it sets the weight and the bias, given as Python."""
        return [f"weight = {weight}", f"bias = {bias or None}"]

    def spelled(self, rate: Any, mode: str, shape: tuple[int, ...] = (1, 1)) -> str:
        """A Python expression for the call on `x`, of a layer for a weight of that shape."""
        raise NotImplementedError

    def find_facts(self) -> None:
        """Finds out whether weights can be reached, and, where not claimed, for whom a mask is drawn and what becomes of the bias."""
        self.reseed(0)
        dtype = DTYPES[self.claims.dtypes[0]]
        nothing = np.zeros((16, 16), dtype)
        try:
            if self._owns_more(nothing):
                self.claims.unreachable = UNREACHABLE
                return
            first, second = self.draw(0.5, 2, np.ones((16, 16)), dtype)
            seen = "call" if np.array_equal(first, second) else "example"
        except (ImplementationError, NotClaimed, Unreadable):
            seen = "call"
        self.mask_per = self.claims.mask_per or seen
        self.bias = self.claims.bias or self._seen_of_bias(nothing)

    def _owns_more(self, nothing: Array) -> bool:
        """Whether something comes out of weights and biases of 0 where nothing is dropped."""
        layer, ones = self.connect(0.5, nothing, nothing[0] if self.has_bias else None), np.ones((2, 16), nothing.dtype)
        try:
            y = layer.evaluate(ones).output
        except NotClaimed:  # it has no evaluation mode
            y = self.connect(0.0, nothing, nothing[0] if self.has_bias else None).train(ones).output
        return bool(nonzero(y).any())

    @property
    def has_bias(self) -> bool:
        """Whether it takes a bias at all."""
        return True

    def require_bias(self) -> None:
        """Raises NotClaimed where it does not."""
        if not self.has_bias:
            raise NotClaimed("it has no bias")

    def _seen_of_bias(self, nothing: Array) -> str:
        if not self.has_bias:
            return ""
        try:
            y = self.connect(0.5, nothing, np.ones(16, nothing.dtype)).train(np.ones((16, 16), nothing.dtype)).output
        except (ImplementationError, NotClaimed):
            return "kept"
        return "kept" if nonzero(y).all() else "dropped"

    def draw(self, rate: Any, examples: int, signs: Array, dtype: np.dtype[Any]) -> Bits:
        """The masks (examples, outputs, inputs) of one training call, for weights of these signs. Raises Unreadable."""
        numbers = probe(examples, signs, dtype)
        return numbers.read(self.connect(rate, numbers.weight).train(numbers.x).output, self.scale(rate, dtype))

    def scale(self, rate: Any, dtype: np.dtype[Any]) -> float:
        """What survivors are multiplied by: the middle of many; 1 / keep where none survives."""
        ones = np.ones(SCALE_WEIGHTS, dtype)
        sizes = np.abs(self.layer(rate).train(ones).output.astype(np.float64))
        survivors = sizes[(sizes > 0) & np.isfinite(sizes)]
        return float(np.median(survivors)) if survivors.size else 1 / (1 - rate)
