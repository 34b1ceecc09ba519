"""What a wide layer's outputs are distributed like: its rows are alike, so each output of one call
is a sample over the masks.
"""

from collections.abc import Callable
from itertools import product, repeat

import numpy as np

from dropspec.chance.counting import conclude, count
from dropspec.chance.gauge import Gauge
from dropspec.core.arrays import DTYPES, Array, Bits
from dropspec.core.errors import NotClaimed
from dropspec.core.notes import Notes
from dropspec.families.dropconnect import MOMENT_RATES
from dropspec.families.dropconnect.cases import LinearCase
from dropspec.families.dropconnect.linear import Linear
from dropspec.properties.trials import in_wide_dtypes
from dropspec.session.run import Run

TRAINED = 2048  # outputs of one layer in training
INPUTS = LinearCase(shape=(1, 1, 6), dtype="float64", seed=4)
EVALUATED = LinearCase(shape=(1, 1, 6), dtype="float64", seed=6)
DRAWN = 1024  # likewise, in evaluation


def require_moment(impl: Linear, run: Run, notes: Notes, purpose: str, what: str) -> None:
    """Lets a gauge decide on the mean of outputs, or of their squared deviations, mapped to 0 … 1
    by what is possible under any mask.

    A likelihood ratio of two cells is convex in a share that lies between them, so its bounds
    hold for such shares too.
    """
    dtype = DTYPES[in_wide_dtypes(impl)[-1]]
    x, row, tol = INPUTS.x.astype(dtype), INPUTS.weight.astype(dtype), run.tol(purpose)
    bias = INPUTS.bias.astype(dtype) if impl.has_bias else None
    for rate in MOMENT_RATES:
        value, chance, plain = possible_outputs(x[0] * row[0], bias, rate, impl.bias)
        if purpose == "product-5":
            value = (value - plain) ** 2
        low, span = value.min(), np.ptp(value)
        right = float(chance @ value)
        share = (right - low) / span
        gauge = Gauge((share, 1 - share), tol, run.plan.alpha)
        impl.reseed(run.seed_for(f"{purpose} {rate}"))
        layer = impl.connect(
            rate, np.tile(row, (TRAINED, 1)), None if bias is None else np.tile(bias, TRAINED)
        )
        outputs = (
            layer.train(np.repeat(x, 2, axis=0)).output[0].astype(np.float64) for _ in repeat(None)
        )
        values = ((y - plain) ** 2 if purpose == "product-5" else y for y in outputs)
        totals = (float(np.fmin(np.fmax((v - low) / span, 0), 1).sum()) for v in values)
        count(gauge, tol, ((total, TRAINED - total) for total in totals))
        mean = low + span * gauge.measured()[0, 0]
        conclude(
            gauge,
            f"{what} {mean:.6g} at rate {rate}, where {right:.6g} is right",
            notes,
            float(gauge.eps[0, 0]) * span,
        )


def possible_outputs(
    products: Array, bias: Array | None, rate: float, of_bias: str
) -> tuple[Array, Array, float]:
    """Every value that an output can have, with its chance; and that of the plain layer."""
    terms = products.astype(np.float64)
    kept = 0.0 if bias is None else float(bias[0])
    plain = float(terms.sum() + kept)
    if of_bias == "dropped":
        terms, kept = np.append(terms, kept), 0.0
    masks = np.array(list(product([0, 1], repeat=len(terms))))
    chance = np.prod(np.where(masks, 1 - rate, rate), axis=1)
    return masks @ terms / (1 - rate) + kept, chance, plain


def require_half(
    impl: Linear, run: Run, notes: Notes, purpose: str, where: str, inside: Callable[[Array], Bits]
) -> None:
    """Counts the outputs of evaluations that lie where half of a normal with the right moments
    does.
    """
    if not impl.samples:
        raise NotClaimed("it does not claim the paper's inference (`samples`)")
    dtype, tol = DTYPES[in_wide_dtypes(impl)[-1]], run.tol(purpose)
    x, row, bias = (a.astype(dtype) for a in (EVALUATED.x, EVALUATED.weight, EVALUATED.bias))
    mean = float((x[0] * row[0]).sum()) + (float(bias[0]) if impl.has_bias else 0)
    for rate in MOMENT_RATES:
        deviation = float(np.sqrt(rate / (1 - rate) * ((x[0] * row[0]) ** 2).sum() / impl.samples))
        impl.reseed(run.seed_for(f"{purpose} {rate}"))
        layer = impl.connect(
            rate, np.tile(row, (DRAWN, 1)), np.tile(bias, DRAWN) if impl.has_bias else None
        )
        gauge = Gauge((0.5, 0.5), tol, run.plan.alpha)
        outputs = (
            layer.evaluate(np.repeat(x, 2, axis=0)).output[0].astype(np.float64)
            for _ in repeat(None)
        )
        hits = (int(np.count_nonzero(inside((y - mean) / deviation))) for y in outputs)
        count(gauge, tol, ((n, DRAWN - n) for n in hits))
        seen = (
            f"a share of {gauge.measured()[0, 0]:.4g} of the outputs lies {where} at rate {rate},"
            " where a half is right"
        )
        conclude(gauge, seen, notes, float(gauge.eps[0, 0]))
