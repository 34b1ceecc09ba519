"""The error chances of whole lenses in whole campaigns: by simulation at levels that can be
counted, and of the rate's gauge exactly.

A simulated frequency is held to its level by an exact binomial bound: where the probability of an
error is the level or less, more errors than that come with probability at most 1e-9. The bound of
Ville is not reached, so each test also shows what it would catch: gauges that see every sample
twice, or a defect just as large as is intolerable. All seeds are fixed: what passed once goes on
passing. No test has a clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import exp, log, sqrt

import numpy as np
import pytest
from scipy.stats import betabinom, binom

from dropspec.chance.campaign import BUDGET, Campaign
from dropspec.chance.gauge import Decision, Gauge, samples_for
from dropspec.chance.lenses import build, repeats
from dropspec.chance.lenses.base import Lens
from dropspec.core.risk import ALPHA_RUN, BETA
from dropspec.families.dropconnect import WEIGHT_LENSES
from dropspec.families.dropout import EVERY_LENS, OF_OUTPUTS

from .calibration import CASES, WORD, Ratios, ever_failing, follows, right, simulated
from .exact import Exact
from .inspected import outcome

pytestmark = pytest.mark.whole  # thousands of campaigns take minutes
ERROR = 1e-9  # the chance that a bound below refuses what keeps its level
ALPHA, RUNS = 0.05, 250  # of a FAIL in simulations, and how many there are
LEVEL, WRONG_RUNS = 0.01, 200  # of a PASS that is wrong
NULLS = {
    "dropout": Campaign(0.5, "float32", (8, 64), 0.015, (*EVERY_LENS, *OF_OUTPUTS)),
    "connections": Campaign(0.1, "float32", (8, 64), 0.009, WEIGHT_LENSES, word=WORD),
    "small calls": Campaign(
        0.3,
        "float32",
        (7,),
        0.03,
        ("rate", "unit", "above", "left", "sum of call"),
        calls_as_rows=True,
    ),
}
# lenses that refute stated chances, and not only that contexts share one
AGAINST_STATED = ("rate", "sum of row", "sum of call")


def most(runs: int, level: float) -> int:
    """How many errors come among as many runs, except with probability 1e-9, where each errs with
    probability at most `level`.
    """
    return int(binom.isf(ERROR, runs, level))


@pytest.fixture(autouse=True)
def countable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates of campaigns are wrong with probability at most LEVEL instead of 1e-6, and
    budgets and looks are those for that.
    """

    def building(name: str, campaign: Campaign, alpha: float) -> Lens:
        lens = build(name, campaign, alpha)
        if hasattr(lens, "gauge"):
            lens.gauge.beta = LEVEL
        return lens

    monkeypatch.setattr("dropspec.chance.conduct.build", building)
    monkeypatch.setattr("dropspec.chance.campaign.samples_for", lambda tol: samples_for(tol, LEVEL))


def decisions(
    campaign: Campaign, start: Callable[[], Ratios], alpha: float, runs: int
) -> Counter[tuple[str, Decision]]:
    """What each lens came to in that many campaigns, seeded one after another."""
    counted: Counter[tuple[str, Decision]] = Counter()
    for seed in range(runs):
        counted.update(
            (name, f.decision)
            for name, f in outcome(campaign, simulated(start), alpha, seed).findings.items()
        )
    return counted


@pytest.mark.parametrize("name", NULLS)
def test_right_masks_rarely_fail_in_a_campaign(name: str) -> None:
    """Of 250 campaigns on right masks, each lens fails at most as many as its alpha allows, and
    nearly all pass.
    """
    campaign = NULLS[name]
    counted = decisions(campaign, right(campaign.rate), ALPHA, RUNS)
    for lens in campaign.lenses:
        assert counted[lens, Decision.FAIL] <= most(RUNS, ALPHA), lens
        assert counted[lens, Decision.PASS] >= RUNS - most(RUNS, ALPHA), lens  # more than 90 %


@pytest.mark.parametrize("name", NULLS)
def test_right_masks_rarely_fail_whenever_one_looks(name: str) -> None:
    """Nor do more than that fail at any draw, however late, of twice Wald's bound, where no PASS
    ends the campaign first.
    """
    campaign, failing = NULLS[name], Counter[str]()
    for seed in range(RUNS * 3 // 5):
        failing.update(ever_failing(campaign, right(campaign.rate), ALPHA, seed, 2))
    assert max(failing.values(), default=0) <= most(RUNS * 3 // 5, ALPHA), failing


def test_lenses_that_count_twice_would_be_caught() -> None:
    """Teeth of the test above: shown each draw twice, lenses against stated chances fail on
    right masks more often than alpha allows.

    They did in a fifth to two fifths of the runs, where one in seven is allowed.
    """
    campaign = Campaign(0.5, "float32", (8, 64), 0.015, AGAINST_STATED)
    failing = Counter[str]()
    for seed in range(RUNS):
        failing.update(ever_failing(campaign, right(0.5), ALPHA, seed, 2, twice=True))
    for lens in AGAINST_STATED:
        assert failing[lens] > most(RUNS, ALPHA), lens


@pytest.mark.parametrize("name", CASES)
def test_what_is_just_intolerable_rarely_passes(name: str) -> None:
    """Where one cell of a lens is off by exactly eps, at most as many of 200 campaigns PASS as
    LEVEL allows, and nearly all others FAIL.

    A campaign is left open with less than the probability that PASS has (none of 4500 was), so the
    others are held to twice LEVEL.
    """
    case = CASES[name]
    decided = Counter(
        outcome(case.campaign, case.off(1.0), 1e-6, seed).findings[case.lens].decision
        for seed in range(WRONG_RUNS)
    )
    assert decided[Decision.PASS] <= most(WRONG_RUNS, LEVEL)
    assert decided[Decision.FAIL] >= WRONG_RUNS - most(WRONG_RUNS, 2 * LEVEL)


def test_the_echo_keeps_its_level_and_its_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right masks rarely fail, here of 4096 bits and at 255 lags; an echo as strong as it
    certifies to find is rarely passed over.
    """
    monkeypatch.setattr(repeats.EchoLens, "lags", 256)
    monkeypatch.setattr(repeats.EchoLens, "bits", 4096)
    monkeypatch.setattr(repeats, "BETA", LEVEL)
    campaign = Campaign(0.5, "float32", (1, 4096), 0.04, ("rate", "echo"))
    counted = decisions(campaign, right(0.5), 0.5, 1000)
    assert counted["echo", Decision.FAIL] <= most(1000, 0.5)
    (finding,) = (
        f
        for name, f in outcome(campaign, simulated(right(0.5)), 0.5, 0).findings.items()
        if name == "echo"
    )
    # in so many products the sum is on average what is found for certain
    eps = finding.within * 4096 / (4096 - 32)
    wrong = decisions(campaign, follows(1, 32)(eps, campaign), 0.5, WRONG_RUNS)
    assert wrong["echo", Decision.PASS] <= most(WRONG_RUNS, LEVEL)


def test_twins_come_as_often_as_birthdays_do() -> None:
    """In calls of 16 units, short enough to count, equal ones come as often as two of as many
    people share one of 2^16 birthdays.

    That is below alpha; the number of 1000 campaigns that FAIL leaves the bounds on either
    side with probability 1e-9 each.
    """
    campaign, alpha = Campaign(0.5, "float32", (16,), 0.15, ("twins",), calls_as_rows=True), 0.5
    failing = sum(
        bool(ever_failing(campaign, right(0.5), alpha, seed, BUDGET)) for seed in range(1000)
    )
    rows = int(-(-BUDGET * campaign.bound // 16))
    birthday = 1 - exp(np.log1p(-np.arange(rows) / 2**16).sum())
    assert birthday < alpha
    assert binom.ppf(ERROR, 1000, birthday) <= failing <= most(1000, birthday)


@pytest.mark.parametrize(("q", "tol"), [(0.5, 0.15), (0.1, 0.15), (0.01, 0.15)])
def test_the_rate_keeps_its_real_levels(q: float, tol: float) -> None:
    """Exactly, with alpha 1e-9 and beta 1e-6: a right rate ever fails with at most alpha, one
    off by eps ever passes with at most beta.

    Neither probability is so small that the gauge could be accused of deciding nothing; a right
    rate passes, and one off by eps fails.
    """
    exact, eps = Exact(q, tol, ALPHA_RUN, BETA), float(Gauge((q, 1 - q), tol, ALPHA_RUN).eps[0, 0])
    assert ALPHA_RUN / 10 < exact.chance(Decision.FAIL, q) <= ALPHA_RUN
    for off in (q - eps, q + eps):
        assert off <= 0 or BETA / 10 < exact.chance(Decision.PASS, off) <= BETA
    assert exact.chance(Decision.PASS, q) > 1 - 1e-6
    assert exact.chance(Decision.FAIL, q + eps) > 1 - 1e-6


def test_importance_sampling_agrees_with_alpha() -> None:
    """At alpha 1e-9, the estimate of a right rate's chance to fail, with its upper confidence
    bound, is at most 1e-9.

    Rates are drawn from the prior, and counts by them, up to the first look that FAILs or the
    end of the budget. Each FAIL weighs the likelihood of its counts at rate 1/2 over that under
    the prior, by scipy's own laws, so the estimate is unbiased. As no weight exceeds alpha,
    which is checked, Hoeffding's inequality puts the mean of 20,000 within 0.023 alpha of the
    truth, except with probability 1e-9 on either side. The exact chance must lie there, too.
    """
    tol, runs = 0.15, 20_000
    exact, prior = Exact(0.5, tol, ALPHA_RUN, BETA), 0.5 / (4 * tol**2)
    rng = np.random.default_rng(4)
    p, k, n = rng.beta(prior, prior, runs), np.zeros(runs, np.int64), 0
    weight, stopped = np.zeros(runs), np.zeros(runs, bool)
    for first, end in exact.verdicts(Decision.FAIL):
        k, n = k + rng.binomial(exact.step, p), n + exact.step
        now = ~stopped & ((k < first) | (k >= end))
        weight[now] = np.exp(
            binom.logpmf(k[now], n, 0.5) - betabinom.logpmf(k[now], n, prior, prior)
        )
        stopped |= now
    assert stopped.mean() > 0.2  # the proposal does reach what is rare
    assert weight.max() <= ALPHA_RUN * (1 + 1e-6)
    radius = ALPHA_RUN * sqrt(log(1 / ERROR) / (2 * runs))
    assert weight.mean() + radius <= ALPHA_RUN
    assert abs(weight.mean() - exact.chance(Decision.FAIL, 0.5)) <= radius


OF_CONFSEQ = (  # rate, tolerance, dropped, samples, and the logarithm of the mixture
    (0.5, 0.1, 0, 40, 12.990880260604126),
    (0.5, 0.1, 30, 100, 5.755566091263006),
    (0.5, 0.1, 500, 1000, -1.8665394693811947),
    (0.5, 0.1, 860, 900, 438.515236958297),
    (0.5, 0.1, 10400, 20000, 12.63216173161814),
    (0.1, 0.05, 0, 40, 0.6824352133031901),
    (0.1, 0.05, 30, 100, 8.240110155925322),
    (0.1, 0.05, 500, 1000, 475.2155480029863),
    (0.1, 0.05, 860, 900, 1629.2858980703297),
    (0.1, 0.05, 10400, 20000, 11068.323920334567),
    (0.9, 0.02, 0, 40, 9.235987104949288),
    (0.9, 0.02, 30, 100, 22.416101942367874),
    (0.9, 0.02, 500, 1000, 358.03076743320844),
    (0.9, 0.02, 860, 900, 9.910679945881327),
    (0.9, 0.02, 10400, 20000, 9146.32095761851),
)


def of_gauge(q: float, tol: float, k: int, n: int) -> float:
    """The gauge's log e-value for so many dropped."""
    gauge = Gauge((q, 1 - q), tol, ALPHA_RUN)
    gauge.add((k, n - k), (k, n - k))
    return gauge.evidence()


def of_confseq(q: float, tol: float, k: int, n: int) -> float:
    """The same by confseq, whose prior is set by the variance that it is best at: this one gives
    the gauge's prior.
    """
    boundaries = pytest.importorskip("confseq.boundaries", reason="confseq is not installed")
    length = 2 * log(20)
    best_at = (q * (1 - q) / (4 * tol**2) + q * (1 - q)) * (length + log(1 + length))
    numbers = (np.atleast_1d(x) for x in (k - q * n, q * (1 - q) * n, best_at, q, 1 - q, 0.05))
    return float(boundaries.beta_binomial_log_mixture(*numbers, np.array([False]))[0])


@pytest.mark.parametrize(("q", "tol", "k", "n", "value"), OF_CONFSEQ)
def test_the_evidence_is_that_of_another_library(
    q: float, tol: float, k: int, n: int, value: float
) -> None:
    """The e-value of dropped and kept is the two-sided beta-binomial mixture of confseq 0.0.11
    (Howard and others 2021).

    The numbers are those that `of_confseq(q, tol, k, n)` gave; they differ by rounding only,
    some 1e-11 of logarithms of gammas near 1e5.
    """
    assert of_gauge(q, tol, k, n) == pytest.approx(value, rel=1e-9, abs=1e-9)


def test_the_evidence_is_that_of_another_library_where_it_is_installed() -> None:
    """The same over a grid of counts, where confseq can be imported."""
    for q, tol, _, n, _ in OF_CONFSEQ:
        for k in range(0, n + 1, max(n // 40, 1)):
            assert of_gauge(q, tol, k, n) == pytest.approx(
                of_confseq(q, tol, k, n), rel=1e-9, abs=1e-9
            )
