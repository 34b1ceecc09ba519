"""Drives functions of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from dropspec.core.arrays import Array
from dropspec.core.driver import refuse
from dropspec.core.facts import Facts
from dropspec.core.framework import Framework
from dropspec.core.guard import Guard
from dropspec.core.ranks import with_axes_of, with_axes_taken
from dropspec.core.recorded import Recorded
from dropspec.core.site import Site
from dropspec.frameworks.functions import FunctionDriver
from dropspec.frameworks.streams import stream_for
from dropspec.frameworks.torch.driver import TorchDriver, TorchGenerator, stream_of_function
from dropspec.frameworks.torch.tape import TorchTape, to_torch


class FunctionModule(nn.Module):
    """Gives a function the form of a module, so that networks can be built around it."""

    def __init__(self, call: Callable[[Tensor, bool], Any]) -> None:
        super().__init__()
        self.call = call

    def forward(self, x: Tensor) -> Any:
        """The function's own output, in the module's mode."""
        return self.call(x, self.training)


class TorchFunction(TorchDriver, FunctionDriver):
    """A function of tensors and the rate."""

    def __init__(self, facts: Facts, guard: Guard, framework: Framework, site: Site) -> None:
        FunctionDriver.__init__(self, facts, guard, framework, site, TorchGenerator)
        self.stream = stream_of_function(facts.signature)

    def parameter(self, x: Array) -> Any:
        """A parameter wants a gradient, as it does in a network."""
        return self.framework.native(x, True)

    def module(self, rate: Any, **options: Any) -> nn.Module:
        """A module around the function."""
        signature, given = self.facts.signature, self.given(rate)

        def call(x: Tensor, training: bool) -> Any:
            stream = self.stream and self.stream.next()
            own = with_axes_taken(x, self.facts.ranks_refused)
            reply = signature.call(self.facts.thing, [own], given, training, stream, **options)
            y = reply[0] if isinstance(reply, tuple) and len(reply) == 2 else reply
            return with_axes_of(x, own, y)

        return FunctionModule(call)

    def with_generator(self, x: Array, rate: float, seed: int, calls: int) -> list[Recorded]:
        """By the parameter that may be None."""
        signature = self.facts.signature
        stream = stream_for(signature, TorchGenerator) if signature.stream_is_optional else None
        if stream is None:
            refuse("it takes no generator besides the one that it has")
        stream.seed(seed)
        what = f"{self.name} with {signature.stream}={stream.name}"
        found = []
        for _ in range(calls):
            tensor = to_torch(x)
            with self.guard.call(what):
                reply = signature.call(
                    self.facts.thing, [tensor], self.given(rate), True, stream.next()
                )
                y = self.framework.output_of(reply, what)
                found.append(self.recorded(TorchTape(tensor, {}, y), what))
        return found
