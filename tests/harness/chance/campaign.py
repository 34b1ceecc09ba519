"""A campaign draws masks at one rate, dtype, shape and layout, and shows each draw to all its
lenses.

Drawing is what costs, so every lens looks at the same draws; a campaign ends when all have
decided. The plan of campaigns is fixed, outside any search: a random failure found by search
would have no error rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt

from dropspec.chance.gauge import samples_for
from dropspec.core.arrays import DTYPES, Array, laid_out, values

BUDGET = 10  # times Wald's bound; a right rate lens has passed by 3.2 of them with chance .999
LOOKS = 20  # a Wald's bound
HALF_MILLION = 1 << 19
# calls with one and the same fate of all units are enough to know that it is always that
ALIKE = 40
ROW = 256


@dataclass(frozen=True)
class Campaign:
    """Masks at one rate, dtype, shape and layout; `within` is the absolute tolerance of its rate.

    With `calls_as_rows` a draw is a matrix of many small calls, one a row; otherwise it is one
    call, whose rows are its last axis, or 256 units where that is 1. `differentiable` calls want
    a gradient, as in training they do; it is not asked for. `word` is how many units one output
    number spells, 0 where each has an output of its own.
    """

    rate: float
    dtype: str
    shape: tuple[int, ...]
    within: float
    lenses: tuple[str, ...]
    layout: str = "contiguous"
    calls_as_rows: bool = False
    differentiable: bool = False
    word: int = 0

    @property
    def tol(self) -> float:
        """The tolerance of the rate in standard deviations of one trial."""
        return self.within / sqrt(self.rate * (1 - self.rate))

    @property
    def bound(self) -> float:
        """Wald's bound for the rate lens, in mask bits."""
        return samples_for(self.tol)

    @property
    def name(self) -> str:
        """How the report calls it."""
        layout = "" if self.layout == "contiguous" else f" {self.layout}"
        layout += " with gradient" if self.differentiable else ""
        return f"rate {self.rate:g}, {self.dtype}{layout}, shape {'×'.join(map(str, self.shape))}"

    @property
    def columns(self) -> int:
        """The units of a row of a draw."""
        if self.calls_as_rows:
            return prod(self.shape)
        return self.shape[-1] if self.shape[-1] > 1 else ROW

    def input(self) -> Array:
        """Numbers of either sign and two sizes, powers of two, so that the ratio output / input
        is exact where the scale is.
        """
        return laid_out(values(self.shape).astype(DTYPES[self.dtype]), self.layout)
