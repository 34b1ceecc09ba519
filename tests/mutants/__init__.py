"""Layers that break stated clauses, to prove that the suite finds them, and right but unusual ones, to prove that it spares them.

Each is addressed as a user's layer is: `dropspec check dropspec.tests.mutants.scale:DividesByRate`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Layer = TypeVar("Layer", bound=Callable[..., object])


def breaks(*clauses: str) -> Callable[[Layer], Layer]:
    """States the clauses that a mutant was made to break; it must die on at least one of them."""

    def state(layer: Layer) -> Layer:
        layer.breaks = clauses  # type: ignore[attr-defined]
        return layer

    return state
