"""Networks around a torch layer, and what a module is besides its forward pass."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from dropspec.core.arrays import Array
from dropspec.core.guard import Guard
from dropspec.core.networks import Backward, Networks, Parent, Step
from dropspec.core.recorded import Recorded
from dropspec.frameworks.torch.tape import TorchTape, to_numpy, to_torch

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
LOSSES: dict[str, Loss] = {  # of the layer's input h, its output y, and numbers u
    "a sum": lambda h, y, u: y.sum(),
    "a transposed sum": lambda h, y, u: (y.t() * u.t().contiguous()).sum(),
    "a residual sum": lambda h, y, u: ((h + y) * u).sum(),
}


class Builder(Protocol):
    """What networks need of a driver."""

    guard: Guard

    def reseed(self, seed: int) -> None:
        """Seeds what the next modules draw from."""

    def module(self, rate: Any) -> nn.Module:
        """A module that drops out."""

    def own_module(self, rate: Any) -> nn.Module:
        """A module of the target's own class. Raises NotClaimed."""

    def spelled(self, rate: Any, mode: str = "") -> str:
        """How messages call it."""


class TorchNetworks(Networks):
    """Networks of torch modules."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder

    def backwards(self, rate: float, seed: int, dtypes: tuple[str, ...]) -> Iterator[Backward]:
        """The upstream of a sum is one number, expanded; that of a transposed output transposed.

        That of a residual connection is not the layer's alone. The layer's input is not a leaf.
        """
        builder, rng = self._builder, np.random.default_rng(seed)
        sizes = [-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]
        numbers = [torch.from_numpy(rng.choice(sizes, (48, 96))) for _ in range(2)]
        for dtype in dtypes:
            leaf, u = (t.to(getattr(torch, dtype)) for t in numbers)
            leaf.requires_grad_()
            builder.reseed(seed)
            for name, loss in LOSSES.items():
                what = f"a network around {builder.spelled(rate, 'training')} in {dtype}"
                with builder.guard.call(what):
                    module = builder.module(rate)
                    module.train()
                    h = leaf * 1
                    y = module(h)
                    mask = y.detach() != 0
                    (g,) = torch.autograd.grad(loss(h, y, u), leaf)
                of_layer = torch.where(mask, 1 / (1 - rate), 0.0) * (1 if name == "a sum" else u)
                expected = of_layer + (u if "residual" in name else 0)
                got, right = (t.double().numpy() for t in (g, expected))
                yield Backward(f"{name} of outputs, in {dtype}", got, right, mask.numpy())

    def twice_on_one_input(self, rate: float, seed: int, units: int) -> list[tuple[Array, Array]]:
        """Both forward passes come before the backward passes."""
        builder = self._builder
        module = builder.module(rate)
        builder.reseed(seed)
        x = torch.ones(units, requires_grad=True)
        name = builder.spelled(rate, "training")
        with builder.guard.call(f"two forwards of {name} on one tensor, and their backwards"):
            module.train()
            outputs = [module(x) for _ in range(2)]
            gradients = [torch.autograd.grad(y.sum(), x)[0] for y in outputs]
        return [(to_numpy(y), to_numpy(g)) for y, g in zip(outputs, gradients, strict=True)]

    def sgd(
        self, rate: float, seed: int, into: Array, out: Array, examples: Array
    ) -> Iterator[Step]:
        """Plain SGD, spelled out: torch.optim takes a second to import."""
        builder = self._builder
        dropout = builder.module(rate)
        dropout.train()
        builder.reseed(seed)
        units, inputs = into.shape
        for example in to_torch(examples):
            first, second = nn.Linear(inputs, units), nn.Linear(units, 1)
            for linear, weight in ((first, into), (second, out)):
                linear.weight.data = to_torch(weight)
                linear.bias.data = torch.zeros_like(linear.bias)
            with builder.guard.call(
                f"training a network around {builder.spelled(rate, 'training')}"
            ):
                active = torch.relu(first(example))
                hidden = dropout(active)
                (second(hidden) - 9).square().sum().backward()
            for linear in (first, second):
                assert linear.weight.grad is not None
                linear.weight.data -= 0.01 * linear.weight.grad
            found = (active[0], hidden[0], first.weight, second.weight.t())
            yield Step(*(to_numpy(t) for t in found))

    def nested(self, rate: float) -> Parent:
        """In a Sequential in a ModuleList in a module."""
        name = f"a network around {self._builder.spelled(rate)}"
        return TorchParent(_Nest(self._builder.own_module(rate)), self._builder.guard, name)

    def held(self, rate: float) -> list[str]:
        """Of a new module."""
        module = self._builder.own_module(rate)
        named = (*module.named_parameters(), *module.named_buffers())
        return sorted({*(name for name, _ in named), *module.state_dict()})

    def shown(self, rate: float) -> str:
        """Of a new module."""
        return repr(self._builder.own_module(rate))

    def copy_is_itself(self, rate: float) -> bool:
        """Whether evaluating the copy puts the module into evaluation mode."""
        module = self._builder.own_module(rate)
        module.train()
        with self._builder.guard.call(f"copying {self._builder.spelled(rate)}"):
            copied = copy.deepcopy(module)
            copied.eval()
        return copied is module or not module.training

    def round_trips(
        self, rate: float, seed: int, x: Array, evaluation: bool
    ) -> Iterator[tuple[str, bool, Array]]:
        """Of a module that was called before, in training; and of one in evaluation mode."""
        builder, tensor = self._builder, to_torch(x)
        with builder.guard.call(f"copying {builder.spelled(rate)}"):
            others = dict(self._copies(rate, tensor, evaluation))
        builder.reseed(seed)
        for how, (is_evaluated, other) in others.items():
            with builder.guard.call(f"a call of {builder.spelled(rate)} after {how}"):
                y = other(tensor.clone())
            yield how, is_evaluated, to_numpy(y)

    def _copies(
        self, rate: float, x: Tensor, evaluation: bool
    ) -> Iterator[tuple[str, tuple[bool, nn.Module]]]:
        build = self._builder.own_module
        module = build(rate)
        module.train()
        module(x.clone().requires_grad_() * 1)  # it may work in place, which a leaf may not
        copied = copy.deepcopy(module)
        copied.eval()
        copied.train()
        yield "copy.deepcopy", (False, copied)
        yield "pickle", (False, pickle.loads(pickle.dumps(module)))
        yield "a state_dict, saved and loaded", (False, reload(module, build(rate)))
        yield "conversion to bfloat16 and back", (False, build(rate).bfloat16().float())
        if evaluation:
            evaluated = build(rate)
            evaluated.eval()
            yield "copy.deepcopy in evaluation mode", (True, copy.deepcopy(evaluated))
            yield "pickle in evaluation mode", (True, pickle.loads(pickle.dumps(evaluated)))


def reload(module: nn.Module, other: nn.Module) -> nn.Module:
    """The other module, which loads the state_dict of the one, through a file."""
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file))
    return other


class _Nest(nn.Module):
    """Holds a layer as a network would, two containers deep."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Sequential(nn.Identity(), inner)])

    def forward(self, x: Tensor) -> Any:
        """The layer's own output."""
        return self.blocks[0](x)


class TorchParent(Parent):
    """A module around the layer."""

    def __init__(self, net: nn.Module, guard: Guard, name: str) -> None:
        self._net, self._guard, self._name = net, guard, name

    def set_mode(self, mode: str) -> None:
        """By train() or eval() of the parent."""
        with self._guard.call(self._name):
            self._net.train() if mode == "training" else self._net.eval()

    def copy(self) -> TorchParent:
        """By copy.deepcopy."""
        return TorchParent(copy.deepcopy(self._net), self._guard, self._name)

    def train(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """Sets the mode, and calls the parent."""
        return self._call("training", x, differentiable)

    def evaluate(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """Sets the mode, and calls the parent."""
        return self._call("evaluation", x, differentiable)

    def _call(self, mode: str, x: Array, differentiable: bool) -> Recorded:
        tensor = to_torch(x).requires_grad_(differentiable)
        self.set_mode(mode)
        with self._guard.call(self._name):
            y = self._net(tensor)
            return Recorded(to_numpy(y), TorchTape(tensor, {}, y), self._guard, self._name)
