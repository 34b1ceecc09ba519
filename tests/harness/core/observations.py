"""What a property measures beyond its verdict, as data for the diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


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
    CAST = "a dtype that comes back as another"  # which, in `lens`
    AT_A_UNIFORM_OF_0 = "units that go wrong at a uniform of 0"  # at rate 0 or 1
    # of an examination, each by rate; where nothing else is said, 1 for yes and 0 for no
    DROPPED = "share dropped"  # without a gradient
    AT_AN_END = "share dropped at an end of the rate"  # at rate 0 or 1
    DROPPED_WITH_GRADIENT = "share dropped where a gradient is wanted"
    TURNED = "share of survivors of the other sign"
    SCALE_VARIES = "spread of scales in a call"  # relative to the scale
    SCALE_OF_CALL = "spread of scales from call to call"
    ONE_NUMBER = "share of outputs that are one number"
    MOVED = "share of outputs that are another unit's"
    ADDED = "spread of differences at small inputs"  # relative to that at large ones
    AS_IT_WAS = "share of outputs that are their input"
    NO_RESULT = "share of outputs that are neither 0 nor their input rescaled"
    SHORTER = "an output of fewer elements than the input"
    EARLY = "share dropped by the first of many calls"
    LATE = "share dropped by the last of many calls"
    TAIL = "share dropped of a tail that fills no vector"  # of so many units, in `lens`
    SAME_LAYERS = "each new layer has the masks of the one before"
    WHOLE_CALLS = "share of calls that are dropped or kept whole"
    FIRST_CALL_SPARED = "nothing dropped by the first call of a layer"
    SAME_MASK = "share of calls with the mask of the one before"
    SAME_MASK_ANEW = "one mask in all layers"
    SAME_COUNT = "one number dropped in all calls"
    SAME_COUNT_OF_ROWS = "one number dropped in all rows"
    SHARED_ALONG = "one fate along an axis"  # its name in `lens`
    ROWS_XOR_COLUMNS = "rows exclusive-or columns"
    ROWS_OR_COLUMNS = "rows and columns dropped whole"
    BLOCKS = "correlation of neighbours, in blocks that begin anywhere"
    STRATA = "equally many dropped in each group"  # of so many neighbours
    NEXT_ROW = "rows of the call before"
    PASSED = "share of gradients that pass"
    PASSED_ELSEWHERE = "share of gradients through another mask"
    PASSED_OTHERWISE = "share of gradients that are not the upstream times output / input"
    GRADIENT_SCALE = "scale of gradients"


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

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Observation:
        """The observation that these strings and numbers are of."""
        return cls(**{**data, "kind": Seen(data["kind"])})

    @property
    def key(self) -> tuple[Seen, float | None, str, str]:
        """What it is a measurement of: a later one replaces an earlier one."""
        return self.kind, self.rate, self.dtype, self.lens
