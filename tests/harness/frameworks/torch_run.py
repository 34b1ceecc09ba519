"""One call of a torch layer: tensors from arrays and back, and the gradients of just that call."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from dropspec.core.arrays import DTYPES, Array, copy_as_laid_out, is_floating
from dropspec.core.errors import BadReply, NotClaimed
from dropspec.core.guard import Guard

BFLOAT16 = DTYPES["bfloat16"]


def to_torch(x: Array) -> Tensor:
    """A tensor with its own memory, and with the values and strides of x."""
    own = copy_as_laid_out(x)
    return torch.from_numpy(own.view(np.int16)).view(torch.bfloat16) if own.dtype == BFLOAT16 else torch.from_numpy(own)


def to_numpy(x: Tensor) -> Array:
    """The tensor as an array, sharing memory with it where it can."""
    x = x.detach().cpu()
    return x.view(torch.int16).numpy().view(BFLOAT16) if x.dtype == torch.bfloat16 else np.asarray(x.numpy())


def without_mask(y: Any) -> Any:
    """The output of a pair (output, mask), as torch.native_dropout returns it; whatever else came as it is."""
    return y[0] if isinstance(y, tuple) and len(y) == 2 else y


class TorchRun:
    """One call of a torch layer; its gradients come from autograd on just this call."""

    def __init__(self, x: Tensor, y: Any, guard: Guard, what: object) -> None:
        y = without_mask(y)
        if not isinstance(y, Tensor):
            raise BadReply(f"{what} returned {type(y).__name__}, not a tensor")
        if y.shape != x.shape:
            raise BadReply(f"{what} returned shape {tuple(y.shape)} for input of shape {tuple(x.shape)}")
        self.x, self.y, self._guard, self._what = x, y, guard, what
        self.output = to_numpy(y)
        if not is_floating(self.output.dtype) and is_floating(to_numpy(x).dtype):
            raise BadReply(f"{what} returned dtype {y.dtype} for input of dtype {x.dtype}")

    @property
    def input_after(self) -> Array:
        """The input as the call left it."""
        return to_numpy(self.x)

    def gradient(self, upstream: Array) -> Array:
        """By autograd; zeros where the output does not depend on the input, as a network around it would get."""
        self._guard.record_backward(upstream)
        with self._guard.call(f"the backward pass of {self._what}"):
            return to_numpy(self._gradient(to_torch(upstream).to(self.y.dtype), create_graph=False))

    def double_gradient(self, upstream: Array, weights: Array) -> Array:
        """The gradient of sum(gradient(upstream) · weights) with respect to upstream; zeros where it does not depend on that."""
        with self._guard.call(f"the double backward pass of {self._what}"):
            u = to_torch(upstream).requires_grad_()
            total = (self._gradient(u, create_graph=True) * to_torch(weights)).sum()
            outer = None
            if total.requires_grad:
                (outer,) = torch.autograd.grad(total, u, retain_graph=True, allow_unused=True)
            if total.requires_grad and outer is None:
                _walk(total)
            return np.zeros_like(upstream) if outer is None else to_numpy(outer)

    def _gradient(self, u: Tensor, create_graph: bool) -> Tensor:
        if not self.y.requires_grad:
            return torch.zeros_like(self.x)
        # of a sum, as giving the upstream to autograd.grad imports sympy first; the factor's gradient is u exactly
        (g,) = torch.autograd.grad((self.y * u).sum(), self.x, retain_graph=True, create_graph=create_graph, allow_unused=True)
        return torch.zeros_like(self.x) if g is None else g


def _walk(total: Tensor) -> None:
    """Goes back through a whole graph, for what its author put there to be raised. Raises NotClaimed for @once_differentiable."""
    try:
        total.backward(retain_graph=True)  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        if "once_differentiable" not in str(error):
            raise
        raise NotClaimed("it says itself that its backward pass is differentiable once only (@once_differentiable)") from error


class InPlaceRun(TorchRun):
    """One call in place: its input is not the leaf that a gradient is with respect to."""

    def __init__(self, leaf: Tensor, y: Any, guard: Guard, what: object, given: Tensor) -> None:
        super().__init__(leaf, y, guard, what)
        self._given = given

    @property
    def input_after(self) -> Array:
        """The input as the call left it."""
        return to_numpy(self._given)


class CheckpointedRun(TorchRun):
    """One call under reentrant checkpointing, which knows backward() only."""

    def _gradient(self, u: Tensor, create_graph: bool) -> Tensor:
        self.x.grad = None
        (self.y * u).sum().backward()  # type: ignore[no-untyped-call]
        return torch.zeros_like(self.x) if self.x.grad is None else self.x.grad
