"""One run over one implementation: its profile and seed, the campaigns it has made so far, and the notes a test takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from zlib import crc32

from .adapters import Adapter
from .budget import BETA, Profile
from .campaign import Campaign, Results, conduct
from .gauge import Decision
from .lenses import Finding
from .outcomes import Hung, ImplementationError, NotClaimed, Undecided, Violation
from .plan import Plan, plan_for
from .strategies import Recipe, draw_recipes

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
        self._done: dict[Campaign, Results | ImplementationError | Hung | NotClaimed] = {}

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

    def results(self, campaigns: Iterable[Campaign]) -> list[Results]:
        """Carries the campaigns out, once each; those in dtypes that are not taken are passed over.

        Raises what the implementation raised, each time that campaign is asked for.
        """
        return [self._result(c) for c in campaigns if c.dtype in self.adapter.claims.dtypes]

    def _result(self, campaign: Campaign) -> Results:
        if campaign not in self._done:
            try:
                with self.adapter.guard.watch(), self.adapter.one_thread():
                    self._done[campaign] = conduct(campaign, self.adapter, self.plan.alpha, self.seed_for(campaign.name))
            except (ImplementationError, Hung, NotClaimed) as error:
                self._done[campaign] = error
        done = self._done[campaign]
        if isinstance(done, BaseException):
            raise done
        return done


RATE_FREE = frozenset({"rate", "echo", "twins"})
NEED_THE_RATE = frozenset({"sum of row", "sum of call"})


def judge(results: list[Results], lens: str, notes: Notes) -> None:
    """The verdict of one lens over many campaigns: raises Violation or Undecided, or notes the certificate.

    Where the rate of a campaign is wrong, sums are not judged, and contexts that must share the rate may fail there but not pass.
    """
    looked = [(r.campaign, r.findings[lens], r.rate_failed and lens not in RATE_FREE) for r in results if lens in r.findings]
    if not looked:
        raise NotClaimed("it takes no dtype in which this is looked at")
    failed = [(c, f) for c, f, rate_failed in looked if f.decision is Decision.FAIL and not (rate_failed and lens in NEED_THE_RATE)]
    if failed:
        telling = [f for c, f in failed if 0.2 < c.rate < 0.8]  # near 0 and 1 a few units weigh much
        strongest = max(telling or [f for _, f in failed], key=lambda f: f.effect)
        notes.observe(f"effect of {lens}", strongest.effect if telling else strongest.effect / 4)
        if lens == "echo":
            notes.observe("echo lag", strongest.lag)
            notes.observe("echo agreement", strongest.share)
        said = [f"{f.measured} at {c.name}" for c, f in failed[:2]]
        more = f"; and in {len(failed) - 2} more campaign{'s' * (len(failed) > 3)}" if len(failed) > 2 else ""
        raise Violation("; ".join(said) + more)
    judged = [(c, f) for c, f, rate_failed in looked if not rate_failed]
    if not judged:
        raise Undecided("the drop rate itself is wrong in every campaign (rate-1), so this cannot be judged")
    still_open = [(c, f) for c, f in judged if f.decision is Decision.OPEN]
    if still_open:
        campaign, finding = still_open[0]
        raise Undecided(f"after {finding.samples:,} samples neither right nor wrong: {finding.measured} at {campaign.name}")
    large, small = ([(c, f) for c, f in judged if c.calls_as_rows is rows] for rows in (False, True))
    notes.certificate = "; ".join(filter(None, (_certificate(large, ""), _certificate(small, " in small calls"))))


def _certificate(judged: list[tuple[Campaign, Finding]], where: str) -> str:
    """What a lens vouches for at each rate, the widest of its campaigns: `±0.001 at 0.1, 0.5 (8 campaigns, error chance 1e-06 each)`.

    A tolerance of a quarter or more says nothing that a reader could use, and is left out.
    """
    useful = [(campaign.rate, finding.within) for campaign, finding in judged if 0 < finding.within < 0.25]
    widest: dict[float, float] = {}
    for rate, within in useful:
        widest[rate] = max(widest.get(rate, 0.0), within)
    by_width: dict[str, list[str]] = {}
    for rate, within in sorted(widest.items()):
        by_width.setdefault(f"±{within:.2g}", []).append(f"{rate:g}")
    spans = ", ".join(f"{width} at {', '.join(rates)}" for width, rates in by_width.items())
    return f"{spans}{where} ({len(useful)} campaign{'s' * (len(useful) != 1)}, error chance {BETA:g} each)" if spans else ""
