"""The false-alarm probability of a run is split evenly over a known number of decisions."""

from __future__ import annotations

import pytest

from dropspec.core.options import PROFILES, Profile
from dropspec.core.risk import ALPHA_RUN
from dropspec.families import all_families
from dropspec.families.base import Family

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


@EVERY_FAMILY
@EVERY_PROFILE
def test_a_clause_looks_only_at_what_a_campaign_has(family: Family, profile: Profile) -> None:
    """A clause reads a lens of campaigns that are made, and at least one of them has that lens."""
    plan = family.plan(profile)
    made = {campaign.name for campaign in (*plan.main, *plan.elsewhere, *plan.small)}
    for clause, looks in plan.looks.items():
        for look in looks:
            assert {campaign.name for campaign in look.campaigns} <= made, clause
            assert any(look.lens in campaign.lenses for campaign in look.campaigns), clause
