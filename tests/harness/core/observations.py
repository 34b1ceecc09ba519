"""What a property measures beyond its verdict, as data for the diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Seen(StrEnum):
    """What was measured."""

    DROP_RATE = "drop rate"  # of a main campaign, by rate and dtype
    SCALE = "scale"  # of survivors in training, by rate
    EVALUATION_SCALE = "evaluation scale"  # of ones in evaluation, by rate
    EVALUATION_SHARE = "share dropped in evaluation"  # by rate
    EFFECT = "effect"  # how far off a lens found a clause, as a share of units
    LAG = "lag"  # the distance at which a mask agrees most with itself
    AGREEMENT = "agreement"  # the share of units that agree at that distance
    OTHER_MASK = "gradients through another mask"
    WHOLE_EXAMPLES = "whole examples dropped"
    WHOLE_OUTPUTS = "whole outputs dropped"
    WHOLE_INPUTS = "whole inputs dropped"
    MASKS = "masks of 16 examples"  # how many different ones a call had
    ULPS = "ulps"  # the largest error of a survivor, by dtype


@dataclass(frozen=True)
class Observation:
    """One number that was measured: what it is, and at which rate, in which dtype, by which
    lens.
    """

    kind: Seen
    value: float
    rate: float | None = None
    dtype: str = ""
    lens: str = ""

    @property
    def key(self) -> tuple[Seen, float | None, str, str]:
        """What it is a measurement of: a later one replaces an earlier one."""
        return self.kind, self.rate, self.dtype, self.lens
