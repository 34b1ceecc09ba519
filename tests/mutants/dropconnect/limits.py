"""Mutants of the chapter limits: edges of the rate, seeds, dtypes, copies and sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from dropspec.reference.layers import DropConnect
from dropspec.tests.mutants.kit import breaks


@breaks("limits-1")
class DropsAtRateZero(DropConnect):
    """Compares with > instead of >=, on a coarse grid: at rate 0 one weight in 4,096 is dropped."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training and self.p == 0:
            return self.product(
                x, torch.where(torch.randint_like(self.weight, 4096) > 0, self.weight, 0), self.bias
            )
        return super().forward(x)


@breaks("limits-1")
class HasALeastRate(DropConnect):
    """Takes a rate below 0.001 for 0.001, and so drops at rate 0."""

    def __init__(
        self, in_features: int, out_features: int, p: float = 0.5, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, p, bias)
        self.p = max(self.p, 1e-3)


@breaks("limits-4")
class HasALeastRateAboveZero(DropConnect):
    """Wants 13 bits of its own above the rate as well: at the smallest rates one weight in 8,192 is
    dropped all the same.
    """

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask = super().draw_mask(parameter, examples)
        return (
            mask & (torch.rand_like(mask, dtype=torch.float64) >= 2.0**-13)
            if self.p < 1e-6
            else mask
        )


@breaks("limits-5", "weights-6")
class SeedsConstantly(DropConnect):
    """Starts from seed 0 at every call, so that all seeds draw one mask."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        drawn = torch.rand(
            *examples,
            *parameter.shape,
            dtype=torch.float64,
            generator=torch.Generator().manual_seed(0),
        )
        return drawn >= self.p


@breaks("limits-9")
class SparesASingleExample(DropConnect):
    """Takes a call of one example for a prediction, and drops nothing."""

    def forward(self, x: Tensor) -> Tensor:
        return self.product(x, self.weight, self.bias) if len(x) == 1 else super().forward(x)


@breaks("limits-2")
class GivesNanAtRateOne(DropConnect):
    """Divides by keep whatever it is: 0 · inf at rate 1."""

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        return parameter * mask / (1 - self.p)


@breaks("limits-2")
class LosesTheBiasAtRateOne(DropConnect):
    """Returns zeros at rate 1, bias and all."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 0 if self.training and self.p == 1 else super().forward(x)


@breaks("limits-3")
class ClampsRate(DropConnect):
    """Takes any rate for the nearest one that there is."""

    def __init__(
        self, in_features: int, out_features: int, p: float = 0.5, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, min(max(p, 0.0), 1.0) if p == p else 0.0, bias)


@breaks("limits-3")
class AcceptsAnyRate(DropConnect):
    """Never looks at its rate: beyond 1 everything is dropped, below 0 and for NaN as it comes."""

    def __init__(
        self, in_features: int, out_features: int, p: float = 0.5, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, 0.5, bias)
        self.p = p


@breaks("limits-3")
class RefusesLate(DropConnect):
    """Refuses a wrong rate at the first call instead of at construction: a departure."""

    def __init__(
        self, in_features: int, out_features: int, p: float = 0.5, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, 0.5, bias)
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not 0 <= self.p <= 1:
            raise ValueError(f"a rate is a number from 0 to 1, not {self.p}")
        return super().forward(x)


@breaks("limits-4")
class LimitsTheScale(DropConnect):
    """Divides by keep, but by no less than 0.001."""

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, parameter / max(1 - self.p, 1e-3), 0)


@breaks("limits-4")
class OverflowsTheScale(DropConnect):
    """Rounds a rate above 0.9995 to float16, so that keep is 0 from 1 - 2^-12 on, and the scale
    infinite.
    """

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        rate = torch.tensor(self.p, dtype=torch.float64)
        keep = 1 - (rate.half().double() if 0.9995 < self.p < 1 else rate)
        return torch.where(
            mask, (parameter.double() / keep).to(parameter.dtype) if self.p < 1 else parameter, 0
        )


@breaks("limits-5")
class IgnoresTheSeed(DropConnect):
    """Draws from a generator of its own, which it seeds from the operating system."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        own = torch.Generator()
        own.seed()
        return (
            torch.rand((*examples, *parameter.shape), dtype=torch.float64, generator=own) >= self.p
        )


@breaks("limits-6")
class ReseedsTorch(DropConnect):
    """Seeds torch's global generator after each call, to be reproducible."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        torch.default_generator.manual_seed(1234)
        return y


@breaks("limits-7")
class RefusesHalfPrecision(DropConnect):
    """Works in single and double precision only."""

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype in (torch.float16, torch.bfloat16):
            raise TypeError(f"half precision is not supported: {x.dtype}")
        return super().forward(x)


@breaks("limits-7", "product-1")
class ScalesHalfPrecisionTwice(DropConnect):
    """Divides by keep twice in float16."""

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        masked = super().apply_mask(parameter, mask)
        return masked / (1 - self.p) if parameter.dtype == torch.float16 and self.p < 1 else masked


@breaks("limits-8")
class CopiesItsGenerator(DropConnect):
    """Holds a generator, seeded from torch's at the first call, that a deep copy takes along: both
    draw the same masks.
    """

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        if not hasattr(self, "state"):
            self.state = int(torch.randint(0, 2**31, ()))
        own = torch.Generator().manual_seed(self.state)
        self.state += 1
        return (
            torch.rand((*examples, *parameter.shape), dtype=torch.float64, generator=own) >= self.p
        )


@breaks("limits-8")
class LosesItsWeight(DropConnect):
    """Leaves its weight out of the state_dict, and does not miss it when it loads one."""

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        return {
            name: value
            for name, value in super().state_dict(*args, **kwargs).items()
            if name != "weight"
        }

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        return super().load_state_dict(state_dict, strict=False, assign=assign)


@breaks("limits-9")
class WantsAnExample(DropConnect):
    """Looks at the first example, and there may be none."""

    def forward(self, x: Tensor) -> Tensor:
        if not x.reshape(-1)[0].isfinite():
            raise ValueError("the input is not finite")
        return super().forward(x)


@breaks("limits-9", "product-6")
class WantsASquare(DropConnect):
    """Takes as many inputs as outputs, and no other number."""

    def forward(self, x: Tensor) -> Tensor:
        if self.weight.shape[0] != self.weight.shape[1] > 1:
            raise ValueError(f"expected a square weight, got {tuple(self.weight.shape)}")
        return super().forward(x)


@breaks("limits-6")
class ReseedsNumpyInEval(DropConnect):
    """Seeds NumPy's global generator in evaluation, though it draws from torch's."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            np.random.seed(0)
        return super().forward(x)


@breaks("limits-5")
class CutsSeedTo24Bits(DropConnect):
    """Keeps 24 bits of the seed, so that seeds which differ in others are one."""

    calls = 0

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        self.calls += 1
        # torch's generator takes 32 bits
        key = hash((torch.initial_seed() & 0xFFFFFF, self.calls)) & 0xFFFFFFFF
        drawn = torch.rand(
            *examples,
            *parameter.shape,
            dtype=torch.float64,
            generator=torch.Generator().manual_seed(key),
        )
        return drawn >= self.p


@breaks("limits-9")
class DropsLessOfASingleExample(DropConnect):
    """Drops a fifth less in a call of one example."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask = super().draw_mask(parameter, examples)
        return mask | (torch.rand(mask.shape) < 0.2) if examples == (1,) and self.p < 1 else mask
