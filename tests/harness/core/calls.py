"""One call of an implementation, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dropspec.core.arrays import Array


@dataclass(frozen=True)
class Call:
    """The last call made of an implementation, kept to spell a reproduction from.

    `upstream` is that of the last backward pass through it. Of a linear layer `parameters` are its weight and bias, and `options` what its
    constructor was given besides sizes and rate.
    """

    mode: str
    x: Array
    rate: Any
    seed: int | None
    differentiable: bool
    parameters: tuple[Array, Array | None] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    upstream: Array | None = None


