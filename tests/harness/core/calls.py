"""One call of an implementation as data, and what a framework keeps of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dropspec.core.arrays import Array
from dropspec.core.errors import NotClaimed

Arrays = Mapping[str, Array | None]


@dataclass(frozen=True)
class Call:
    """A call as data, to spell a reproduction from.

    `arrays` are the input `x` and the parameters of the layer by name. `options` is what its
    constructor was given besides sizes and rate. `upstream` is the upstream gradient of the last
    backward pass through it, and `assigned` the rate, with its attribute, that was assigned to
    between the two.
    """

    mode: str
    arrays: Arrays
    rate: Any
    seed: int | None
    differentiable: bool
    options: Mapping[str, Any] = field(default_factory=dict)
    upstream: Array | None = None
    assigned: tuple[str, Any] | None = None

    @property
    def x(self) -> Array:
        """The input."""
        x = self.arrays["x"]
        assert x is not None
        return x


class Tape:
    """What a framework keeps of one call. `no_backward` says why there are no gradients."""

    no_backward = "it offers no backward pass"

    def after(self) -> Arrays:
        """The arrays by name, as the call left them."""
        raise NotClaimed("its input cannot be read after the call")

    def gradients(self, upstream: Array) -> Arrays:
        """The gradients with respect to the input `x` and to each parameter, by name."""
        raise NotClaimed(self.no_backward)

    def double_gradient(self, upstream: Array, weights: Array) -> Array:
        """The gradient of sum(gradient(upstream) · weights) with respect to upstream."""
        raise NotClaimed(self.no_backward)


class Description:
    """The name of a call, put into words only when read: words take longer than most calls."""

    def __init__(self, words: Callable[[], str]) -> None:
        self._words = words

    def __str__(self) -> str:
        return self._words()
