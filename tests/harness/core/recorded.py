"""One call of an implementation, recorded: one class for all frameworks and kinds of dropout."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dropspec.core.arrays import Array
from dropspec.core.calls import Arrays, Tape
from dropspec.core.errors import BadReply
from dropspec.core.guard import Guard


class Recorded:
    """One call, recorded: its output, the arrays after it, and the backward passes of this call."""

    def __init__(
        self,
        output: Array,
        tape: Tape,
        guard: Guard,
        what: object,
        shapes: Mapping[str, tuple[int, ...] | None] = MappingProxyType({}),
    ) -> None:
        self.output, self.guard = output, guard
        self._tape, self._what, self._shapes = tape, what, shapes

    @property
    def input_after(self) -> Array:
        """The input as the call left it. Raises NotClaimed where it cannot be read."""
        x = self._tape.after()["x"]
        assert x is not None
        return x

    def gradients(self, upstream: Array) -> Arrays:
        """The gradients by array name, each of the array's shape; None for an absent array.

        May be asked for again and again. Raises NotClaimed without a backward pass.
        """
        self.guard.record_backward(upstream)
        with self.guard.call(f"the backward pass of {self._what}"):
            found = self._tape.gradients(upstream)
        for name, gradient in found.items():
            if gradient is not None:
                said = f"the backward pass of {self._what} gave for {name} a gradient of"
                self._of_its_shape(name, gradient, said)
        return found

    def _of_its_shape(self, name: str, array: Array, said: str) -> Array:
        """The array; raises BadReply where it has not the shape of that array of the call."""
        shape = self._shapes.get(name)
        if shape is not None and array.shape != shape:
            raise BadReply(f"{said} shape {array.shape}; it was given {shape}")
        return array

    def gradient(self, upstream: Array) -> Array:
        """The gradient with respect to the input, as `gradients`."""
        x = self.gradients(upstream)["x"]
        assert x is not None
        return x

    def double_gradient(self, upstream: Array, weights: Array) -> Array:
        """The gradient of sum(gradient(upstream) · weights) with respect to upstream."""
        with self.guard.call(f"the double backward pass of {self._what}"):
            return self._tape.double_gradient(upstream, weights)
