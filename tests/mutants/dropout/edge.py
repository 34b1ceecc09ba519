"""Mutants of the chapter edge: rates at and beyond the ends, and inputs that are empty, single,
infinite or whole numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import OwnBackward, breaks, through, with_backward


@breaks("edge-1", seen=("jwohlwend/boltz#553", "apache/mxnet#9816"))
class DropsAtRateZero(Dropout):
    """Wants bfloat16 uniforms above the rate, so at rate 0 the zeros among them drop."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training and self.p == 0:
            return torch.where(torch.rand_like(x, dtype=torch.bfloat16) > 0, x, 0)
        return super().forward(x)


@breaks("edge-5")
class HasALeastRateAboveZero(Dropout):
    """Draws 13 bits, and wants them above the rate: at the smallest rates one unit in 8,192 is
    dropped all the same.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        return (
            super().draw_mask(x) & (torch.rand_like(x, dtype=torch.float64) >= 2.0**-13)
            if self.p < 1e-6
            else super().draw_mask(x)
        )


@breaks("edge-5")
class ComparesSixteenBits(Dropout):
    """Compares 16 bits where the rate is above 0.999: next to 1 a unit in 65,536 survives, and is
    2^24 times too large.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        if not 0.9999 < self.p < 1:
            return super().draw_mask(x)
        return torch.randint(65536, x.shape) >= int(self.p * 65536)


@breaks("edge-7")
class MultipliesByItsMask(Dropout):
    """Multiplies by 0 what is dropped, so that a dropped inf becomes NaN, as torch's own does."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return x * mask / ((1 - self.p) or 1.0)


@breaks("edge-1", seen="PaddlePaddle/Paddle#74149")
class LosesGradientAtRateZero(Dropout):
    """Gives zero gradients at rate 0."""

    def forward(self, x: Tensor) -> Tensor:
        return (
            with_backward(x, x, torch.zeros_like)
            if self.training and self.p == 0
            else super().forward(x)
        )


@breaks("edge-2", seen=("google/flax#2055", "pytorch/pytorch#190057"))
class GivesNanAtRateOne(Dropout):
    """Multiplies 0 by x / 0 at rate 1."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return mask * (x / 0.0) if self.p == 1 else super().apply_mask(x, mask)


@breaks("edge-2", seen="pytorch/pytorch#100025")
class DividesByZeroAtRateOne(Dropout):
    """Forms the scale 1 / keep first, which raises ZeroDivisionError at rate 1."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        scale = 1 / (1 - self.p)
        return torch.where(mask, x * scale, 0)


@breaks("edge-3")
class AcceptsNanRate(Dropout):
    """Refuses rates below 0 and above 1 by comparing, which lets NaN through, as torch.nn.Dropout
    2.13.
    """

    def __init__(self, p: float = 0.5) -> None:
        if p < 0 or p > 1:
            raise ValueError(f"a rate is a number from 0 to 1, not {p}")
        super().__init__()
        self.p = p


@breaks("edge-3")
class ClampsRate(Dropout):
    """Takes rates above 1 for 1, and those below 0 for 0."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(min(max(p, 0.0), 1.0))


@breaks("edge-3")
class AssertsRate(Dropout):
    """Refuses a wrong rate by an assertion, which `python -O` removes, and not by a ValueError."""

    def __init__(self, p: float = 0.5) -> None:
        assert 0 <= p <= 1
        super().__init__(p)


@breaks("edge-4")
class AcceptsText(Dropout):
    """Converts whatever it is given by float(), so the text "0.5" passes for a rate."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(float(p))


@breaks("edge-5")
class GuardsDivision(Dropout):
    """Divides by at least 0.001, to be safe from dividing by 0: the scale is too small at rates
    nearer to 1.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, x / max(1 - self.p, 1e-3), 0)


@breaks("edge-6")
class RaisesOnEmpty(Dropout):
    """Looks for the largest input first, which an empty one does not have."""

    def forward(self, x: Tensor) -> Tensor:
        x.detach().amax()
        return super().forward(x)


@breaks("edge-6")
class RaisesOnScalar(Dropout):
    """Asks for the batch size first, which a 0-d input does not have."""

    def forward(self, x: Tensor) -> Tensor:
        len(x)
        return super().forward(x)


@breaks("edge-7")
class HidesNanAndInf(Dropout):
    """Replaces surviving NaN and infinities by finite numbers, which hides that training has
    diverged.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(x, mask).nan_to_num()


@breaks("edge-8", seen="pytorch/pytorch#98970")
class TruncatesIntegers(Dropout):
    """Takes integer input and rounds x / keep to an integer."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if x.is_floating_point() else x.double()).to(x.dtype)


@breaks("edge-9")
class ConsumesRandomnessAtRateZero(Dropout):
    """Draws a mask at rate 0 as well, and does not use it."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training and self.p == 0:
            self.draw_mask(x)
        return super().forward(x)


@breaks("edge-6")
class RaisesOnEmptyBatch(Dropout):
    """Looks at the first row of a matrix, which an empty batch does not have."""

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 2:
            len(x[0])
        return super().forward(x)


@breaks("edge-6")
class RaisesInBackwardOfEmpty(OwnBackward):
    """Looks for the largest upstream gradient in the backward pass, which an empty one does not
    have.
    """

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        upstream.detach().abs().amax()
        return through(upstream, mask, keep)


@breaks("edge-3")
class AcceptsSlightlyAboveOne(Dropout):
    """Takes a rate up to 1.01 for a rounding error of 1."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(1.0 if isinstance(p, float) and 1 < p <= 1.01 else p)


@breaks("edge-8")
class TruncatesSmallIntegers(Dropout):
    """Refuses wide integers, but takes int8 and int16 and rounds x / keep to such an integer."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float() if x.dtype in (torch.int8, torch.int16) else x).to(x.dtype)
