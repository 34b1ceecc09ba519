"""Mutants of the chapter module: buffers, copies, pickles, repr and the functional form."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants import breaks


@breaks("module-1")
class KeepsBuffer(Dropout):
    """Registers the rate as a buffer, so it turns up in every saved model."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.register_buffer("rate", torch.tensor(self.p))


@breaks("module-2")
class CopiesToItself(Dropout):
    """Its deep copy is the layer itself, so what is done to the one is done to the other."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


@breaks("module-2")
class ForgetsRateInPickle(Dropout):
    """Comes back from a pickle with the default rate."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


@breaks("module-3")
class HidesRate(Dropout):
    """Does not show the rate in its repr."""

    def extra_repr(self) -> str:
        return ""


def takes_keep(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """A functional form that reads p as the probability of keeping."""
    return Dropout(1 - p).train(training)(x)  # type: ignore[no-any-return]


@breaks("module-4")
class DisagreesWithFunction(Dropout):
    """Names a functional form that takes keep for the rate."""

    claims: ClassVar[dict[str, Any]] = {"functional": takes_keep}
