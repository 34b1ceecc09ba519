"""Reads masked weights off torch modules that store them, such as those of an LSTM.

After a forward pass, an attribute holds the masked weight; the raw one is a parameter of the same
name and more (`weight_hh_l0_raw`). The masked weight is an elementwise dropout of the raw one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from math import isqrt, prod
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from dropspec.core.arrays import Array
from dropspec.core.calls import Arrays, Call, Tape
from dropspec.core.driver import refuse
from dropspec.core.errors import BadReply, BadTarget
from dropspec.core.facts import Place
from dropspec.core.guard import Guard
from dropspec.core.layer import Bound, Layer
from dropspec.core.recorded import Recorded
from dropspec.frameworks.torch.networks import reload
from dropspec.frameworks.torch.places import Constructor, parameters_of
from dropspec.frameworks.torch.tape import to_numpy, to_torch


class Modules(Constructor, Protocol):
    """What stored weights need of a driver."""

    guard: Guard
    last_seed: int | None


def find_place(driver: Constructor, masked: str) -> Mapping[str, Place]:
    """The raw weight of a masked one. Raises BadTarget where no parameter is named after it."""
    *owner, leaf = masked.split(".")
    own = parameters_of(driver, driver.site.sizes({"weight": (4, 4)}))
    named = [name for name in own if leaf in name]
    if not named:
        raise BadTarget(
            f"{driver.facts.target.text} claims that {masked} holds a masked weight, but has no "
            f"parameter named after {leaf!r} (it has {', '.join(own) or 'none'})"
        )

    def likeness(name: str) -> tuple[bool, bool, int]:
        is_raw = name.endswith(("_raw", "original", "_orig"))
        return not is_raw, ".".join(owner) not in name, len(name)

    raw = min(named, key=likeness)
    return {"weight": Place(raw, times=max(prod(own[raw]) // 4**2, 1))}


class StoredWeight(Bound):
    """A module whose raw weight is set; its output is the masked weight after a call."""

    def __init__(
        self, driver: Modules, rate: Any, x: Array, size: int, module: nn.Module | None = None
    ) -> None:
        super().__init__(Layer(), x)
        self._driver, self._rate, self._size = driver, rate, size
        self._name = driver.facts.places["weight"].name
        self._module = module or self._set(driver.construction(rate, (size, size)))
        self._raw = self._module.get_parameter(self._name)

    def _set(self, module: nn.Module) -> nn.Module:
        """Puts x into the raw weight, and fills that up with 1."""
        with self._driver.guard.call(f"setting {self._name}"), torch.no_grad():
            module = module.to(to_torch(self.x).dtype)
            raw = module.get_parameter(self._name)
            flat = torch.ones(raw.numel(), dtype=raw.dtype)
            flat[: self.x.size] = to_torch(self.x).reshape(-1)
            raw.copy_(flat.reshape(raw.shape))
        return module

    def train(self, *, differentiable: bool = False) -> Recorded:
        """A forward pass in training mode."""
        return self._call("training", differentiable)

    def evaluate(self, *, differentiable: bool = False) -> Recorded:
        """A forward pass in evaluation mode."""
        if self._driver.facts.no_evaluation:
            refuse(self._driver.facts.no_evaluation)
        return self._call("evaluation", differentiable)

    def _call(self, mode: str, differentiable: bool) -> Recorded:
        driver, masked = self._driver, self._driver.facts.declared.also["masked_weight"]
        what = f"the {mode} forward of {self} in {self.x.dtype}"
        arrays = {"x": self.x}
        driver.guard.record(Call(mode, arrays, self._rate, driver.last_seed, differentiable))
        with driver.guard.call(what), torch.set_grad_enabled(differentiable):
            self._module.train(mode == "training")  # whose own result may be None
            self._module(torch.zeros(1, 1, self._size, dtype=self._raw.dtype))
            found = _attribute(self._module, masked)
        if not isinstance(found, Tensor) or found.shape != self._raw.shape:
            raise BadReply(f"after {what}, {masked} is not a tensor of the shape of {self._name}")
        tape = StoredTape(self._raw, found, self.x.shape)
        return Recorded(tape.cut(found), tape, driver.guard, what)

    def copy(self) -> StoredWeight:
        """By copy.deepcopy."""
        return self._twin(copy.deepcopy)

    def reloaded(self) -> StoredWeight:
        """A new module that loaded the state_dict of this one, through a file."""

        def how(module: nn.Module) -> nn.Module:
            other = self._driver.construction(self._rate, (self._size, self._size))
            return reload(module, other.to(self._raw.dtype))

        return self._twin(how)

    def _twin(self, how: Callable[[nn.Module], nn.Module]) -> StoredWeight:
        with self._driver.guard.call(f"copying {self}"):
            module = how(self._module)
        return StoredWeight(self._driver, self._rate, self.x, self._size, module)

    def __str__(self) -> str:
        return self._driver.construction_of(self._rate, (self._size, self._size))


class StoredTape(Tape):
    """The raw weight and the masked one after a forward pass, and how much of them was set."""

    def __init__(self, raw: Tensor, masked: Tensor, shape: tuple[int, ...]) -> None:
        self._raw, self._masked, self._shape = raw, masked, shape

    def cut(self, whole: Tensor) -> Array:
        """The part of a weight that was set."""
        return to_numpy(whole).reshape(-1)[: prod(self._shape)].reshape(self._shape)

    def after(self) -> Arrays:
        """The raw weight as the call left it."""
        return {"x": self.cut(self._raw)}

    def gradients(self, upstream: Array) -> Arrays:
        """Of the masked weight, with respect to the raw one."""
        if not self._masked.requires_grad:
            raise BadReply(
                "the masked weight that it stores does not depend on the raw one, "
                "so the raw one is not trained"
            )
        u = torch.zeros(self._masked.numel(), dtype=self._masked.dtype)
        u[: upstream.size] = to_torch(upstream).reshape(-1)
        total = (self._masked.reshape(-1) * u).sum()
        (g,) = torch.autograd.grad(total, self._raw, retain_graph=True, allow_unused=True)
        return {"x": self.cut(torch.zeros_like(self._raw) if g is None else g)}


def stored_weight(driver: Modules, rate: Any, x: Array) -> StoredWeight:
    """A new layer with x in its raw weight, just large enough."""
    times = driver.facts.places["weight"].times
    return StoredWeight(driver, rate, x, isqrt(max(prod(x.shape) - 1, 0) // times) + 1)


def _attribute(module: nn.Module, path: str) -> Any:
    """The attribute at the end of a dotted path."""
    found: Any = module
    for name in path.split("."):
        found = getattr(found, name)
    return found
