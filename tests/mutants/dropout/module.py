"""Mutants of the chapter module: buffers, copies, pickles, repr and the functional form."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import breaks


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


@breaks("module-2")
class PicklesIntoTraining(Dropout):
    """Comes back from a pickle in training mode, whatever it was in."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.p,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)(self.p).train(self.training)


@breaks("module-2")
class CopiesFirstRate(Dropout):
    """Its deep copy has the rate of construction, whatever the rate is by now."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.first = p

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)(self.first).train(self.training)


@breaks("module-2")
class RoundsRateWithModel(Dropout):
    """Holds its rate as a buffer that is not saved, and model.half() and model.bfloat16() round it:
    0.9 becomes 0.8984.
    """

    rate: Tensor

    @property
    def p(self) -> float:
        """The rate, as the buffer has it."""
        return self.rate.item()

    @p.setter
    def p(self, rate: float) -> None:
        self.register_buffer("rate", torch.tensor(rate, dtype=torch.float64), persistent=False)
