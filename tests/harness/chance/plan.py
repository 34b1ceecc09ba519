"""A plan: the campaigns of a run, their tolerances, and the split of its false-alarm budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod, sqrt

from dropspec.chance.campaign import ROW, Campaign
from dropspec.chance.gauge import samples_for
from dropspec.core.options import Profile
from dropspec.core.risk import ALPHA_RUN

RATES = {  # of the main campaigns, with their tolerance in the standard profile
    0.5: 0.001,
    0.1: 0.001,
    0.9: 0.001,
    0.01: 0.001,
    0.001: 0.0001,
    0.999: 0.0001,
}


@dataclass(frozen=True)
class Look:
    """One lens over some campaigns, in those of them that have it: what a clause is judged by."""

    lens: str
    campaigns: tuple[Campaign, ...]


@dataclass(frozen=True)
class Count:
    """What a clause counts by itself, outside campaigns, at each of some rates.

    `shares` are the probabilities of its cells. `tol` is the tolerance in the standard profile, in
    standard deviations of one trial.
    """

    what: str
    shares: tuple[float, ...]
    tol: float
    rates: tuple[float, ...]


@dataclass(frozen=True)
class Plan:
    """The campaigns of a run by purpose, and what each clause that is judged by chance looks at."""

    main: tuple[Campaign, ...]
    elsewhere: tuple[Campaign, ...]
    small: tuple[Campaign, ...]
    looks: Mapping[str, tuple[Look, ...]]
    counts: Mapping[str, Count]

    @property
    def decisions(self) -> int:
        """The number of decisions by chance: each lens of each campaign, and each count."""
        campaigns = (*self.main, *self.elsewhere, *self.small)
        lenses = sum(len(campaign.lenses) for campaign in campaigns)
        return lenses + sum(len(count.rates) for count in self.counts.values())

    @property
    def alpha(self) -> float:
        """The false-alarm probability of one decision.

        Nine tenths of the run's are split evenly; a tenth is left to coincidences.
        """
        return 0.9 * ALPHA_RUN / self.decisions


def main_campaign(
    rate: float, dtype: str, profile: Profile, lenses: tuple[str, ...], word: int = 0
) -> Campaign:
    """Calls of 2^12 to 2^18 units, about a tenth of Wald's bound each, in rows of 256.

    A call costs some time however few units it has.
    """
    within = RATES[rate] * profile.tolerance
    if 0.1 <= rate <= 0.9:
        lenses += ("twins",)
    if rate == 0.5 and dtype == "float32":
        lenses += ("echo", "overlap")
    tenth = samples_for(within / sqrt(rate * (1 - rate))) / 10
    units = min(max(1 << int(tenth).bit_length() - 1, 1 << 12), 1 << 18)
    return Campaign(rate, dtype, (units // ROW, ROW), within, lenses, word=word)


def differentiable_campaign(profile: Profile, lenses: tuple[str, ...], word: int = 0) -> Campaign:
    """Calls that want a gradient, for which fused code may run; at a rate that tells eight bits."""
    within = 0.001 * profile.tolerance
    return Campaign(0.01, "float32", (64, ROW), within, lenses, differentiable=True, word=word)


def small_campaign(
    shape: tuple[int, ...], rate: float, calls: int, dtype: str = "float32", word: int = 0
) -> Campaign:
    """Many small calls: they show special first, last or only elements, and repeated masks."""
    units = prod(shape)
    lenses: tuple[str, ...] = ("rate", "unit", "above", "sum of call")
    if units > 1:
        lenses += ("left",)
    if units >= 1000:
        lenses += ("twins",)
    within = sqrt(samples_for(1.0) / (calls * units) * rate * (1 - rate))
    return Campaign(rate, dtype, shape, within, lenses, calls_as_rows=True, word=word)
