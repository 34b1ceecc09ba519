"""Campaigns, the plan that splits the error budget over them, and the sentences that come of what they found.

Implementations are made of NumPy masks under fixed seeds. A right one is refused or left open with chance below 1e-10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dropspec.chance.campaign import BUDGET, Campaign
from dropspec.chance.conduct import Results
from dropspec.chance.gauge import Decision, Gauge
from dropspec.chance.judge import judge_lens
from dropspec.chance.lenses import build
from dropspec.chance.lenses.base import Finding, Lens
from dropspec.core.arrays import Bits
from dropspec.core.errors import ImplementationError, NotClaimed, Undecided, Violation
from dropspec.core.notes import Notes
from dropspec.core.options import PROFILES
from dropspec.core.risk import ALPHA_RUN
from dropspec.families import all_clauses, all_families
from dropspec.families.base import Family
from dropspec.families.dropout import EVERY_LENS

from .inspected import Made, outcome, run_over

ALPHA = 1e-12
CAMPAIGN = Campaign(0.5, "float32", (16, 256), 0.01, (*EVERY_LENS, "mean", "square", "echo", "twins"))
Masks = Callable[[np.random.Generator, tuple[int, ...], float], Bits]


def right(rng: np.random.Generator, shape: tuple[int, ...], rate: float) -> Bits:
    """A mask as it should be."""
    return np.asarray(rng.random(shape) >= rate)


def of_masks(masks: Masks = right) -> Made:
    """An implementation that draws its masks by this function."""
    return Made(lambda: lambda rng, shape, rate: masks(rng, shape, rate).astype(np.float32))


@pytest.mark.parametrize(
    "campaign",
    [
        CAMPAIGN,
        Campaign(0.1, "float32", (32, 256), 0.005, (*EVERY_LENS, "mean", "square", "twins")),
        Campaign(0.3, "float32", (7,), 0.02, ("rate", "unit", "left", "above", "sum of call"), calls_as_rows=True),
        Campaign(0.3, "float32", (8, 16, 32, 16), 0.01, ("rate",), "channels-last"),
    ],
    ids=lambda campaign: campaign.name,
)
def test_a_right_implementation_passes_all_lenses(campaign: Campaign) -> None:
    """Every lens of a campaign passes, and the campaign ends before its budget does."""
    results = outcome(campaign, of_masks(), ALPHA, seed=1)
    assert {name: f.decision for name, f in results.findings.items()} == dict.fromkeys(campaign.lenses, Decision.PASS)
    assert not results.rate_failed
    assert results.bits < BUDGET * campaign.bound


def test_a_wrong_rate_ends_a_campaign_early() -> None:
    """Where the rate fails, the campaign goes on for Wald's bound at most; lenses that need no rate do not fail with it."""
    results = outcome(CAMPAIGN, of_masks(lambda rng, shape, rate: right(rng, shape, 0.7)), ALPHA, seed=1)
    assert results.rate_failed
    assert results.bits <= CAMPAIGN.bound + 16 * 256
    assert not [name for name in ("unit", "value", "left", "above", "call", "twins") if results.findings[name].decision is Decision.FAIL]
    assert results.findings["rate"].share == pytest.approx(0.7, abs=0.02)  # 10 standard deviations of 69,000 units


def test_an_open_lens_is_reported_open() -> None:
    """A rate off by eps cannot pass (but for a chance of 1e-6), nor fail at an alpha of 1e-300: it is open when the budget ends."""
    off = replace(CAMPAIGN, lenses=("rate",))
    results = outcome(off, of_masks(lambda rng, shape, rate: right(rng, shape, 0.51)), 1e-300, seed=1)
    assert results.findings["rate"].decision is Decision.OPEN
    assert BUDGET * off.bound <= results.bits < BUDGET * off.bound + 16 * 256


def test_the_same_seed_gives_the_same_findings() -> None:
    """Two campaigns from one seed agree in every number; from another seed they do not."""
    first, again, other = (outcome(CAMPAIGN, of_masks(), ALPHA, seed).findings for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("profile", PROFILES)
def test_the_budget_is_not_overdrawn(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alphas of all decisions of a plan add up to less than the run's, and each lens gets the plan's alpha."""
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


@pytest.mark.parametrize("family", all_families(), ids=lambda family: family.name)
@pytest.mark.parametrize("profile", PROFILES)
def test_every_gauge_of_a_plan_has_something_to_refute(profile: str, family: Family) -> None:
    """Each gauge has an intolerable probability between 0 and 1 for each cell; only those on sums of few large calls find fault alone."""
    plan = family.plan(PROFILES[profile])
    vacuous = []
    for campaign in (*plan.main, *plan.elsewhere, *plan.small):
        for name in campaign.lenses:
            gauge: Gauge | None = getattr(build(name, campaign, plan.alpha), "gauge", None)
            if gauge is not None and not gauge.certifies and (name != "sum of call" or campaign.calls_as_rows):
                vacuous.append(f"{name} at {campaign.name}")
    assert not vacuous


@pytest.mark.parametrize("family", all_families(), ids=lambda family: family.name)
def test_what_is_looked_at_is_judged(family: Family) -> None:
    """Each lens of each campaign belongs to a clause of chance, and each clause of chance to a lens that some campaign has."""
    plan = family.plan(PROFILES["quick"])
    looks = [look for of_clause in plan.looks.values() for look in of_clause]
    assert set(plan.looks) <= set(all_clauses())
    for campaign in (*plan.main, *plan.elsewhere, *plan.small):
        for lens in campaign.lenses:
            assert any(look.lens == lens and campaign in look.campaigns for look in looks), (lens, campaign.name)
    for look in looks:
        assert any(look.lens in campaign.lenses for campaign in look.campaigns)


def test_results_are_kept() -> None:
    """A campaign is carried out once, and its results are handed out again; dtypes that are not taken are passed over."""
    impl = of_masks()
    run = run_over(impl)
    ((first,), _), calls = run.results([CAMPAIGN]), impl.calls
    ((second,), _) = run.results([CAMPAIGN, replace(CAMPAIGN, dtype="float64")])
    assert second is first
    assert impl.calls == calls


def test_an_error_comes_again_and_harms_no_other_campaign() -> None:
    """What the implementation raised is handed out each time that campaign is asked for, without another call; others give results."""

    def raises(rng: np.random.Generator, shape: tuple[int, ...], rate: float) -> Bits:
        if rate == 0.1:
            raise ImplementationError("no such rate here")
        return right(rng, shape, rate)

    impl = of_masks(raises)
    run = run_over(impl)
    broken, fine = replace(CAMPAIGN, rate=0.1, lenses=("rate",)), replace(CAMPAIGN, lenses=("rate",))
    for _ in range(2):
        assert [str(error) for error in run.results([broken])[1]] == ["no such rate here"]
        assert impl.calls == 1
    ((passed,), (error,)) = run.results([broken, fine])
    assert passed.findings["rate"].decision is Decision.PASS
    assert str(error) == "no such rate here"


def found(
    decision: Decision, lens: str = "left", *, rate: float = 0.5, within: float = 0.002, small: bool = False, off: bool = False
) -> Results:
    """Results written by hand: one lens, beside a rate lens that passed or, where the rate is `off`, failed."""
    campaign = Campaign(rate, "float32", (4, 8), 0.001, (lens,), calls_as_rows=small)
    finding = Finding(decision, 2_000, 0.6, "drop rate 0.6 somewhere, not 0.5 (2,000 samples)", within)
    return Results(campaign, {"rate": Finding(Decision.FAIL if off else Decision.PASS, 10, rate, "", 0.001), lens: finding})


def test_a_failed_lens_is_a_violation() -> None:
    """A failure gives what was measured and where: two campaigns in full, the others by number."""
    one = "drop rate 0.6 somewhere, not 0.5 (2,000 samples) at rate 0.5, float32, shape 4×8"
    for failures, text in (
        (1, one),
        (2, f"{one}; {one}"),
        (3, f"{one}; {one}; and in 1 more campaign"),
        (4, f"{one}; {one}; and in 2 more campaigns"),
    ):
        with pytest.raises(Violation) as caught:
            judge_lens([found(Decision.PASS), found(Decision.OPEN), *[found(Decision.FAIL)] * failures], "left", Notes())
        assert str(caught.value) == text


def test_an_open_lens_is_undecided() -> None:
    """An open lens says after how many samples, and what it measured."""
    with pytest.raises(Undecided, match=r"^after 2,000 samples neither right nor wrong: drop rate 0\.6 somewhere.* at rate 0\.5, float32"):
        judge_lens([found(Decision.PASS), found(Decision.OPEN)], "left", Notes())


@pytest.mark.parametrize("lens", ["left", "sum of row"])
def test_nothing_passes_at_a_wrong_rate(lens: str) -> None:
    """Where the rate fails, a lens of dependence may fail but not pass, and a sum does neither."""
    with pytest.raises(Undecided, match="the drop rate itself is wrong in every campaign"):
        judge_lens([found(Decision.PASS, lens, off=True)], lens, Notes())
    with pytest.raises(Violation if lens == "left" else Undecided):
        judge_lens([found(Decision.FAIL, lens, off=True)], lens, Notes())
    judge_lens([found(Decision.PASS, "twins", off=True)], "twins", Notes())


def test_a_lens_that_saw_nothing_accuses_nobody() -> None:
    """Where no campaign of a lens is in a dtype that is taken, that is what is said, and not that the rate is wrong."""
    with pytest.raises((NotClaimed, Undecided)) as caught:
        judge_lens([], "echo", Notes())
    assert "rate itself is wrong" not in str(caught.value)


def test_a_certificate_says_what_holds_where() -> None:
    """It gives the widest tolerance at each rate, large and small calls apart, and leaves out what would say nothing."""
    notes = Notes()
    passed = [found(Decision.PASS, rate=rate, within=within) for rate, within in ((0.5, 0.002), (0.5, 0.001), (0.1, 0.002), (0.9, 0.004))]
    judge_lens(passed, "left", notes)
    assert notes.certificate == "±0.002 at 0.1, 0.5, ±0.004 at 0.9 (4 campaigns, error chance 1e-06 each)"
    judge_lens([*passed[:1], found(Decision.PASS, within=0.1, small=True)], "left", notes)
    assert notes.certificate == (
        "±0.002 at 0.5 (1 campaign, error chance 1e-06 each); ±0.1 at 0.5 in small calls (1 campaign, error chance 1e-06 each)"
    )
    judge_lens([found(Decision.PASS, within=0.3)], "left", notes)
    assert notes.certificate == ""
