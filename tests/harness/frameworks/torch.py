"""Drives torch layers: a module class whose constructor takes the rate, or a function of the input and the rate."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dropspec.core.arrays import Array, Bits
from dropspec.core.calls import Call
from dropspec.core.errors import BadReply, ImplementationError, NotClaimed
from dropspec.core.guard import Guard, Said
from dropspec.frameworks.base import Claims, FunctionAdapter, Layer, Run
from dropspec.frameworks.streams import stream_for
from dropspec.frameworks.torch_modes import masks_by_mode
from dropspec.frameworks.torch_run import (
    CheckpointedRun,
    InPlaceRun,
    TorchRun,
    to_torch,
    without_mask,
)
from dropspec.frameworks.torch_stream import TorchGenerator, TorchStream, stream_of_function
from dropspec.targets.signature import KEEPS, RATES, Signature

CHECKPOINT = inspect.unwrap(checkpoint)  # its wrapper only keeps torch.compile out, and takes a second to import it for that


def functional_form(layer: type) -> Callable[..., Any] | None:
    """The function in torch.nn.functional that one of torch's own layers stands for; None for other layers."""
    return getattr(nn.functional, layer.__name__.lower(), None) if layer.__module__.startswith("torch.nn.") else None


class TorchLayer(Layer):
    """A torch module, switched between training and evaluation before each call."""

    def __init__(self, module: nn.Module, adapter: TorchAdapter, rate: Any) -> None:
        self.module, self._adapter, self._rate = module, adapter, rate
        self._mode = ""

    def train(self, x: Array, *, differentiable: bool = False) -> TorchRun:
        """A forward pass with `module.train()`."""
        return self._call("training", x, differentiable)

    def evaluate(self, x: Array, *, differentiable: bool = False) -> TorchRun:
        """A forward pass with `module.train(False)`, which is what `eval()` calls, and what a module around it passes on."""
        self._adapter.require_eval_mode()
        return self._call("evaluation", x, differentiable)

    def _call(self, mode: str, x: Array, differentiable: bool) -> TorchRun:
        adapter = self._adapter
        what = Said(lambda: f"the {mode} forward of {adapter.spelled(self._rate, mode)} on {x.dtype} of shape {x.shape}")
        tensor = to_torch(x).requires_grad_(differentiable)
        adapter.guard.record(Call(mode, x, self._rate, adapter.last_seed, differentiable))
        with adapter.guard.call(what):
            if mode != self._mode:
                self.module.train(mode == "training")
                self._mode = mode
            return TorchRun(tensor, self.module(tensor), adapter.guard, what)

    def copy(self) -> TorchLayer:
        """By copy.deepcopy."""
        self._adapter.require_class()
        with self._adapter.guard.call(f"copy.deepcopy of {self._adapter.spelled(self._rate, '')}"):
            return TorchLayer(copy.deepcopy(self.module), self._adapter, self._rate)

    def set_rate(self, rate: float) -> None:
        """Assigns to the attribute that holds the rate the layer was built with."""
        adapter = self._adapter
        adapter.require_class()
        name = adapter.rate_attribute(self.module, self._rate)
        try:
            with adapter.guard.call(f"assigning to {name} of {adapter.spelled(self._rate, '')}"):
                setattr(self.module, name, adapter.given(rate))
        except ImplementationError as error:
            if isinstance(error.__cause__, AttributeError):
                raise NotClaimed(f"its attribute {name} cannot be assigned to") from error
            raise
        self._rate = rate


class FunctionModule(nn.Module):
    """Gives a function the form of a module, so that both are driven alike."""

    def __init__(self, call: Callable[[Tensor, bool], Any]) -> None:
        super().__init__()
        self.call = call

    def forward(self, x: Tensor) -> Any:
        """The function's own output, in the module's mode."""
        return without_mask(self.call(x, self.training))


class FlaggedModule(nn.Module):
    """Passes the mode on to a layer that takes it as an argument of each call."""

    def __init__(self, layer: nn.Module, flag: str, is_inverted: bool) -> None:
        super().__init__()
        self.layer, self._flag, self._is_inverted = layer, flag, is_inverted

    def forward(self, x: Tensor) -> Any:
        """The layer's own output, in the module's mode."""
        return self.layer(x, **{self._flag: self.training != self._is_inverted})


class TorchAdapter(TorchStream):
    """What module classes and functions of elementwise dropout share: modules, checkpointing, in-place calls."""

    def __init__(self, target: str, name: str, thing: Callable[..., Any], signature: Signature, guard: Guard, claims: Claims) -> None:
        super().__init__(target, guard, claims)
        self.name, self.thing, self.signature = name, thing, signature

    def build(self, rate: Any, **options: Any) -> nn.Module:
        """The module that `layer` drives."""
        raise NotImplementedError

    def layer(self, rate: Any) -> TorchLayer:
        """A new module."""
        return TorchLayer(self.build(rate), self, rate)

    def require_class(self) -> None:
        """Raises NotClaimed for a function, which keeps nothing between calls."""

    def rate_attribute(self, module: nn.Module, rate: float) -> str:
        """The public attribute that holds the rate of a module, and another rate in another module. Raises NotClaimed where none is it.

        If there are several, that of the constructor's own parameter, or of a usual name.
        """
        other = (1 + rate) / 2
        pairs = (module, self.given(rate)), (self.build(other), self.given(other))
        with self.guard.call(f"reading the attributes of {self.spelled(rate, '')}"):
            usual = [self.signature.rate or next(iter(self.signature.names), ""), *RATES, *KEEPS]
            public = dict.fromkeys([*usual, *(name for name in vars(module) if not name.startswith("_"))])
            holding = [n for n in public if all(isinstance(v := getattr(m, n, None), float) and v == held for m, held in pairs)]
        if not holding or (len(holding) > 1 and holding[0] not in usual):
            raise NotClaimed(f"several attributes hold the rate ({', '.join(holding)})" if holding else "no attribute of it holds the rate")
        return holding[0]

    def checkpointed(self, x: Array, rate: float, seed: int) -> TorchRun:
        """By torch.utils.checkpoint, reentrant: each backward computes the layer again from the stored random state."""
        if self.stream:
            raise NotClaimed("its random stream is an argument, and torch's recomputation brings back the global one only")
        self.reseed(seed)
        module = self.build(rate)
        module.train()  # whose own result may be None
        what = f"the checkpointed forward of {self.spelled(rate, 'training')}"
        tensor = to_torch(x).requires_grad_()
        with self.guard.call(what):
            return CheckpointedRun(tensor, CHECKPOINT(module, tensor, use_reentrant=True), self.guard, what)

    def in_place(self, x: Array, rate: float, seed: int) -> tuple[TorchRun, bool]:
        """With `inplace=True`, where the signature has it; on what is no leaf, as in a network, so that a gradient can be asked for."""
        if "inplace" not in self.signature.names:
            raise NotClaimed("it offers no in-place mode (no parameter `inplace`)")
        self.reseed(seed)
        what, leaf = f"the in-place forward of {self.spelled(rate, 'training')}", to_torch(x).requires_grad_()
        tensor = leaf * 1
        try:
            module = self.build(rate, inplace=True)
            with self.guard.call(what):
                module.train()
                run = InPlaceRun(leaf, module(tensor), self.guard, what, tensor)
        except ImplementationError as error:
            if isinstance(error.__cause__, NotImplementedError):
                raise NotClaimed(f"it offers no in-place mode: {error}") from error
            raise
        return run, run.y.data_ptr() == tensor.data_ptr()

    def as_module(self, rate: float) -> nn.Module:
        """The module that `layer` drives."""
        return self.build(rate)

    def masks_by_mode(self, rate: float, units: int) -> Iterator[tuple[str, Bits]]:
        """Of the module that `layer` drives."""
        return masks_by_mode(self.as_module(rate), self.spelled(rate, "training"), self.guard, units, self.claims.dtypes[1:])

    def functional(self, x: Array, rate: float, seed: int) -> TorchRun:
        """By the functional form that the class names, called as (x, rate, training)."""
        form = self.claims.functional
        if form is None:
            return super().functional(x, rate, seed)  # type: ignore[return-value]
        self.reseed(seed)
        tensor = to_torch(x)
        with self.guard.call(f"the functional form of {self.name}"):
            return TorchRun(tensor, form(tensor, self.given(rate), True), self.guard, f"the functional form of {self.name}")


class TorchModuleAdapter(TorchAdapter):
    """A torch.nn.Module class; the rate goes to its constructor, and a seed or generator where that takes one.

    `flag` is the training flag of its calls, where the mode of the module does not say it all.
    """

    at_construction = True
    flag: tuple[str, bool] | None = None

    def build(self, rate: Any, **options: Any) -> nn.Module:
        """Calls the constructor."""
        with self.guard.call(Said(lambda: f"the construction of {self.spelled(rate, '')}")):
            module = self.signature.bind(self.thing, self.given(rate), self.stream and self.stream.next(), **options)
        if not isinstance(module, nn.Module):
            raise BadReply(f"{self.spelled(rate, '')} built {type(module).__name__}, not a torch.nn.Module")
        return FlaggedModule(module, *self.flag) if self.flag else module

    def module(self, rate: float) -> nn.Module:
        """A new module of the class itself. Raises NotClaimed where a module around it could not set its mode."""
        if self.flag:
            raise NotClaimed(f"its mode is an argument of each call ({self.flag[0]}), not its module's")
        return self.build(rate)

    def spelled(self, rate: Any, mode: str) -> str:
        """`Dropout(0.5).train()(x)`, or only the construction without a mode."""
        call = {"training": ".train()(x)", "evaluation": ".train(False)(x)"}.get(mode, "")
        if self.flag and mode:
            call = f"(x, {self.flag[0]}={(mode == 'training') != self.flag[1]})"
        return f"{self.name}({self.signature.spelled_rate(self.given(rate), self.stream.name if self.stream else '')}){call}"


class TorchFunctionAdapter(FunctionAdapter, TorchAdapter):
    """A function of a tensor and the rate, with or without a training flag; random numbers from torch's global generator or an argument."""

    def __init__(self, target: str, name: str, thing: Callable[..., Any], signature: Signature, guard: Guard, claims: Claims) -> None:
        super().__init__(target, name, thing, signature, guard, claims)
        self.stream = stream_of_function(signature)

    def build(self, rate: Any, **options: Any) -> nn.Module:
        """A module around the function."""
        given, signature = self.given(rate), self.signature

        def call(x: Tensor, training: bool) -> Any:
            return signature.call(self.thing, x, given, training, self.stream and self.stream.next(), **options)

        return FunctionModule(call)

    def with_generator(self, x: Array, rate: float, seed: int, calls: int) -> list[Run]:
        """By the parameter that may be None."""
        stream = stream_for(self.signature, TorchGenerator) if self.signature.stream_is_optional else None
        if stream is None:
            return super().with_generator(x, rate, seed, calls)
        stream.seed(seed)
        runs: list[Run] = []
        what = f"{self.name} with {self.signature.stream}={stream.name}"
        for _ in range(calls):
            tensor = to_torch(x)
            with self.guard.call(what):
                y = self.signature.call(self.thing, tensor, self.given(rate), True, stream.next())
            runs.append(TorchRun(tensor, y, self.guard, what))
        return runs

    def require_class(self) -> None:
        """Raises NotClaimed: a function keeps nothing."""
        raise NotClaimed("it is a function, which keeps nothing between calls")

    def spelled(self, rate: Any, mode: str) -> str:
        """`dropout(x, 0.5, training=True)`."""
        return self.signature.spelled(self.name, self.given(rate), mode, self.stream.name if self.stream else "")
