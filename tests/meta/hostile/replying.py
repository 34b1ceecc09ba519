"""Layers that return something else than a tensor of numbers, or spoil their input."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .kinds import Hostile, Wrong


class Liar(Tensor):
    """Says that it equals everything."""

    def __eq__(self, other: object) -> Any:
        return torch.ones(self.shape, dtype=torch.bool)

    def equal(self, other: Tensor) -> bool:
        """Yes."""
        return True

    __hash__ = Tensor.__hash__


class ReturnsLyingTensor(Wrong):
    """Returns a tensor that says it equals everything."""

    def forward(self, x: Tensor) -> Tensor:
        """As a Liar."""
        return super().forward(x).as_subclass(Liar)


class Proxy:
    """Passes everything on, and equals everything."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tensor, name)

    def __array__(self, *given: Any, **also: Any) -> Any:
        return self._tensor.numpy()

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class ReturnsProxy(Hostile):
    """Returns what only looks like a tensor."""

    says = "returned Proxy|not a tensor"
    may_conform = False

    def forward(self, x: Tensor) -> Any:
        """As a Proxy."""
        return Proxy(super().forward(x))


class ReturnsMeta(Hostile):
    """Returns a tensor without data."""

    may_conform = False

    def forward(self, x: Tensor) -> Tensor:
        """On the device meta."""
        return super().forward(x).to("meta")


class ReturnsSparse(Hostile):
    """Returns a sparse tensor."""

    may_conform = False

    def forward(self, x: Tensor) -> Tensor:
        """As a sparse tensor."""
        return super().forward(x).to_sparse()


class ReturnsComplex(Hostile):
    """Returns complex numbers."""

    may_conform = False

    def forward(self, x: Tensor) -> Tensor:
        """As complex numbers."""
        return super().forward(x) * torch.tensor(1j)


class EmptiesItsInput(Hostile):
    """Resizes its input to nothing."""

    may_conform = False

    def forward(self, x: Tensor) -> Tensor:
        """Dropout of an input that no longer exists."""
        y: Tensor = super().forward(x)
        x.data = torch.empty(0)
        return y
