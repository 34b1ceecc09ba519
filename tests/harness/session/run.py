"""One run over one implementation: its profile and seed, the campaigns it has made so far, and the notes a test takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from zlib import crc32

from dropspec.chance.campaign import Campaign
from dropspec.chance.conduct import Results, conduct
from dropspec.chance.plan import COUNTS, Plan, plan_for
from dropspec.core.errors import Hung, ImplementationError, NotClaimed, Undecided
from dropspec.core.options import Profile
from dropspec.core.recipes import Recipe, draw_recipes
from dropspec.frameworks.base import Adapter

Raised = ImplementationError | Hung | NotClaimed | Undecided
SHARES = 8  # times what a property tries: so many different recipes a run has


@dataclass
class Notes:
    """What a test found beyond its verdict: the certificate it earned, and numbers that a diagnosis may want."""

    certificate: str = ""
    observations: dict[str, float] = field(default_factory=dict)

    def observe(self, name: str, value: float) -> None:
        """Keeps a number by name."""
        self.observations[name] = float(value)


class Run:
    """A profile, a seed, and the campaigns over one implementation. Every seed derives from what it is for, so two runs agree."""

    def __init__(self, adapter: Adapter, profile: Profile, seed: int) -> None:
        self.adapter, self.profile, self.seed = adapter, profile, seed
        self.plan: Plan = plan_for(profile, adapter.family)
        self._done: dict[Campaign, Results | Raised] = {}

    def seed_for(self, purpose: str) -> int:
        """A seed of 31 bits for that purpose in this run."""
        return crc32(f"{purpose} {self.seed}".encode()) & 0x7FFFFFFF

    @cached_property
    def recipes(self) -> tuple[Recipe, ...]:
        """What the exact clauses are tried on: so many for all of them together, that most are met by several."""
        return draw_recipes(SHARES * self.profile.examples, self.seed_for("recipes"))

    def recipes_for(self, name: str) -> Iterator[Recipe]:
        """The plainest recipe, and all others from a place on that depends on the name of the property."""
        plainest, *others = self.recipes
        start = self.seed_for(name) % len(others)
        return chain([plainest], others[start:], others[:start])

    def tol(self, clause: str) -> float:
        """The tolerance of a clause that counts by itself, in standard deviations of one trial."""
        return COUNTS[clause].tol * self.profile.tolerance

    def results(self, campaigns: Iterable[Campaign]) -> tuple[list[Results], list[Raised]]:
        """Carries the campaigns out, once each; those in dtypes that are not taken are passed over.

        Returns what they came to, and what was raised in those that came to nothing.
        """
        done = [self._result(c) for c in campaigns if c.dtype in self.adapter.claims.dtypes]
        return [d for d in done if isinstance(d, Results)], [d for d in done if not isinstance(d, Results)]

    def _result(self, campaign: Campaign) -> Results | Raised:
        if campaign not in self._done:
            try:
                with self.adapter.guard.watch(), self.adapter.one_thread():
                    self._done[campaign] = conduct(campaign, self.adapter, self.plan.alpha, self.seed_for(campaign.name))
            except (ImplementationError, Hung, NotClaimed, Undecided) as error:
                self._done[campaign] = error
        return self._done[campaign]
