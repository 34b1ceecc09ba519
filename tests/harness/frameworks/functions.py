"""Drives functions of arrays and a rate, with a training flag and a random stream or without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dropspec.core.arrays import Array
from dropspec.core.calls import Arrays, Call, Description
from dropspec.core.driver import NONE, Driver, refuse
from dropspec.core.facts import Facts
from dropspec.core.framework import Framework
from dropspec.core.guard import Guard
from dropspec.core.layer import Layer
from dropspec.core.ranks import with_axes_of, with_axes_taken
from dropspec.core.recorded import Recorded
from dropspec.core.site import Site
from dropspec.frameworks.recording import record
from dropspec.frameworks.streams import Stream, stream_for


class FunctionLayer(Layer):
    """A function at one rate, with parameters of its own; its driver keeps the random stream."""

    def __init__(self, driver: FunctionDriver, rate: Any, held: Mapping[str, Any]) -> None:
        self._driver, self._rate, self._held = driver, rate, held

    @property
    def parameters(self) -> Arrays:
        """The parameters as the calls so far left them."""
        array = self._driver.framework.array
        return {n: None if a is None else array(a) for n, a in self._held.items()}

    def train(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """A call in training mode."""
        return self._call("training", x, differentiable)

    def evaluate(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """A call with the training flag off."""
        if self._driver.facts.no_evaluation:
            refuse(self._driver.facts.no_evaluation)
        return self._call("evaluation", x, differentiable)

    def _call(self, mode: str, x: Array, differentiable: bool) -> Recorded:
        driver, rate, held = self._driver, self._rate, self._held
        what = Description(
            lambda: f"the {mode} call {driver.spelled(rate, mode)} on {x.dtype} of shape {x.shape}"
        )
        arrays = {"x": x, **self.parameters} if held else {"x": x}
        call = Call(mode, arrays, rate, driver.last_seed, differentiable)

        def run(native: Any) -> Any:
            return driver.call([native, *held.values()], rate, mode == "training")

        return record(driver.framework, driver.site, driver.guard, call, what, run, lambda: held)


class FunctionDriver(Driver):
    """A function of the site's arrays and the rate.

    Given an int seed argument, the calls that follow a seed get the ints that follow it.
    """

    def __init__(
        self,
        facts: Facts,
        guard: Guard,
        framework: Framework,
        site: Site,
        generator: type[Stream],
    ) -> None:
        super().__init__(facts, guard)
        self.framework, self.site = framework, site
        self.stream = stream_for(facts.signature, generator)

    def build(self, rate: Any, arrays: Arrays = NONE, options: Mapping[str, Any] = NONE) -> Layer:
        """The function at one rate, with its own copies of the parameters."""
        if options:
            refuse(f"it takes no {next(iter(options))}")
        held = {n: None if a is None else self.parameter(a) for n, a in arrays.items()}
        return FunctionLayer(self, rate, held)

    def parameter(self, x: Array) -> Any:
        """A parameter as the function gets it."""
        return self.framework.native(x)

    def call(self, natives: list[Any], rate: Any, training: bool) -> Any:
        """Calls the function itself on native arrays."""
        stream, (x, *held) = self.stream and self.stream.next(), natives
        own = with_axes_taken(x, self.facts.ranks_refused)
        with np.errstate(all="ignore"):
            reply = self.facts.signature.call(
                self.facts.thing, [own, *held], self.given(rate), training, stream
            )
        return with_axes_of(x, own, reply)

    def reseed(self, seed: int) -> None:
        """Seeds the argument."""
        self.last_seed = seed
        if self.stream:
            self.stream.seed(seed)

    def seed_lines(self, seed: int) -> list[str]:
        """By the argument."""
        return [self.stream.spelled(seed)] if self.stream else []

    def find_seedable(self, replays: Callable[[], bool]) -> bool:
        """A function that is given its stream can be seeded by it."""
        return self.stream is not None

    def state(self) -> Any:
        """The state of the generator that is its argument."""
        self.require_seedable()
        return self.stream.state() if self.stream else super().state()

    def restore(self, state: Any) -> None:
        """Puts back what `state` gave."""
        if not self.stream:
            super().restore(state)
        else:
            self.stream.restore(state)

    def spelled(self, rate: Any, mode: str = "") -> str:
        """`dropout(x, 0.5, training=True, rng=rng)`."""
        stream = self.stream.name if self.stream else ""
        return self.facts.signature.spelled_call(self.name, self.given(rate), mode, stream)
