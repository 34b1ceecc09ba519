"""What looking at masks costs on top of drawing them, and how many samples a verdict takes over Wald's bound, on torch.nn.Dropout.

    python tests/benchmarks/cost.py            # with dropspec installed; about half a minute

Drawing is all it takes to have a mask: the call of the layer, a fresh copy of its input, and the mask read off the output; the layer's
own part is printed beside it. Looking is the rest of a campaign: every lens, every gauge.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # as `dropspec check` does; before NumPy and torch read it

from itertools import islice
from math import prod
from time import perf_counter

import numpy as np
import torch

from dropspec.adapters.base import Claims
from dropspec.adapters.signature import Signature
from dropspec.adapters.torch import TorchModuleAdapter
from dropspec.budget import PROFILES
from dropspec.campaign import Campaign, conduct, draws
from dropspec.gauge import Decision, Gauge, wald
from dropspec.guard import Guard
from dropspec.plan import plan_for


class Timed(torch.nn.Dropout):
    """torch.nn.Dropout that adds up the time spent in it."""

    spent_s = 0.0

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Dropout, timed."""
        start = perf_counter()
        output = super().forward(input)
        Timed.spent_s += perf_counter() - start
        return output


def _time(campaign: Campaign, adapter: TorchModuleAdapter, alpha: float) -> tuple[int, float, float, float]:
    """The bits of a campaign, the time in the layer and in all to draw them, and the time of the whole campaign."""
    start = perf_counter()
    bits = conduct(campaign, adapter, alpha, seed=0).bits
    whole_s, start, Timed.spent_s = perf_counter() - start, perf_counter(), 0.0
    for draw in islice(draws(campaign, adapter, seed=0), bits // prod(campaign.shape)):
        draw.before = None
    return bits, Timed.spent_s, perf_counter() - start, whole_s


def lens_cost(campaigns: tuple[Campaign, ...], alpha: float, repeats: int) -> None:
    """Prints, per dtype and in all, the time of campaigns apart from the time that the same masks take to draw."""
    adapter = TorchModuleAdapter("bench", "Dropout", Timed, Signature(("p", "inplace"), None), Guard(60), Claims())
    conduct(campaigns[0], adapter, alpha, seed=0)  # warms up
    sums = {}
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        sums[dtype] = np.zeros(4)
        for campaign in (c for c in campaigns if c.dtype == dtype):
            tries = [_time(campaign, adapter, alpha) for _ in range(repeats)]
            bits, inside_s, drawing_s, whole_s = np.min(tries, 0)  # the best of the repeats: what else the machine does only adds
            sums[dtype] += (bits, inside_s, drawing_s, whole_s - drawing_s)
    sums["all"] = sum(sums.values(), np.zeros(4))
    print(f"{'dtype':10} {'in the layer':>14} {'drawing':>12} {'looking':>12} {'looking / drawing':>18}")
    for dtype, (bits, inside_s, drawing_s, looking_s) in sums.items():
        per_unit = " ".join(f"{s / bits * 1e9:9.2f} ns" for s in (inside_s, drawing_s, looking_s))
        print(f"{dtype:10}   {per_unit} {looking_s / drawing_s:17.1%}")


def samples_over_wald(q: float, eps: float, alpha: float, off: float, runs: int) -> float:
    """The samples that a gauge takes to its verdict over Wald's bound for that verdict, on average; looks every W/20.

    The bits have the rate q + off · eps: with off 0 the verdict is PASS, bounded by log(1/beta); else FAIL, bounded by log(1/alpha).
    """
    true = q + off * eps
    bound = wald(q, eps) if off == 0 else -np.log(alpha) / (true * np.log(true / q) + (1 - true) * np.log((1 - true) / (1 - q)))
    step, rng, taken = max(1, int(bound / 20)), np.random.default_rng(0), 0
    for _ in range(runs):
        gauge = Gauge((q, 1 - q), eps / np.sqrt(q * (1 - q)), alpha)
        while gauge.decide() is Decision.OPEN:
            dropped = rng.binomial(step, true)
            gauge.add((dropped, step - dropped), (dropped, step - dropped))
            taken += step
    return taken / runs / bound


if __name__ == "__main__":
    plan = plan_for(PROFILES["standard"])
    print("Cost of looking, standard profile, main campaigns, best of five\n")
    lens_cost(plan.main, plan.alpha, repeats=5)
    print("\nSamples to the verdict of the rate lens over Wald's bound, 400 simulated campaigns each\n")
    print(f"{'rate':>6} {'tolerance':>10} {'right':>7} {'off by it':>10} {'by twice':>9} {'by 5':>6}")
    for rate, within in ((0.5, 0.001), (0.1, 0.001), (0.9, 0.001), (0.01, 0.001), (0.001, 0.0001)):
        ratios = [samples_over_wald(rate, within, plan.alpha, off, 400) for off in (0, 1, 2, 5)]
        print(f"{rate:>6} {'±' + format(within, 'g'):>10} {ratios[0]:7.2f} {ratios[1]:10.2f} {ratios[2]:9.2f} {ratios[3]:6.2f}")
