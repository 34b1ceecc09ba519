"""An implementation under test: its facts, and the framework that drives it."""

from __future__ import annotations

from typing import Any

from dropspec.core.arrays import Array
from dropspec.core.driver import Driver
from dropspec.core.errors import NotClaimed
from dropspec.core.facts import Facts, Kind
from dropspec.core.layer import Layer
from dropspec.core.recorded import Recorded


class Implementation:
    """What properties call. Every call into user code goes through the guard.

    `driver` offers the abilities of the framework (seeding, modes, threads, networks, in place …),
    each of which raises NotClaimed where the target or its framework does not have it.
    """

    def __init__(self, facts: Facts, driver: Driver) -> None:
        self.facts, self.driver, self.guard = facts, driver, driver.guard

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes that it takes, in the order of `core.arrays.DTYPES`."""
        return self.facts.dtypes

    @property
    def at_construction(self) -> bool:
        """Whether it is given its rate before its first input."""
        return self.facts.kind is Kind.CLASS and not self.facts.signature.rate_of_call

    def layer(self, rate: Any) -> Layer:
        """A new layer with this rate. Raises ImplementationError for what its code raises."""
        return self.driver.build(rate)

    def constructed(self, rate: Any) -> Layer:
        """A new layer; where the rate is given at construction, one has been constructed."""
        return self.layer(rate)

    def masks(self, rate: Any) -> Layer:
        """A layer for campaigns, which look only at where its output is 0."""
        return self.layer(rate)

    def train(self, x: Array, rate: Any, seed: int, *, differentiable: bool = False) -> Recorded:
        """Seeds, builds a layer, and calls it once in training mode."""
        self.reseed(seed)
        return self.layer(rate).train(x, differentiable=differentiable)

    def evaluate(self, x: Array, rate: Any, *, differentiable: bool = False) -> Recorded:
        """Seeds, builds a layer, and calls it once in evaluation mode.

        The seed is for a layer that draws in evaluation: so its failure can be replayed.
        """
        self.reseed(0)
        return self.layer(rate).evaluate(x, differentiable=differentiable)

    def reseed(self, seed: int) -> None:
        """Seeds the stream that the next layers and calls draw from, where it can be seeded."""
        self.driver.reseed(seed)

    def require_evaluation(self) -> None:
        """Raises NotClaimed where it has no evaluation mode."""
        if self.facts.no_evaluation:
            raise NotClaimed(self.facts.no_evaluation)
