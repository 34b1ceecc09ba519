"""One run over one implementation: its profile, its seeds, and the campaigns it has made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from zlib import crc32

from dropspec.chance.campaign import Campaign
from dropspec.chance.conduct import Results, conduct
from dropspec.chance.plan import Plan
from dropspec.core.arrays import Array
from dropspec.core.errors import Hung, ImplementationError, NotClaimed, Undecided
from dropspec.core.framework import Framework
from dropspec.core.guard import Guard
from dropspec.core.implementation import Implementation
from dropspec.core.observations import Observation
from dropspec.core.options import PROFILES, Options, Profile
from dropspec.core.recipes import Recipe, draw_recipes
from dropspec.core.target import Target
from dropspec.diagnosis.examination import examine
from dropspec.families.base import Family
from dropspec.targets.forms import in_form
from dropspec.targets.inspect import inspect
from dropspec.targets.locate import load

Raised = ImplementationError | Hung | NotClaimed | Undecided
SHARES = 8  # times what a property tries: so many different recipes a run has


class Run:
    """A profile, a seed, and the campaigns over one implementation.

    Every seed derives from its purpose, so two runs agree.
    """

    def __init__(self, impl: Implementation, family: Family, profile: Profile, seed: int) -> None:
        self.impl, self.family, self.profile, self.seed = impl, family, profile, seed
        self.plan: Plan = family.plan(profile)
        self._done: dict[Campaign, Results | Raised] = {}

    def seed_for(self, purpose: str) -> int:
        """A seed of 31 bits for that purpose in this run."""
        return crc32(f"{purpose} {self.seed}".encode()) & 0x7FFFFFFF

    @cached_property
    def recipes(self) -> tuple[Recipe, ...]:
        """The recipes of all exact clauses together, so that most are met by several clauses."""
        return draw_recipes(SHARES * self.profile.examples, self.seed_for("recipes"))

    def recipes_for(self, name: str) -> Iterator[Recipe]:
        """The plainest recipe, then all others, from a place that depends on the name."""
        plainest, *others = self.recipes
        start = self.seed_for(name) % len(others)
        return chain([plainest], others[start:], others[:start])

    @cached_property
    def examined(self) -> tuple[Observation, ...]:
        """What is seen of the layer for the diagnosis, where something failed: once a run."""
        has_places = not self.family.parameters
        return examine(self.impl, self.seed_for("examination"), has_places=has_places)

    def tol(self, clause: str) -> float:
        """The tolerance of a clause that counts by itself, in standard deviations of one trial."""
        return self.plan.counts[clause].tol * self.profile.tolerance

    def results(self, campaigns: Iterable[Campaign]) -> tuple[list[Results], list[Raised]]:
        """Carries the campaigns out, once each, except those in dtypes that are not taken.

        Returns their results, and what was raised by those that have none.
        """
        done = [self._result(c) for c in campaigns if c.dtype in self.impl.dtypes]
        results = [d for d in done if isinstance(d, Results)]
        return results, [d for d in done if not isinstance(d, Results)]

    def _result(self, campaign: Campaign) -> Results | Raised:
        if campaign not in self._done:
            outputs = outputs_of(self.impl, campaign, self.seed_for(campaign.name))
            try:
                with self.impl.guard.watch(), self.impl.driver.one_thread():
                    self._done[campaign] = conduct(campaign, outputs, self.plan.alpha)
            except (ImplementationError, Hung, NotClaimed, Undecided) as error:
                self._done[campaign] = error
        return self._done[campaign]


def open_run(
    target: Target,
    options: Options,
    frameworks: Sequence[Framework],
    families: Sequence[Family],
    settle: Callable[[], object],
    loaded: Callable[[], None] = lambda: None,
    beat: Callable[[], None] | None = None,
) -> Run:
    """Loads a target, inspects it, and makes a run over it; `loaded` is called between the two,
    and `settle` to put back what the target changes for the whole process.

    `beat` is called about once a second, between two calls of the layer. Raises BadTarget.
    """
    thing = load(target, frameworks, Guard(options.import_timeout_s))
    settle()
    loaded()
    guard = Guard(options.timeout_s, beat)
    target, thing = in_form(target, thing, options.build, options.call, guard)
    impl = inspect(
        target, thing, guard, frameworks, families, options.family, settle, options.claims
    )
    family = next(f for f in families if f.name == impl.facts.family)
    return Run(impl, family, PROFILES[options.profile], options.seed)


def outputs_of(impl: Implementation, campaign: Campaign, seed: int) -> Iterator[Array]:
    """The outputs of training calls, one after another without reseeding, for ever."""
    x = campaign.input()
    impl.reseed(seed)
    bound = impl.masks(campaign.rate).of(x)
    while True:
        yield bound.train(differentiable=campaign.differentiable).output
