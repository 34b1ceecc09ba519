"""The false-alarm probability of a run is split evenly over a known number of decisions."""

from __future__ import annotations

import pytest

from dropspec.chance.campaign import Campaign
from dropspec.chance.gauge import Gauge
from dropspec.chance.lenses import build
from dropspec.chance.lenses.base import Lens
from dropspec.core.options import PROFILES, Profile
from dropspec.core.risk import ALPHA_RUN
from dropspec.families import all_clauses, all_families
from dropspec.families.base import Family

from .inspected import run_over
from .test_campaign import CAMPAIGN, of_masks

DECISIONS = {"dropout": 338, "dropconnect": 155}  # a change here changes what a run can find
EVERY_FAMILY = pytest.mark.parametrize("family", all_families(), ids=lambda family: family.name)
EVERY_PROFILE = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


@EVERY_FAMILY
@EVERY_PROFILE
def test_a_plan_makes_the_stated_number_of_decisions(family: Family, profile: Profile) -> None:
    """Every profile of a family takes the same number of decisions by chance."""
    assert family.plan(profile).decisions == DECISIONS[family.name]


@EVERY_FAMILY
@EVERY_PROFILE
def test_the_decisions_share_nine_tenths_of_the_runs_alpha(
    family: Family, profile: Profile
) -> None:
    """All decisions together accuse a right layer with probability 0.9 of the run's at most."""
    plan = family.plan(profile)
    assert plan.alpha * plan.decisions == pytest.approx(0.9 * ALPHA_RUN, rel=1e-12)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_budget_is_not_overdrawn(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alphas of all decisions of a plan add up to less than the run's, and each lens gets
    the plan's alpha.
    """
    for family in all_families():
        plan = family.plan(PROFILES[profile])
        lenses = [name for c in (*plan.main, *plan.elsewhere, *plan.small) for name in c.lenses]
        counted = [rate for count in plan.counts.values() for rate in count.rates]
        assert plan.decisions == len(lenses) + len(counted)
        assert plan.alpha * plan.decisions < ALPHA_RUN
    given: list[float] = []

    def building(name: str, campaign: Campaign, alpha: float) -> Lens:
        given.append(alpha)
        return build(name, campaign, alpha)

    monkeypatch.setattr("dropspec.chance.conduct.build", building)
    run = run_over(of_masks(), profile)
    run.results([CAMPAIGN])
    assert given == [run.plan.alpha] * len(CAMPAIGN.lenses)


@EVERY_FAMILY
@pytest.mark.parametrize("profile", PROFILES)
def test_every_gauge_of_a_plan_has_something_to_refute(profile: str, family: Family) -> None:
    """Each gauge has an intolerable probability between 0 and 1 for each cell; only those on
    sums of few large calls find fault alone.
    """
    plan = family.plan(PROFILES[profile])
    vacuous = []
    for campaign in (*plan.main, *plan.elsewhere, *plan.small):
        for name in campaign.lenses:
            gauge: Gauge | None = getattr(build(name, campaign, plan.alpha), "gauge", None)
            if (
                gauge is not None
                and not gauge.certifies
                and (name != "sum of call" or campaign.calls_as_rows)
            ):
                vacuous.append(f"{name} at {campaign.name}")
    assert not vacuous


@EVERY_FAMILY
def test_what_is_looked_at_is_judged(family: Family) -> None:
    """Each lens of each campaign belongs to a clause of chance, and each clause of chance to a
    lens that some campaign has.
    """
    plan = family.plan(PROFILES["quick"])
    looks = [look for of_clause in plan.looks.values() for look in of_clause]
    assert set(plan.looks) <= set(all_clauses())
    for campaign in (*plan.main, *plan.elsewhere, *plan.small):
        for lens in campaign.lenses:
            assert any(look.lens == lens and campaign in look.campaigns for look in looks), (
                lens,
                campaign.name,
            )
    for look in looks:
        assert any(look.lens in campaign.lenses for campaign in look.campaigns)
