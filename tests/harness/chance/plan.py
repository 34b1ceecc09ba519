"""Which campaigns a run makes, at which tolerances, and how the run's one false-alarm budget is split over their decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod, sqrt

from dropspec.chance.campaign import ROW, Campaign
from dropspec.chance.gauge import samples_for
from dropspec.core.options import Profile
from dropspec.core.risk import ALPHA_RUN

RATES = {0.5: 0.001, 0.1: 0.001, 0.9: 0.001, 0.01: 0.001, 0.001: 0.0001, 0.999: 0.0001}  # rate: tolerance in the standard profile
EVERY_LENS = ("rate", "unit", "value", "left", "above", "call", "sum of row", "sum of call")
OF_OUTPUTS = ("mean", "square")  # in half precision the rounding of the scale exceeds the tolerance of expectation-1
WEIGHT_LENSES = ("rate", "unit", "sign", "left", "output", "row", "call", "sum of row", "sum of call")
OTHERS = ("float64", "float16", "bfloat16")
DENSE = ("transposed", "strided", "channels-last")
OF_VIEWS = ("rate", "left", "above", "example", "call")
OF_RANK = ((16, 8, 256), (16, 3, 16, 16), (2, 3, 5, 7, 11), (2, 3, 5, 2, 7, 11))  # what is right of two axes need not be of more
SMALL = (((1,), 0.5), ((3,), 0.1), ((7,), 0.5), ((17,), 0.5), ((1, 33), 0.3), ((2, 200), 0.3), ((1000,), 0.5))  # odd, to leave tails
SMALL_LAYERS = (((2, 1), 0.5), ((2, 3), 0.1), ((7, 1), 0.5), ((5, 7), 0.3), ((50, 20), 0.5))


@dataclass(frozen=True)
class View:
    """What a clause of chance is judged by: one lens, in those of these campaigns that have it."""

    lens: str
    campaigns: tuple[Campaign, ...]


@dataclass(frozen=True)
class Plan:
    """The campaigns of a run by purpose, what each clause of chance looks at, and the false-alarm chance of each decision."""

    main: tuple[Campaign, ...]
    elsewhere: tuple[Campaign, ...]
    small: tuple[Campaign, ...]
    views: Mapping[str, tuple[View, ...]]
    others: int

    @property
    def decisions(self) -> int:
        """How many decisions by chance the run makes: each lens of each campaign, and those of tests that draw for themselves."""
        return sum(len(c.lenses) for c in (*self.main, *self.elsewhere, *self.small)) + self.others

    @property
    def alpha(self) -> float:
        """The false-alarm chance of one decision: nine tenths of the run's, split evenly; a tenth is left to coincidences."""
        return 0.9 * ALPHA_RUN / self.decisions


RIDGE_RATES = (0.1, 0.5)
MOMENT_RATES = (0.1, 0.5)  # of DropConnect: the mean and variance of its output, and of the paper's inference
OF_MOMENTS = 4


@dataclass(frozen=True)
class Count:
    """What a clause of chance counts by itself, outside of campaigns: which shares, to which tolerance in the standard profile."""

    what: str
    shares: tuple[float, ...]
    tol: float


COUNTS = {
    "expectation-3": Count("share of one of the sixteen losses", (1 / 16,) * 16, 0.03),
    "product-3": Count("drop rate of the bias", (0.3, 0.7), 0.02),
    "product-4": Count("mean output, of its range", (0.5, 0.5), 0.01),
    "product-5": Count("mean square of what an output is off by, of its range", (0.5, 0.5), 0.01),
    "inference-5": Count("share of outputs above the mean", (0.5, 0.5), 0.03),
    "inference-6": Count("share of outputs within 0.6745 standard deviations", (0.5, 0.5), 0.03),
}


def plan_for(profile: Profile, family: str = "dropout") -> Plan:
    """The plan for a profile and a family; dtypes that an implementation does not take are passed over when it is carried out."""
    return _dropconnect(profile) if family == "dropconnect" else _dropout(profile)


def _dropconnect(profile: Profile) -> Plan:
    """Rows of 256 weights: of one example, where each has a mask. Small layers are (outputs, inputs), and a call has one example."""
    rates = {"float32": tuple(RATES), "float64": (0.5, 0.1), "float16": (0.1, 0.001), "bfloat16": (0.1, 0.001)}
    main = tuple(
        _main(rate, dtype, RATES[rate] * profile.tolerance, WEIGHT_LENSES) for dtype, interior in rates.items() for rate in interior
    )
    small = tuple(_small(shape, rate, profile.small_calls) for shape, rate in SMALL_LAYERS)
    elsewhere = (_differentiable(profile, ("rate", "left", "call")),)
    everywhere = (*main, *small, *elsewhere)
    views = {
        "weights-2": (View("rate", everywhere),),
        "weights-3": (View("unit", everywhere), View("sign", main)),
        "weights-4": (View("left", everywhere), View("output", main)),
        "weights-5": (View("row", main),),
        "weights-6": (View("call", (*main, *elsewhere)), View("above", small)),
        "weights-7": (View("sum of row", main), View("sum of call", everywhere)),
        "weights-8": (View("echo", main), View("twins", everywhere), View("overlap", main)),
    }
    return Plan(main, elsewhere, small, views, OF_MOMENTS * len(MOMENT_RATES) + 1)


def _dropout(profile: Profile) -> Plan:
    main = tuple(
        _main(rate, dtype, within * profile.tolerance, (*EVERY_LENS, *(OF_OUTPUTS if dtype in ("float32", "float64") else ())))
        for rate, within in RATES.items()
        for dtype in ("float32", "float64", "float16", "bfloat16")
    )
    loose = 0.004 * profile.tolerance
    elsewhere = (
        *(Campaign(0.1, "float32", (8, 16, 32, 16), loose, OF_VIEWS, layout) for layout in DENSE),
        Campaign(0.1, "float32", (64, 1024), loose, ("rate", "above"), "expanded"),  # what is one in memory gets masks of its own
        Campaign(0.1, "float32", (64, 1024), loose, ("rate", "left"), "repeated"),
        Campaign(0.3, "float32", (512, 512), loose, ("rate", "unit")),  # 2^18 units in one call
        Campaign(0.3, "float32", (1, 4096), loose, ("rate", "left")),  # a batch of one
        Campaign(0.3, "float32", (1 << 17, 1), loose, ("rate", "beside", "unit")),  # more rows than 16 bits count
        *(Campaign(0.3, "float32", shape, loose, OF_VIEWS) for shape in OF_RANK),
        _differentiable(profile, ("rate", "left", "above", "call")),
    )
    small = (
        *(_small(shape, rate, profile.small_calls) for shape, rate in SMALL),
        *(_small((17,), 0.5, max(profile.small_calls // 3, 300), dtype) for dtype in OTHERS),  # other vectors, other tails
        _small((4099,), 0.5, max(profile.small_calls // 3, 300)),  # vectors may be used from some size on
    )
    half = tuple(c for c in main if c.dtype in ("float16", "bfloat16"))
    everywhere = (*main, *small, *elsewhere)
    views = {
        "rate-1": (View("rate", (*main, *(c for c in elsewhere if c.differentiable))),),
        "rate-2": (View("unit", everywhere),),
        "rate-3": (View("value", main),),
        "rate-4": (View("rate", (*half, *elsewhere, *small)),),
        "expectation-1": (View("mean", main),),
        "expectation-2": (View("square", main),),
        "independence-1": (View("left", everywhere),),
        "independence-2": (View("above", (*main, *elsewhere)), View("example", elsewhere), View("beside", elsewhere)),
        "independence-3": (View("call", (*main, *elsewhere)), View("above", small)),
        "independence-4": (View("sum of row", main), View("sum of call", (*main, *small))),
        "independence-5": (View("echo", main),),
        "independence-6": (View("twins", (*main, *small)), View("overlap", main)),
    }
    return Plan(main, elsewhere, small, views, len(RIDGE_RATES))


def _main(rate: float, dtype: str, within: float, lenses: tuple[str, ...]) -> Campaign:
    if 0.1 <= rate <= 0.9:
        lenses += ("twins",)
    if rate == 0.5 and dtype == "float32":
        lenses += ("echo", "overlap")
    tenth = samples_for(within / sqrt(rate * (1 - rate))) / 10  # of Wald's bound: a call costs some time however few units it has
    units = min(max(1 << int(tenth).bit_length() - 1, 1 << 12), 1 << 18)
    return Campaign(rate, dtype, (units // ROW, ROW), within, lenses)


def _differentiable(profile: Profile, lenses: tuple[str, ...]) -> Campaign:
    """Calls that want a gradient, at a rate that tells eight bits: fused code may run for these alone."""
    return Campaign(0.01, "float32", (64, ROW), 0.001 * profile.tolerance, lenses, differentiable=True)


def _small(shape: tuple[int, ...], rate: float, calls: int, dtype: str = "float32") -> Campaign:
    """Many small calls: what is special about the first, last or only element shows here, and masks that come round again."""
    units = prod(shape)
    lenses: tuple[str, ...] = ("rate", "unit", "above", "sum of call")
    if units > 1:
        lenses += ("left",)
    if units >= 1000:
        lenses += ("twins",)
    within = sqrt(samples_for(1.0) / (calls * units) * rate * (1 - rate))
    return Campaign(rate, dtype, shape, within, lenses, calls_as_rows=True)
