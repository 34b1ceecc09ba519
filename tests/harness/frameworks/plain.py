"""Drives classes of plain Python over NumPy arrays: `forward(x)`, or a call, and `backward(grad)`.

Whether a call trains is said by an argument of `forward`, by `train()` and `eval()`, or by an
attribute `training` or `mode`, whichever there is. Where the package has tensors of its own, the
layer gets one, and what it gives back is read.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dropspec.core.arrays import DTYPES, Array
from dropspec.core.callables import built_class, parameters_of
from dropspec.core.calls import Arrays, Call, Description
from dropspec.core.driver import NONE, Driver, refuse
from dropspec.core.errors import ImplementationError
from dropspec.core.facts import Facts
from dropspec.core.framework import Fit
from dropspec.core.guard import Guard
from dropspec.core.layer import Layer
from dropspec.core.ranks import with_axes_of, with_axes_taken
from dropspec.core.recorded import Recorded
from dropspec.core.signature import INFERENCE, TRAINING
from dropspec.core.site import Site
from dropspec.core.target import Target
from dropspec.core.text import shown
from dropspec.frameworks.numpy import NO_BACKWARD, NumpyFramework, NumpyFunction, Reply
from dropspec.frameworks.recording import record
from dropspec.frameworks.spelling import can_be_spelled, spelled_array
from dropspec.frameworks.streams import NumpyGenerator
from dropspec.frameworks.wrapped import array_of, tensor_class, tensor_class_elsewhere

OTHERS = ("torch", "keras", "tensorflow", "flax", "equinox", "haiku", "mlx", "paddle")
FORWARD = ("forward", "__call__", "forward_pass", "forward_propagation")
BACKWARD = ("backward", "backward_pass", "backward_propagation")
NO_GRADIENTS = "the gradients of its framework's own tensors are not driven here"
MODES = {"training": "train", "evaluation": "test"}  # of an attribute that is a word


def forward_of(layer: type | None) -> str:
    """The method of a class that is its forward pass; empty where it has none."""
    defined = {name for base in getattr(layer, "__mro__", ()) for name in vars(base)}
    return next((name for name in FORWARD if name in defined), "")


class PlainFramework(NumpyFramework):
    """Classes that belong to no framework, with a method that is the forward pass."""

    name = "plain"
    modules = ()

    def fit(self, thing: Any, target: Target) -> Fit:
        """By the methods of the class, and by no base of it being a framework's."""
        if not isinstance(thing, type):
            return Fit.NO
        roots = {base.__module__.partition(".")[0] for base in thing.__mro__}
        is_theirs = bool(roots.intersection(OTHERS))
        return Fit.CLASS if forward_of(thing) and not is_theirs else Fit.NO

    def drive(self, facts: Facts, site: Site, guard: Guard) -> Driver:
        """A class."""
        return PlainClass(facts, guard, self, site, NumpyGenerator)


class PlainLayer(Layer):
    """An instance of the class, told before each call whether it trains."""

    def __init__(self, driver: PlainClass, instance: Any, rate: Any) -> None:
        self._driver, self._instance, self._rate = driver, instance, rate

    def train(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """A forward pass in training."""
        return self._call("training", x, differentiable)

    def evaluate(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """A forward pass in evaluation."""
        driver = self._driver
        if driver.facts.no_evaluation:
            refuse(driver.facts.no_evaluation)
        if driver.way_of(self._instance) is None:
            refuse("it has no training flag, so no evaluation mode")
        return self._call("evaluation", x, differentiable)

    def _call(self, mode: str, x: Array, differentiable: bool) -> Recorded:
        driver, instance = self._driver, self._instance
        what = Description(
            lambda: f"the {mode} call {driver.spelled(self._rate, mode)} on {x.dtype} of {x.shape}"
        )
        call = Call(mode, {"x": x}, self._rate, driver.last_seed, differentiable)

        def run(native: Any) -> Reply:
            with np.errstate(all="ignore"):
                return driver.forward(instance, native, mode)

        return record(driver.framework, driver.site, driver.guard, call, what, run, dict)

    def copy(self) -> PlainLayer:
        """By copy.deepcopy."""
        with self._driver.guard.call(f"copying {self._driver.spelled(self._rate)}"):
            copied = copy.deepcopy(self._instance)
        return PlainLayer(self._driver, copied, self._rate)


class PlainClass(NumpyFunction):
    """A class whose constructor takes the rate, seeded as a NumPy function is."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        layer = built_class(self.facts.thing)
        self._forward = forward_of(layer)
        self._backward_name = next((n for n in BACKWARD if hasattr(layer, n)), "")
        self._tensor = tensor_class(layer)
        # tried where the first call on an array raises
        self._perhaps = None if self._tensor else tensor_class_elsewhere(layer)
        names = [p.name for p in parameters_of(getattr(layer, self._forward))]
        self._flag = next((n for n in names if n in (*TRAINING, *INFERENCE)), None)
        self._told_by: str | None = None  # this and the next are seen at its calls
        self._hands_cache_out = False

    def build(self, rate: Any, arrays: Arrays = NONE, options: Mapping[str, Any] = NONE) -> Layer:
        """A new instance."""
        stream = self.stream and self.stream.next()
        with self.guard.call(self.spelled(rate)):
            signature = self.facts.signature
            made = signature.construct(self.facts.thing, (), self.given(rate), stream, **options)
        return PlainLayer(self, made, rate)

    def way_of(self, instance: Any) -> str | None:
        """What says whether it trains: `flag`, `methods`, `training` or `mode`; None if nothing."""
        if self._flag:
            return "flag"
        if callable(getattr(instance, "train", None)) and callable(getattr(instance, "eval", None)):
            return "methods"
        return next((name for name in ("training", "mode") if hasattr(instance, name)), None)

    def forward(self, instance: Any, x: Array, mode: str) -> Reply:
        """One forward pass in that mode, and the backward that belongs to it."""
        way, trains = self.way_of(instance), mode == "training"
        self._told_by = way
        if way == "methods":
            instance.train() if trains else instance.eval()
        elif way == "training":
            instance.training = trains
        elif way == "mode":
            instance.mode = MODES[mode]
        flag = {self._flag: trains != (self._flag in INFERENCE)} if self._flag else {}
        own = with_axes_taken(x, self.facts.ranks_refused)
        given = self._tensor(own) if self._tensor else own
        try:
            output, *cache = _parts(getattr(instance, self._forward)(given, **flag))
        except Exception:
            if not self._perhaps:
                raise
            self._tensor, self._perhaps = self._perhaps, None
            return self.forward(instance, x, mode)
        self._perhaps = None
        self._hands_cache_out, output = bool(cache), array_of(output)
        if self._tensor or not self._backward_name:
            why = NO_GRADIENTS if self._tensor else NO_BACKWARD
            return Reply(with_axes_of(x, own, output), None, why)
        backward: Callable[..., Any] = getattr(instance, self._backward_name)

        def back(upstream: Array) -> Any:
            reshaped = upstream if own is x else upstream.reshape(own.shape)
            try:
                return with_axes_of(x, own, _parts(backward(reshaped, *cache))[0])
            except Exception as error:
                if trains:
                    raise
                refuse(f"its backward is one of training only: {shown(error)}")

        return Reply(with_axes_of(x, own, output), back)

    def holds(self, dtype: str) -> bool:
        """Whether a tensor of the framework's own does, where it has such."""
        if not self._tensor:
            return True
        try:
            with self.guard.call(f"{self._tensor.__name__} of {dtype}"):
                held = array_of(self._tensor(np.ones(1, DTYPES[dtype])))
        except ImplementationError:
            return False
        return bool(getattr(held, "dtype", None) == DTYPES[dtype])

    def spelled(self, rate: Any, mode: str = "") -> str:
        """`Dropout(0.5).forward(x, train=True)`."""
        stream = self.stream.name if self.stream else ""
        made = self.facts.signature.spelled_construction(
            self.name, (), self.given(rate), {}, stream
        )
        return f"{made}.{self._call(mode)}" if mode else made

    def _call(self, mode: str) -> str:
        """The forward, as a method that is called."""
        flag = f", {self._flag}={(mode == 'training') != (self._flag in INFERENCE)}"
        x = f"{self._tensor.__name__}(x)" if self._tensor else "x"
        return f"{self._forward}({x}{flag if self._flag else ''})"

    def said_for_calls(self, rate: float, seed: int) -> tuple[list[str], str]:
        """One layer, told that it trains, and a call of it."""
        data = ".data" if self._tensor else "[0]" if self._hands_cache_out else ""
        return self._said_before(rate, "training"), f"layer.{self._call('training')}{data}"

    def _said_before(self, rate: Any, mode: str) -> list[str]:
        """A layer that is told whether it trains."""
        trains = mode == "training"
        telling = {
            "methods": ["layer.train()" if trains else "layer.eval()"],
            "training": [f"layer.training = {trains}"],
            "mode": [f"layer.mode = {MODES[mode]!r}"],
        }
        tensor = self._tensor
        made = [f"from {tensor.__module__} import {tensor.__name__}"] if tensor else []
        return [*made, f"layer = {self.spelled(rate)}", *telling.get(self._told_by or "", [])]

    def lines(self, call: Call, also: str = "") -> list[str]:
        """A layer, told whether it trains, and its backward where one was asked for."""
        if not can_be_spelled(call, self.framework.borrowed):
            return []
        seeded = [] if call.seed is None else self.seed_lines(call.seed)
        lines = ["import numpy as np", self.facts.target.import_line, *seeded]
        lines += self._said_before(call.rate, call.mode)
        lines += [f"x = {spelled_array(call.x)}", f"y = layer.{self._call(call.mode)}"]
        if call.upstream is None:
            return [*lines, f"print(y{'.data' if self._tensor else ''}{also})"]
        given = spelled_array(call.upstream)
        if not self._hands_cache_out:
            return [*lines, f"print(y, layer.{self._backward_name}({given}){also})"]
        return [*lines, f"print(y[0], layer.{self._backward_name}({given}, y[1]){also})"]


def _parts(reply: Any) -> tuple[Any, ...]:
    """An output, or an output and what its backward wants."""
    return reply if isinstance(reply, tuple) and len(reply) == 2 else (reply,)
