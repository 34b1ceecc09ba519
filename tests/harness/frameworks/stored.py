"""Drives a torch layer that drops weights which no linear output shows, such as those inside an LSTM, and stores the masked weight.

After a forward, an attribute holds the masked weight; the raw one is a parameter of the same name and more (`weight_hh_l0_raw`). What
came of the raw weight is an elementwise dropout of it, so this layer is judged by what it stores.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from math import isqrt, prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dropspec.core.arrays import Array, Bits, nonzero
from dropspec.core.calls import Call
from dropspec.core.errors import BadReply, BadTarget, NotClaimed
from dropspec.frameworks.base import Layer
from dropspec.frameworks.connections import Weights
from dropspec.frameworks.torch_connect import TorchConnectModule, reload
from dropspec.frameworks.torch_run import to_numpy, to_torch

NO_PRODUCT = "its output is no linear layer's: it is judged by the masked weight that it stores"


class StoredRun:
    """The masked weight after one forward."""

    def __init__(self, layer: StoredLayer, masked: Tensor, units: tuple[int, ...]) -> None:
        self._layer, self._masked, self._units = layer, masked, units
        self.output = self._cut(to_numpy(masked))

    def _cut(self, whole: Array) -> Array:
        return whole.reshape(-1)[: prod(self._units)].reshape(self._units)

    @property
    def input_after(self) -> Array:
        """The raw weight as the call left it."""
        return self._cut(to_numpy(self._layer.raw))

    def gradient(self, upstream: Array) -> Array:
        """With respect to the raw weight, of the masked one."""
        u = torch.zeros(self._masked.numel(), dtype=self._masked.dtype)
        u[: upstream.size] = to_torch(upstream).reshape(-1)
        with self._layer.adapter.guard.call("the backward pass through the masked weight"):
            if not self._masked.requires_grad:
                raise BadReply("the masked weight that it stores does not depend on the raw one, so the raw one is not trained")
            total = (self._masked.reshape(-1) * u).sum()
            (g,) = torch.autograd.grad(total, self._layer.raw, retain_graph=True, allow_unused=True)
        return self._cut(to_numpy(torch.zeros_like(self._layer.raw) if g is None else g))

    def double_gradient(self, upstream: Array, weights: Array) -> Array:
        """Not asked for."""
        raise NotClaimed("double gradients of weights are not looked at")


class StoredLayer(Weights):
    """A layer whose raw weight is set, and whose masked weight is read after each call."""

    def __init__(self, adapter: StoredAdapter, rate: Any) -> None:
        self.adapter, self._rate = adapter, rate
        self._set: Array | None = None

    def give(self, x: Array) -> StoredLayer:
        """The layer itself, built with x for its raw weight where it was not, and not called."""
        if self._set is not x:
            self._make(x)
        return self

    def copy(self) -> StoredLayer:
        """By copy.deepcopy."""
        return self._twin(copy.deepcopy)

    def reloaded(self) -> StoredLayer:
        """A new module that loaded the state_dict of this one, through a file."""
        return self._twin(lambda module: reload(module, self.adapter.build(self._rate, self._shape, {}).to(self.raw.dtype)))

    def _twin(self, how: Callable[[nn.Module], nn.Module]) -> StoredLayer:
        twin = StoredLayer(self.adapter, self._rate)
        with self.adapter.guard.call(f"copying {self.adapter.named(self._rate, self._shape, {})}"):
            twin._module = how(self._module)
            twin.raw = twin._module.get_parameter(self.adapter.weight_name)
        twin._set, twin._shape = self._set, self._shape
        return twin

    def train(self, x: Array, *, differentiable: bool = False) -> StoredRun:
        """A forward pass in training mode; x is what the raw weight is set to."""
        return self._forward("training", x, differentiable)

    def evaluate(self, x: Array, *, differentiable: bool = False) -> StoredRun:
        """A forward pass in evaluation mode."""
        self.adapter.require_eval_mode()
        return self._forward("evaluation", x, differentiable)

    def _forward(self, mode: str, x: Array, differentiable: bool) -> StoredRun:
        adapter = self.give(x).adapter
        what = f"the {mode} forward of {adapter.named(self._rate, self._shape, {})} in {x.dtype}"
        adapter.guard.record(Call(mode, x, self._rate, adapter.last_seed, differentiable))
        with adapter.guard.call(what), torch.set_grad_enabled(differentiable):
            self._module.train(mode == "training")  # whose own result may be None
            self._module(torch.zeros(1, 1, self._shape[1], dtype=self.raw.dtype))
            masked = attribute(self._module, adapter.claims.masked_weight)
        if not isinstance(masked, Tensor) or masked.shape != self.raw.shape:
            raise BadReply(f"after {what}, {adapter.claims.masked_weight} is no tensor of the shape of {adapter.weight_name}")
        return StoredRun(self, masked, x.shape)

    def _make(self, x: Array) -> None:
        size = isqrt(max(prod(x.shape) - 1, 0) // self.adapter.times) + 1
        self._shape = (size, size)
        self._module = self.adapter.build(self._rate, self._shape, {})
        with self.adapter.guard.call(f"setting {self.adapter.weight_name}"), torch.no_grad():
            self._module = self._module.to(to_torch(x).dtype)
            self.raw = self._module.get_parameter(self.adapter.weight_name)
            flat = torch.ones(self.raw.numel(), dtype=self.raw.dtype)
            flat[: x.size] = to_torch(x).reshape(-1)
            self.raw.copy_(flat.reshape(self.raw.shape))
        self._set = x


class StoredAdapter(TorchConnectModule):
    """A torch module class whose claims name the attribute that holds its masked weight."""

    mask_per = "call"
    examples = 1  # it stores one masked weight
    times = 1  # how many times the square of its size the weight has elements

    def find_parameters(self) -> None:
        """Finds the raw weight. Raises BadTarget where no parameter has the name of the masked one and more."""
        *owner, leaf = self.claims.masked_weight.split(".")
        module = self.build(0.5, (4, 4), {})
        names = [name for name, _ in module.named_parameters() if leaf in name]
        if not names:
            raise BadTarget(
                f"{self.target} claims that {self.claims.masked_weight} holds a masked weight, but has no parameter named after {leaf!r} "
                f"(it has {', '.join(n for n, _ in module.named_parameters()) or 'none'})"
            )
        self.weight_name = min(names, key=lambda n: (not n.endswith(("_raw", "original", "_orig")), ".".join(owner) not in n, len(n)))
        self.times = max(module.get_parameter(self.weight_name).numel() // 4**2, 1)

    def find_facts(self) -> None:
        """One mask serves the call: there is one masked weight."""

    def require_bias(self) -> None:
        """Raises NotClaimed: a bias is not looked at."""
        raise NotClaimed(NO_PRODUCT)

    def layer(self, rate: Any) -> Weights:
        """By the masked weight that it stores."""
        return StoredLayer(self, rate)

    def masks(self, rate: Any) -> Layer:
        """The same."""
        return StoredLayer(self, rate)

    def draw(self, rate: Any, examples: int, signs: Array, dtype: np.dtype[Any]) -> Bits:
        """The mask over the whole weight of a layer with as many inputs, for one example."""
        weight = np.ones((self.times * signs.shape[1], signs.shape[1]), dtype)
        return nonzero(self.layer(rate).train(weight).output)[None]

    def connect(self, rate: Any, weight: Array, bias: Array | None = None, **options: Any) -> Any:
        """Not offered."""
        raise NotClaimed(NO_PRODUCT)


def attribute(module: nn.Module, path: str) -> Any:
    """The attribute at the end of a dotted path."""
    found: Any = module
    for name in path.split("."):
        found = getattr(found, name)
    return found
