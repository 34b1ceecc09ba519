"""Tensors from arrays and back, and the gradients of one call by autograd."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from dropspec.core.arrays import DTYPES, Array, copy_as_laid_out
from dropspec.core.calls import Arrays, Tape
from dropspec.core.driver import refuse

BFLOAT16 = DTYPES["bfloat16"]


def to_torch(x: Array) -> Tensor:
    """A tensor with its own memory, and with the values and strides of x."""
    own = copy_as_laid_out(x)
    if own.dtype == BFLOAT16:
        return torch.from_numpy(own.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(own)


def to_numpy(x: Tensor) -> Array:
    """The tensor as an array, sharing memory with it where it can."""
    x = x.detach().cpu()
    if x.dtype == torch.bfloat16:
        return x.view(torch.int16).numpy().view(BFLOAT16)
    return np.asarray(x.numpy())


class TorchTape(Tape):
    """The input, parameters and output of one call; `turned` are the parameters held transposed."""

    def __init__(
        self,
        x: Tensor,
        held: Mapping[str, Tensor | None],
        y: Tensor,
        turned: frozenset[str] = frozenset(),
    ) -> None:
        self.x, self.y, self._held, self._turned = x, y, held, turned

    def after(self) -> Arrays:
        """The input as the call left it."""
        return {"x": to_numpy(self.x)}

    def gradients(self, upstream: Array) -> Arrays:
        """By autograd; zeros where the output does not depend on an array, as a network gets."""
        u = to_torch(upstream).to(self.y.dtype)
        wanted = {"x": self.x, **{n: t for n, t in self._held.items() if t is not None}}
        found: dict[str, Array | None] = dict.fromkeys(self._held)
        for (name, tensor), g in zip(
            wanted.items(), self._backward(u, list(wanted.values())), strict=True
        ):
            array = to_numpy(torch.zeros_like(tensor) if g is None else g)
            found[name] = array.T if name in self._turned else array
        return found

    def double_gradient(self, upstream: Array, weights: Array) -> Array:
        """Zeros where the gradient does not depend on the upstream."""
        u = to_torch(upstream).requires_grad_()
        (g,) = self._backward(u, [self.x], create_graph=True)
        total = ((torch.zeros_like(self.x) if g is None else g) * to_torch(weights)).sum()
        if not total.requires_grad:
            return np.zeros_like(upstream)
        (outer,) = torch.autograd.grad(total, u, retain_graph=True, allow_unused=True)
        if outer is None:
            _walk(total)
            return np.zeros_like(upstream)
        return to_numpy(outer)

    def _backward(
        self, u: Tensor, wanted: list[Tensor], create_graph: bool = False
    ) -> list[Tensor | None]:
        if not self.y.requires_grad:
            return [None] * len(wanted)
        # of a sum: autograd.grad with an upstream imports sympy first. The gradient is u exactly
        total = (self.y * u).sum()
        grads = torch.autograd.grad(
            total, wanted, retain_graph=True, create_graph=create_graph, allow_unused=True
        )
        return list(grads)


def _walk(total: Tensor) -> None:
    """Walks a whole graph backwards, so that what its author put there is raised.

    Raises NotClaimed for @once_differentiable.
    """
    try:
        total.backward(retain_graph=True)  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        if "once_differentiable" not in str(error):
            raise
        refuse("it says that its backward pass is differentiable once only (@once_differentiable)")


class InPlaceTape(TorchTape):
    """A call in place: its input is not the leaf that the gradient is taken of."""

    def __init__(self, leaf: Tensor, y: Tensor, given: Tensor) -> None:
        super().__init__(leaf, {}, y)
        self._given = given

    def after(self) -> Arrays:
        """The input as the call left it."""
        return {"x": to_numpy(self._given)}


class CheckpointedTape(TorchTape):
    """A call under reentrant checkpointing, which knows backward() only."""

    def _backward(
        self, u: Tensor, wanted: list[Tensor], create_graph: bool = False
    ) -> list[Tensor | None]:
        self.x.grad = None
        (self.y * u).sum().backward()  # type: ignore[no-untyped-call]
        return [self.x.grad]
