"""A tensor of its own, as small packages have one over NumPy."""

from __future__ import annotations

from dropspec.reference.dropout import Array


class Tensor:
    """An array, in `data`."""

    def __init__(self, data: Array) -> None:
        self.data = data
