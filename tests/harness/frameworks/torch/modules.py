"""Drives torch.nn.Module classes. Parameters are found by their shapes, and set."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dropspec.core.arrays import Array
from dropspec.core.callables import built_class
from dropspec.core.calls import Arrays, Call, Description
from dropspec.core.driver import NONE, refuse
from dropspec.core.errors import BadReply, ImplementationError
from dropspec.core.facts import Facts, Place
from dropspec.core.framework import Framework
from dropspec.core.guard import Guard
from dropspec.core.layer import Bound, Layer
from dropspec.core.recorded import Recorded
from dropspec.core.signature import KEEPS, RATES, flag_of_call
from dropspec.core.site import Site, shapes_of
from dropspec.frameworks.recording import check_reply
from dropspec.frameworks.torch import stored
from dropspec.frameworks.torch.driver import TorchDriver, stream_of_class
from dropspec.frameworks.torch.modes import ToldModule, functional_form
from dropspec.frameworks.torch.networks import reload
from dropspec.frameworks.torch.places import find_places
from dropspec.frameworks.torch.tape import TorchTape, to_numpy, to_torch


class TorchLayer(Layer):
    """A module, switched between training and evaluation before its calls."""

    def __init__(
        self,
        driver: TorchClass,
        module: nn.Module,
        rate: Any,
        sizes: tuple[int, ...] = (),
        options: Mapping[str, Any] = NONE,
    ) -> None:
        self._driver, self._module, self._rate = driver, module, rate
        self._sizes, self._options, self._mode = sizes, options, ""

    def train(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """A forward pass with `module.train()`."""
        return self._call("training", x, differentiable)

    def evaluate(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """A forward pass with `module.train(False)`: what eval() calls, and what a parent calls."""
        if self._driver.facts.no_evaluation:
            refuse(self._driver.facts.no_evaluation)
        return self._call("evaluation", x, differentiable)

    def _call(self, mode: str, x: Array, differentiable: bool) -> Recorded:
        driver, held = self._driver, self._held()
        arrays = {"x": x, **self.parameters} if held else {"x": x}
        call = Call(mode, arrays, self._rate, driver.last_seed, differentiable, self._options)
        what = Description(lambda: f"the {mode} forward of {self} on {x.dtype} of shape {x.shape}")
        tensor = to_torch(x).requires_grad_(differentiable)
        driver.guard.record(call)
        with driver.guard.call(what), driver.framework.mode(differentiable, bool(held)):
            if held or mode != self._mode:
                self._module.train(mode == "training")  # whose own result may be None
                self._mode = mode
            y = driver.framework.output_of(self._module(tensor), what)
            output = to_numpy(y)
            shapes = shapes_of(arrays)
            check_reply(output, x, driver.site.output_shape(shapes), what)
            tape = TorchTape(tensor, self._held(), y, driver.turned)
            return Recorded(output, tape, driver.guard, what, shapes)

    def _held(self) -> Mapping[str, Tensor | None]:
        return self._driver.held(self._module)

    @property
    def parameters(self) -> Arrays:
        """The parameters as they are now, as the family has them."""
        turned = self._driver.turned
        found: dict[str, Array | None] = {}
        for name, tensor in self._held().items():
            array = None if tensor is None else to_numpy(tensor)
            found[name] = array.T if array is not None and name in turned else array
        return found

    def assign(self, name: str, numbers: Array) -> None:
        """Into the parameter in place, without a graph."""
        own = self._held()[name]
        assert own is not None
        with torch.no_grad():
            own.copy_(to_torch(numbers.T if name in self._driver.turned else numbers))

    def copy(self) -> TorchLayer:
        """By copy.deepcopy."""
        return self._twin(copy.deepcopy)

    def reloaded(self) -> TorchLayer:
        """A new module that loaded the state_dict of this one, through a file."""

        def how(module: nn.Module) -> nn.Module:
            other = self._driver.construction(self._rate, self._sizes, self._options)
            return reload(module, other.to(next(module.parameters()).dtype))

        return self._twin(how)

    def _twin(self, how: Callable[[nn.Module], nn.Module]) -> TorchLayer:
        with self._driver.guard.call(f"copying {self}"):
            module = how(self._module)
        return TorchLayer(self._driver, module, self._rate, self._sizes, self._options)

    def set_rate(self, rate: float) -> None:
        """Assigns to the attribute that holds the rate the layer was built with."""
        driver = self._driver
        name = driver.rate_attribute(self._module, self._rate)
        try:
            with driver.guard.call(f"assigning to {name} of {self}"):
                setattr(self._module, name, driver.given(rate))
        except ImplementationError as error:
            if isinstance(error.__cause__, AttributeError):
                refuse(f"its attribute {name} cannot be assigned to")
            raise
        driver.guard.record_assignment(name, driver.given(rate))
        self._rate = rate

    def __str__(self) -> str:
        return self._driver.construction_of(self._rate, self._sizes, self._options)


class TorchClass(TorchDriver):
    """A module class; the sizes and the rate go to its constructor."""

    def __init__(self, facts: Facts, guard: Guard, framework: Framework, site: Site) -> None:
        super().__init__(facts, guard, framework, site)
        built = built_class(facts.thing)
        is_elementwise = not site.parameters
        self.casts_by_policy = hasattr(built, "dtype_policy")  # as Keras layers have
        self.stream = stream_of_class(facts.signature) if is_elementwise else None
        self.flag = flag_of_call(built) if is_elementwise and built else None
        self.turned = frozenset(n for n, place in facts.places.items() if place.turned)

    def build(self, rate: Any, arrays: Arrays = NONE, options: Mapping[str, Any] = NONE) -> Layer:
        """A new module, with these parameters set; its own parameter is 0 where none is given."""
        if not self.site.parameters:
            return TorchLayer(self, self.module(rate), rate)
        self._require_settable(arrays, options)
        sizes = self.site.sizes(shapes_of(arrays))
        module = self.construction(rate, sizes, options)
        name = self.construction_of(rate, sizes, options)
        with self.guard.call(f"setting the parameters of {name}"), torch.no_grad():
            given = {n: None if a is None else to_torch(a) for n, a in arrays.items()}
            module = module.to(next(t.dtype for t in given.values() if t is not None))
            for parameter, own in self.held(module).items():
                tensor = given.get(parameter)
                if own is not None and tensor is None:
                    own.zero_()
                elif own is not None and tensor is not None:
                    own.copy_(tensor.T if parameter in self.turned else tensor)
        return TorchLayer(self, module, rate, sizes, options)

    def _require_settable(self, arrays: Arrays, options: Mapping[str, Any]) -> None:
        for name, array in arrays.items():
            if array is not None and name not in self.facts.places:
                refuse(f"it has no {name}")
        if unknown := [name for name in options if name not in self.facts.signature.names]:
            refuse(f"its constructor takes no {unknown[0]}")

    def held(self, module: nn.Module) -> dict[str, Tensor | None]:
        """The parameters of the family that a module holds, None where it was built without."""
        if not self.facts.places:
            return {}
        own = dict(module.named_parameters())
        named = self.site.parameters
        places = self.facts.places
        return {n: own.get(places[n].name) if n in places else None for n in named}

    def construction(
        self, rate: Any, sizes: tuple[int, ...], options: Mapping[str, Any] = NONE
    ) -> nn.Module:
        """A new module of the class itself. Raises BadReply where something else is built."""
        stream = self.stream and self.stream.next()
        what = Description(lambda: self.construction_of(rate, sizes, options))
        with self.guard.call(Description(lambda: f"the construction of {what}")):
            module = self.facts.signature.construct(
                self.facts.thing, sizes, self.given(rate), stream, **options
            )
        if not isinstance(module, nn.Module):
            raise BadReply(f"{what} built {type(module).__name__}, not a torch.nn.Module")
        return module

    def construct(self, rate: Any, sizes: tuple[int, ...]) -> None:
        """Calls the constructor."""
        self.construction(rate, sizes)

    def module(self, rate: Any, **options: Any) -> nn.Module:
        """A new module whose mode decides, whatever its calls take."""
        module = self.construction(rate, (), options)
        told, refused = self._told(rate), self.facts.ranks_refused
        is_told = self.flag or told or refused
        return ToldModule(module, self.flag, told, refused) if is_told else module

    def _told(self, rate: Any) -> dict[str, Any]:
        """What each call is given besides its input and the mode."""
        name = self.facts.signature.rate_of_call
        return {name: self.given(rate)} if name else {}

    def own_module(self, rate: Any) -> nn.Module:
        """A new module of the class itself, whose mode a parent can set. Raises NotClaimed."""
        if self.flag:
            refuse(f"its mode is an argument of each call ({self.flag[0]}), not its module's")
        if rate_name := self.facts.signature.rate_of_call:
            refuse(f"its rate is an argument of each call ({rate_name}), not its module's")
        module, refused = self.construction(rate, ()), self.facts.ranks_refused
        return ToldModule(module, None, {}, refused) if refused else module

    def find_places(self) -> Mapping[str, Place]:
        """By the shapes of the parameters, or by the name of the masked weight it claims."""
        claimed = self.facts.declared.also.get("masked_weight", "")
        if claimed:
            return stored.find_place(self, claimed)
        return find_places(self) if self.site.parameters else {}

    def stored(self, rate: Any, weight: Array) -> Bound:
        """By the attribute that it claims to hold its masked weight."""
        return stored.stored_weight(self, rate, weight)

    def rate_attribute(self, module: nn.Module, rate: float) -> str:
        """The public attribute that holds the rate, and another rate in another module.

        If there are several, that of the constructor's own parameter, or of a usual name. Raises
        NotClaimed where none is found.
        """
        other = (1 + rate) / 2
        pairs = (module, self.given(rate)), (self.module(other), self.given(other))
        signature = self.facts.signature
        with self.guard.call(f"reading the attributes of {self.spelled(rate)}"):
            usual = [signature.rate or next(iter(signature.names), ""), *RATES, *KEEPS]
            own = [name for name in vars(module) if not name.startswith("_")]
            holding = [n for n in dict.fromkeys([*usual, *own]) if _holds(n, pairs)]
        if not holding:
            refuse("no attribute of it holds the rate")
        if len(holding) > 1 and holding[0] not in usual:
            refuse(f"several attributes hold the rate ({', '.join(holding)})")
        return holding[0]

    def functional(self, x: Array, rate: float, seed: int) -> Recorded:
        """By the functional form that it declares, or that torch has for its own layers."""
        form = self.facts.declared.functional or functional_form(built_class(self.facts.thing))
        if form is None:
            refuse("it names no functional form")
        self.reseed(seed)
        tensor, what = to_torch(x), f"the functional form of {self.name}"
        with self.guard.call(what):
            y = self.framework.output_of(form(tensor, self.given(rate), True), what)
            return self.recorded(TorchTape(tensor, {}, y), what)

    def construction_of(
        self, rate: Any, sizes: tuple[int, ...], options: Mapping[str, Any] = NONE
    ) -> str:
        """A construction in Python: `DropConnect(3, 5, 0.5, bias=False)`."""
        stream = self.stream.name if self.stream else ""
        return self.facts.signature.spelled_construction(
            self.name, sizes, self.given(rate), options, stream
        )

    def spelled(self, rate: Any, mode: str = "") -> str:
        """`Dropout(0.5).train()(x)`; with parameters, a call of `layer`."""
        made = "layer" if self.site.parameters and mode else self.construction_of(rate, self.ones)
        told = "".join(f", {name}={value}" for name, value in self._told(rate).items())
        if self.flag and mode:
            return f"{made}(x, {self.flag[0]}={(mode == 'training') != self.flag[1]}{told})"
        modes = {"training": f".train()(x{told})", "evaluation": f".train(False)(x{told})"}
        return made + modes.get(mode, "")

    @property
    def ones(self) -> tuple[int, ...]:
        """Sizes of 1, as many as the constructor takes."""
        shapes = {n: (1,) * len(s) for n, s in self.site.sample_shapes().items()}
        return self.site.sizes(shapes)

    def lines_before(self, call: Call, tensors: Mapping[str, str]) -> list[str]:
        """The module, and its parameters set."""
        if not self.site.parameters:
            return []
        made = self.construction_of(
            call.rate, self.site.sizes(shapes_of(call.arrays)), call.options
        )
        lines = [f"layer = {made}.to(torch.{call.x.dtype})"]
        for name, place in self.facts.places.items():
            if call.arrays.get(name) is not None:
                tensor = tensors[name] + (".T" if place.turned else "")
                lines.append(f"layer.get_parameter({place.name!r}).data = {tensor}")
        return lines


def _holds(name: str, pairs: tuple[tuple[nn.Module, Any], ...]) -> bool:
    """Whether an attribute holds each module's own rate."""
    found = ((getattr(module, name, None), rate) for module, rate in pairs)
    return all(isinstance(value, float) and value == rate for value, rate in found)
