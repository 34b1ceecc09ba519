"""Implementations to test the suite with: inspected as a run does it, or made of drawn ratios."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dropspec.chance.campaign import Campaign
from dropspec.chance.conduct import Results, conduct
from dropspec.core.arrays import Array
from dropspec.core.calls import Tape
from dropspec.core.driver import Driver
from dropspec.core.facts import Facts, Kind
from dropspec.core.guard import Guard
from dropspec.core.implementation import Implementation
from dropspec.core.layer import Layer
from dropspec.core.options import PROFILES, Options
from dropspec.core.recorded import Recorded
from dropspec.core.target import parse_target
from dropspec.families import all_families, family_named
from dropspec.frameworks import all_frameworks
from dropspec.session.run import Run, open_run, outputs_of

# output · keep / input of one call at a rate: 0 where a unit was dropped, 1 where it survived
Ratios = Callable[[np.random.Generator, tuple[int, ...], float], Array]


def inspected(text: str, timeout_s: float = 5.0, family: str = "") -> Implementation:
    """The implementation that a target is. Raises BadTarget."""
    options = Options(family=family, timeout_s=timeout_s)
    target, frameworks = parse_target(text), all_frameworks()
    return open_run(target, options, frameworks, all_families(), lambda: None).impl


def run_over(impl: Implementation, profile: str = "quick", seed: int = 0) -> Run:
    """A run over an implementation, by the plan of its family."""
    return Run(impl, family_named(impl.facts.family), PROFILES[profile], seed)


def outcome(campaign: Campaign, impl: Implementation, alpha: float, seed: int) -> Results:
    """What a campaign over an implementation finds."""
    return conduct(campaign, outputs_of(impl, campaign, seed), alpha)


class Made(Implementation):
    """An implementation whose ratios a function draws.

    `start` makes a new function for each seed, so that it may keep what it drew. `calls` counts.
    """

    def __init__(self, start: Callable[[], Ratios], dtypes: tuple[str, ...] = ("float32",)) -> None:
        target = parse_target("made:layer")
        facts = Facts(target, start, Kind.FUNCTION, "dropout", "numpy", dtypes=dtypes)
        super().__init__(facts, Driver(facts, Guard(60.0)))
        self.start, self.calls = start, 0

    def reseed(self, seed: int) -> None:
        """Begins anew."""
        self.rng, self.ratios = np.random.default_rng(seed), self.start()

    def layer(self, rate: Any) -> Layer:
        """The function at one rate."""
        return MadeLayer(self, float(rate))


class MadeLayer(Layer):
    """The function at one rate."""

    def __init__(self, impl: Made, rate: float) -> None:
        self.impl, self.rate, self.keep = impl, rate, np.float32(1 - rate)

    def train(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """x / keep times the ratios; no backward pass."""
        self.impl.calls += 1
        ratios = self.impl.ratios(self.impl.rng, x.shape, self.rate)
        with np.errstate(all="ignore"):  # keep is 0 at rate 1
            output = np.where(ratios == 0, 0, x / self.keep * ratios).astype(np.float32)
        return Recorded(output, Tape(), self.impl.guard, "it")
