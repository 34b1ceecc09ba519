"""Campaigns, the plan that splits the error budget over them, and the sentences that come of
what they found.

Implementations are made of NumPy masks under fixed seeds. A right one is refused or left open
with probability below 1e-10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dropspec.chance.campaign import BUDGET, Campaign
from dropspec.chance.gauge import Decision
from dropspec.core.arrays import Bits
from dropspec.core.errors import ImplementationError
from dropspec.families.dropout import EVERY_LENS

from .inspected import Made, outcome, run_over

ALPHA = 1e-12
CAMPAIGN = Campaign(
    0.5, "float32", (16, 256), 0.01, (*EVERY_LENS, "mean", "square", "echo", "twins")
)
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
        Campaign(
            0.3,
            "float32",
            (7,),
            0.02,
            ("rate", "unit", "left", "above", "sum of call"),
            calls_as_rows=True,
        ),
        Campaign(0.3, "float32", (8, 16, 32, 16), 0.01, ("rate",), "channels-last"),
    ],
    ids=lambda campaign: campaign.name,
)
def test_a_right_implementation_passes_all_lenses(campaign: Campaign) -> None:
    """Every lens of a campaign passes, and the campaign ends before its budget does."""
    results = outcome(campaign, of_masks(), ALPHA, seed=1)
    assert {name: f.decision for name, f in results.findings.items()} == dict.fromkeys(
        campaign.lenses, Decision.PASS
    )
    assert not results.rate_failed
    assert results.bits < BUDGET * campaign.bound


def test_a_wrong_rate_ends_a_campaign_early() -> None:
    """Where the rate fails, the campaign goes on for Wald's bound at most; lenses that need no
    rate do not fail with it.
    """
    results = outcome(
        CAMPAIGN, of_masks(lambda rng, shape, rate: right(rng, shape, 0.7)), ALPHA, seed=1
    )
    assert results.rate_failed
    assert results.bits <= CAMPAIGN.bound + 16 * 256
    assert not [
        name
        for name in ("unit", "value", "left", "above", "call", "twins")
        if results.findings[name].decision is Decision.FAIL
    ]
    # 10 standard deviations of 69,000 units
    assert results.findings["rate"].share == pytest.approx(0.7, abs=0.02)


def test_an_open_lens_is_reported_open() -> None:
    """A rate off by eps cannot pass (except with probability 1e-6), nor fail at an alpha of 1e-300:
    it is open when the budget ends.
    """
    off = replace(CAMPAIGN, lenses=("rate",))
    results = outcome(
        off, of_masks(lambda rng, shape, rate: right(rng, shape, 0.51)), 1e-300, seed=1
    )
    assert results.findings["rate"].decision is Decision.OPEN
    assert BUDGET * off.bound <= results.bits < BUDGET * off.bound + 16 * 256


def test_the_same_seed_gives_the_same_findings() -> None:
    """Two campaigns from one seed agree in every number; from another seed they do not."""
    first, again, other = (
        outcome(CAMPAIGN, of_masks(), ALPHA, seed).findings for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_results_are_kept() -> None:
    """A campaign is carried out once, and its results are handed out again; dtypes that are not
    taken are passed over.
    """
    impl = of_masks()
    run = run_over(impl)
    ((first,), _), calls = run.results([CAMPAIGN]), impl.calls
    (second,), _ = run.results([CAMPAIGN, replace(CAMPAIGN, dtype="float64")])
    assert second is first
    assert impl.calls == calls


def test_an_error_comes_again_and_harms_no_other_campaign() -> None:
    """What the implementation raised is handed out each time that campaign is asked for, without
    another call; others give results.
    """

    def raises(rng: np.random.Generator, shape: tuple[int, ...], rate: float) -> Bits:
        if rate == 0.1:
            raise ImplementationError("no such rate here")
        return right(rng, shape, rate)

    impl = of_masks(raises)
    run = run_over(impl)
    broken, fine = (
        replace(CAMPAIGN, rate=0.1, lenses=("rate",)),
        replace(CAMPAIGN, lenses=("rate",)),
    )
    for _ in range(2):
        assert [str(error) for error in run.results([broken])[1]] == ["no such rate here"]
        assert impl.calls == 1
    (passed,), (error,) = run.results([broken, fine])
    assert passed.findings["rate"].decision is Decision.PASS
    assert str(error) == "no such rate here"
