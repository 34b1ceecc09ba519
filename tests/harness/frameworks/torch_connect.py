"""Drives DropConnect layers of torch: a module class of (in_features, out_features, rate), or a function of (x, weight, bias, rate).

A module's weight and bias are found among its parameters by their shapes, and set. Its gradients come from autograd on just one call.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dropspec.core.arrays import Array, is_floating
from dropspec.core.calls import Call
from dropspec.core.errors import BadReply, BadTarget, NotClaimed
from dropspec.core.guard import Guard
from dropspec.frameworks.base import Claims, FunctionAdapter, Layer
from dropspec.frameworks.connect import ConnectAdapter
from dropspec.frameworks.connections import Connection, Gradients
from dropspec.frameworks.linear_signature import LinearSignature
from dropspec.frameworks.torch_run import to_numpy, to_torch
from dropspec.frameworks.torch_stream import TorchStream, stream_of_function

PROBE_SHAPE = (5, 3)  # of the weight by which the parameters are told apart: not square, so that a transposed one shows


class TorchProduct:
    """One call, with the parameters that it went through."""

    def __init__(self, x: Tensor, y: Any, parameters: tuple[Tensor, Tensor | None], turned: bool, guard: Guard, what: str) -> None:
        weight = parameters[0]
        outputs = weight.shape[1 if turned else 0]
        if not isinstance(y, Tensor):
            raise BadReply(f"{what} returned {type(y).__name__}, not a tensor")
        if y.shape != (*x.shape[:-1], outputs):
            raise BadReply(f"{what} returned shape {tuple(y.shape)}, where {(*x.shape[:-1], outputs)} is right")
        self.x, self.y, self._parameters, self._turned, self._guard, self._what = x, y, parameters, turned, guard, what
        self.output = to_numpy(y)
        if not is_floating(self.output.dtype):
            raise BadReply(f"{what} returned dtype {y.dtype} for input of dtype {x.dtype}")

    @property
    def input_after(self) -> Array:
        """The input as the call left it."""
        return to_numpy(self.x)

    def gradients(self, upstream: Array) -> Gradients:
        """By autograd; zeros where the output does not depend on something."""
        wanted = [t for t in (self.x, *self._parameters) if t is not None]
        self._guard.record_backward(upstream)
        with self._guard.call(f"the backward pass of {self._what}"):
            got: tuple[Any, ...] = (None,) * len(wanted)
            if self.y.requires_grad:  # of a sum, as giving the upstream to autograd.grad imports sympy first
                total = (self.y * to_torch(upstream).to(self.y.dtype)).sum()
                got = torch.autograd.grad(total, wanted, retain_graph=True, allow_unused=True)
            x, weight, *bias = (to_numpy(torch.zeros_like(t) if g is None else g) for t, g in zip(wanted, got, strict=True))
        return Gradients(x, weight.T if self._turned else weight, bias[0] if bias else None)


class TorchConnection(Connection):
    """A module, or a function with tensors of its own, switched between training and evaluation before each call."""

    def __init__(self, adapter: TorchConnectAdapter, call: Callable[[Tensor, bool], Any], made: _Made) -> None:
        self._adapter, self._call, self._made = adapter, call, made

    def train(self, x: Array, *, differentiable: bool = False) -> TorchProduct:
        """A forward pass in training mode."""
        return self._forward("training", x, differentiable)

    def evaluate(self, x: Array, *, differentiable: bool = False) -> TorchProduct:
        """A forward pass in evaluation mode."""
        self._adapter.require_eval_mode()
        return self._forward("evaluation", x, differentiable)

    def _forward(self, mode: str, x: Array, differentiable: bool) -> TorchProduct:
        adapter, made = self._adapter, self._made
        what = f"the {mode} forward of {adapter.named(made.rate, made.shape, made.options)} on {x.dtype} of shape {x.shape}"
        tensor = to_torch(x).requires_grad_(differentiable)
        adapter.guard.record(Call(mode, x, made.rate, adapter.last_seed, differentiable, self.parameters, made.options))
        with adapter.guard.call(what), torch.set_grad_enabled(differentiable):
            return TorchProduct(tensor, self._call(tensor, mode == "training"), made.parameters(), adapter.turned, adapter.guard, what)

    @property
    def parameters(self) -> tuple[Array, Array | None]:
        """The weight and the bias as they are now."""
        weight, bias = self._made.parameters()
        return to_numpy(weight.T if self._adapter.turned else weight), None if bias is None else to_numpy(bias)

    def assign(self, weight: Array) -> None:
        """Into the parameter in place, without a graph."""
        if self._made.module is None:
            super().assign(weight)
        own = self._made.parameters()[0]
        with torch.no_grad():
            own.copy_(to_torch(weight.T if self._adapter.turned else weight))

    def copy(self) -> TorchConnection:
        """By copy.deepcopy."""
        return self._adapter.copied(self._made, copy.deepcopy)

    def reloaded(self) -> TorchConnection:
        """A new module that loaded the state_dict of this one, through a file."""
        made, adapter = self._made, self._adapter
        dtype = made.parameters()[0].dtype
        return adapter.copied(made, lambda module: reload(module, adapter.build(made.rate, made.shape, made.options).to(dtype)))


class _Made:
    """What a connection was made of: the rate and shape, and where its weight and bias are to be found."""

    def __init__(
        self, rate: Any, shape: tuple[int, ...], options: dict[str, Any], module: nn.Module | None, find: Callable[[], Any]
    ) -> None:
        self.rate, self.shape, self.options, self.module, self._find = rate, shape, options, module, find

    def parameters(self) -> tuple[Tensor, Tensor | None]:
        """The weight and the bias."""
        weight, bias = self._find()
        return weight, bias


class TorchConnectAdapter(TorchStream, ConnectAdapter):
    """What modules and functions share."""

    turned = False

    def __init__(self, target: str, name: str, thing: Callable[..., Any], signature: LinearSignature, guard: Guard, claims: Claims) -> None:
        super().__init__(target, guard, claims)
        self.name, self.thing, self.signature = name, thing, signature

    def plain(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """By torch.nn.functional.linear."""
        return to_numpy(nn.functional.linear(to_torch(x), to_torch(weight), None if bias is None else to_torch(bias)))

    def require_reachable(self) -> None:
        """Raises NotClaimed where its weights cannot be set from outside."""
        if self.claims.unreachable:
            raise NotClaimed(self.claims.unreachable)

    def named(self, rate: Any, shape: tuple[int, ...], options: Mapping[str, Any]) -> str:
        """How messages call it."""
        return self.spelled(rate, "", shape)

    def build(self, rate: Any, shape: tuple[int, ...], options: dict[str, Any]) -> nn.Module:
        """A new module for a weight of that shape."""
        raise NotImplementedError

    def copied(self, made: _Made, how: Callable[[nn.Module], nn.Module]) -> TorchConnection:
        """A connection around a copy of a module."""
        raise NotClaimed("it is a function, which keeps nothing between calls")


def reload(module: nn.Module, other: nn.Module) -> nn.Module:
    """The other module, which loads the state_dict of the one, through a file."""
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file))
    return other


class TorchConnectModule(TorchConnectAdapter):
    """A module class; the sizes and the rate go to its constructor, the weight and the bias into its parameters."""

    at_construction = True
    weight_name, bias_name = "", ""

    def find_parameters(self) -> None:
        """Finds which parameters are the weight and the bias. Raises BadTarget where none has the shape of a weight."""
        outputs, inputs = PROBE_SHAPE
        named = {name: tuple(p.shape) for name, p in self.build(0.5, PROBE_SHAPE, {}).named_parameters()}
        weights = [n for n, s in named.items() if s in ((outputs, inputs), (inputs, outputs))]
        biases = [n for n, s in named.items() if s == (outputs,)]
        if not weights:
            raise BadTarget(
                f"{self.target} has no parameter of shape {PROBE_SHAPE} when built as {self.spelled(0.5, '', PROBE_SHAPE)} (it has "
                f"{', '.join(f'{n} {s}' for n, s in named.items()) or 'none'}): dropspec sets the weight to read the masks"
            )
        self.weight_name = min(weights, key=lambda n: ("weight" not in n, len(n)))
        self.turned = named[self.weight_name] == (inputs, outputs)
        self.bias_name = min(biases, key=lambda n: ("bias" not in n, len(n)), default="")

    @property
    def has_bias(self) -> bool:
        """Whether it has a parameter of the bias's shape."""
        return bool(self.bias_name)

    def build(self, rate: Any, shape: tuple[int, ...], options: dict[str, Any]) -> nn.Module:
        """Calls the constructor."""
        with self.guard.call(f"the construction of {self.named(rate, shape, options)}"):
            module = self.signature.build(self.thing, shape[1], shape[0], self.given(rate), **options)
        if not isinstance(module, nn.Module):
            raise BadReply(f"{self.named(rate, shape, options)} built {type(module).__name__}, not a torch.nn.Module")
        return module

    def constructed(self, rate: Any) -> Layer:
        """A layer, after one module of that rate has been built."""
        self.build(rate, (1, 1), {})
        return self.layer(rate)

    def connect(self, rate: Any, weight: Array, bias: Array | None = None, **options: Any) -> TorchConnection:
        """A new module with this weight and bias; without a bias the module's own is set to 0."""
        if bias is not None and not self.bias_name:
            raise NotClaimed("it has no bias")
        return self._connect(rate, weight, bias, options)

    def without_bias(self, rate: Any, weight: Array) -> TorchConnection:
        """A new module that is built with `bias=False`."""
        return self._connect(rate, weight, None, {"bias": False})

    def _connect(self, rate: Any, weight: Array, bias: Array | None, options: dict[str, Any]) -> TorchConnection:
        self.require_reachable()
        if unknown := [name for name in options if name not in self.signature.names]:
            raise NotClaimed(f"its constructor takes no {unknown[0]}")
        module = self.build(rate, weight.shape, options)
        with self.guard.call(f"setting the parameters of {self.named(rate, weight.shape, options)} in {weight.dtype}"), torch.no_grad():
            tensor = to_torch(weight)
            module = module.to(tensor.dtype)
            module.get_parameter(self.weight_name).copy_(tensor.T if self.turned else tensor)
            own = self._held(module)[1]
            if own is not None:
                own.copy_(torch.zeros_like(own) if bias is None else to_torch(bias))
        return self._around(module, _Made(rate, weight.shape, options, module, lambda: self._held(module)))

    def _held(self, module: nn.Module) -> tuple[Tensor, Tensor | None]:
        parameters = dict(module.named_parameters())
        return parameters[self.weight_name], parameters.get(self.bias_name)

    def _around(self, module: nn.Module, made: _Made) -> TorchConnection:
        def call(x: Tensor, training: bool) -> Any:
            module.train(training)  # whose own result may be None
            return module(x)

        return TorchConnection(self, call, made)

    def copied(self, made: _Made, how: Callable[[nn.Module], nn.Module]) -> TorchConnection:
        """A connection around a copy of the module."""
        assert made.module is not None
        with self.guard.call(f"copying {self.named(made.rate, made.shape, made.options)}"):
            module = how(made.module)
        return self._around(module, _Made(made.rate, made.shape, made.options, module, lambda: self._held(module)))

    def lines_before(self, call: Call, weight: str, bias: str | bool) -> list[str]:
        """The module, and its parameters set."""
        assert call.parameters is not None
        lines = [f"layer = {self.named(call.rate, call.parameters[0].shape, call.options)}.to(torch.{call.x.dtype})"]
        lines.append(f"layer.get_parameter({self.weight_name!r}).data = {weight}{'.T' if self.turned else ''}")
        if self.bias_name and call.options.get("bias", True):
            lines.append(f"layer.get_parameter({self.bias_name!r}).data" + (f" = {bias}" if bias else ".zero_()"))
        return lines

    def spelled(self, rate: Any, mode: str, shape: tuple[int, ...] = (1, 1)) -> str:
        """`layer.train()(x)`, or the construction, `DropConnect(3, 5, 0.5)`, without a mode."""
        call = {"training": "layer.train()(x)", "evaluation": "layer.train(False)(x)"}.get(mode)
        return call or self.named(rate, shape, {})

    def named(self, rate: Any, shape: tuple[int, ...], options: Mapping[str, Any]) -> str:
        """By its construction, `DropConnect(3, 5, 0.5, bias=False)`."""
        return self.signature.spelled_class(self.name, shape[1], shape[0], self.given(rate), **options)


class TorchConnectFunction(FunctionAdapter, TorchConnectAdapter):
    """A function of tensors: the input, the weight, the bias, the rate, and a training flag and a random stream where it has them."""

    signature: LinearSignature

    def __init__(self, target: str, name: str, thing: Callable[..., Any], signature: LinearSignature, guard: Guard, claims: Claims) -> None:
        super().__init__(target, name, thing, signature, guard, claims)
        self.stream = stream_of_function(signature)

    def connect(self, rate: Any, weight: Array, bias: Array | None = None, **options: Any) -> TorchConnection:
        """The function with these tensors; without a bias, zeros for a function that needs one."""
        self.require_reachable()
        if options:
            raise NotClaimed(f"it takes no {next(iter(options))}")
        bias = self.signature.bias_for(weight, bias)
        tensors = to_torch(weight).requires_grad_(), None if bias is None else to_torch(bias).requires_grad_()

        def call(x: Tensor, training: bool) -> Any:
            return self.signature.call(self.thing, x, *tensors, self.given(rate), training, self.stream and self.stream.next())

        return TorchConnection(self, call, _Made(rate, weight.shape, {}, None, lambda: tensors))

    def spelled(self, rate: Any, mode: str, shape: tuple[int, ...] = (1, 1)) -> str:
        """`dropconnect(x, weight, bias, 0.5, training=True)`."""
        return self.signature.spelled_function(self.name, self.given(rate), mode, self.stream.name if self.stream else "")
