"""Mutants of the chapter rate: elements that are dropped too often or too seldom."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import DropsAt, Spares, breaks, positions


@breaks("rate-1", "scale-1", seen="google-research/electra#61")
class TakesRateForKeep(Dropout):
    """Reads its argument as the probability of keeping: the two agree at 0.5."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.rand_like(x, dtype=torch.float64) < self.p

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, x / self.p, 0)


@breaks("rate-1", seen=("AiDotNet.Tensors#732", "onnx/onnx-tensorrt#106"))
class DropsEverything(Dropout):
    """Never fills its mask buffer, so every element is dropped."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x, dtype=torch.bool)


@breaks("rate-1", seen=("pytorch/pytorch#184126", "keras-team/keras#19397"))
class IgnoresRate(Dropout):
    """Never looks at its rate and drops nothing."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.ones_like(x, dtype=torch.bool)


@breaks("rate-1")
class ComparesEightBits(Dropout):
    """Compares random bytes with the rate in 1/256, as FlashAttention does: 0.1 becomes 0.1016, and
    0.001 becomes 0.0039.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.randint_like(x, 256, dtype=torch.int16) >= 256 * self.p


@breaks("rate-1", "rate-4", seen="jax-ml/jax#28039")
class DrawsBfloat16Uniforms(Dropout):
    """Compares bfloat16 uniforms with the rate; they have 8 bits."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.rand_like(x, dtype=torch.bfloat16) >= self.p


@breaks("rate-4", seen="jax-ml/jax#28022")
class DrawsInOwnDtype(Dropout):
    """Draws uniforms in the dtype of the input: right in single and double, biased in float16 and
    bfloat16.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.rand_like(x) >= self.p


@breaks("rate-2")
class SparesEnds(Spares):
    """Always keeps the first and the last element of a call."""

    def spared(self, x: Tensor) -> Tensor:
        return (positions(x) == 0) | (positions(x) == x.numel() - 1)


@breaks("rate-2")
class SparesVectorTail(Spares):
    """Masks eight elements at a time and leaves out the tail that does not fill a vector."""

    def spared(self, x: Tensor) -> Tensor:
        return positions(x) >= x.numel() - x.numel() % 8


@breaks("rate-2")
class RampsOverPositions(Dropout):
    """Drops early elements less and late ones more; the mean over positions is right."""

    def draw_mask(self, x: Tensor) -> Tensor:
        ramp = (positions(x) + 0.5) * 2 / max(x.numel(), 1) - 1  # from -1 to 1, mean 0
        return (
            torch.rand_like(x, dtype=torch.float64) >= self.p + 0.2 * self.p * (1 - self.p) * ramp
        )


@breaks("rate-3")
class DropsLargeMore(Dropout):
    """Drops inputs above the mean size more often than those below."""

    def draw_mask(self, x: Tensor) -> Tensor:
        size = x.detach().abs()
        side = torch.where(size > size.mean(dtype=torch.float64), 1.0, -1.0)
        return (
            torch.rand_like(x, dtype=torch.float64) >= self.p + 0.2 * self.p * (1 - self.p) * side
        )


@breaks("rate-4")
class SparesBeyondSixteenBits(Spares):
    """Counts elements in 16 bits, so those from 2^16 on are never dropped."""

    def spared(self, x: Tensor) -> Tensor:
        return positions(x) >= 2**16


@breaks("rate-4")
class SparesBatchOfOne(Spares):
    """Takes a batch of one sample for inference and drops nothing of it."""

    def spared(self, x: Tensor) -> Tensor:
        return torch.full_like(x, x.ndim > 1 and x.shape[0] == 1, dtype=torch.bool)


@breaks("rate-5")
class FreezesRate(Dropout):
    """Hands the rate to an inner layer at construction; assigning to `p` later has no effect."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.inner = Dropout(p)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)  # type: ignore[no-any-return]


@breaks("rate-1")
class DropsSlightlyTooOften(DropsAt):
    """Drops 0.002 too often at rates from 0.01 to 0.99, and is right at all others."""

    def rate(self, x: Tensor) -> float:
        return self.p + 0.002 if 0.01 <= self.p <= 0.99 else self.p


@breaks("rate-1")
class DropsTwoPercentTooOften(DropsAt):
    """Drops at 1.02 times the rate."""

    def rate(self, x: Tensor) -> float:
        return 1.02 * self.p


@breaks("rate-1")
class RoundsToEightBits(DropsAt):
    """Rounds the rate to the nearest 1/256: 0.1 becomes 0.1016, and 0.001 becomes 0."""

    def rate(self, x: Tensor) -> float:
        return round(256 * self.p) / 256


@breaks("rate-1")
class FloorsToEightBits(DropsAt):
    """Rounds the rate down to the next 1/256, as a cast to a byte does: 0.1 becomes 0.0977, and
    0.001 becomes 0.
    """

    def rate(self, x: Tensor) -> float:
        return math.floor(256 * self.p) / 256


@breaks("rate-1")
class RoundsToSevenBits(DropsAt):
    """Rounds the rate to the nearest 1/128, the positive half of a signed byte: 0.1 becomes 0.1016,
    and 0.999 becomes 1.
    """

    def rate(self, x: Tensor) -> float:
        return round(128 * self.p) / 128


@breaks("rate-1")
class FloorsToSevenBits(DropsAt):
    """Rounds the rate down to the next 1/128: 0.1 becomes 0.0938, and 0.001 becomes 0."""

    def rate(self, x: Tensor) -> float:
        return math.floor(128 * self.p) / 128


@breaks("rate-4", "rate-1")
class DrawsFloat16Uniforms(Dropout):
    """Compares float16 uniforms with the rate; they have 11 bits, so that 0.1 is right to 0.0001
    and 0.001 becomes 0.0015.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.rand_like(x, dtype=torch.float16) >= self.p


@breaks("rate-3")
class DropsNegativeMore(DropsAt):
    """Drops negative inputs more often than positive ones."""

    def rate(self, x: Tensor) -> Tensor:
        return self.p - 0.05 * self.p * (1 - self.p) * x.detach().sign().double()


@breaks("rate-2")
class SparesOddColumns(Spares):
    """Never drops in the odd columns, as one that draws pairs of uniforms and compares the first of
    each.
    """

    def spared(self, x: Tensor) -> Tensor:
        columns = torch.arange(x.shape[-1] if x.ndim else 1) % 2 == 1
        return columns.expand(x.shape) if x.ndim else columns[0]


@breaks("rate-2")
class SparesFirst(Spares):
    """Always keeps the first element of a call of two or more, and of no other."""

    def spared(self, x: Tensor) -> Tensor:
        return (positions(x) == 0) & (x.numel() > 1)


@breaks("rate-2")
class SparesLast(Spares):
    """Always keeps the last element of a call of two or more: an end that is off by one."""

    def spared(self, x: Tensor) -> Tensor:
        return (positions(x) == x.numel() - 1) & (x.numel() > 1)


@breaks("rate-4")
class DropsLessInSmallCalls(DropsAt):
    """Drops at rate · n / (n + 1) in a call of n elements: right for large ones, half as often as
    it should for one.
    """

    def rate(self, x: Tensor) -> float:
        return self.p * x.numel() / (x.numel() + 1)


@breaks("rate-4", "rate-1")
class DropsMoreInLargeCalls(DropsAt):
    """Drops a tenth more often in calls of 2^15 elements or more, as one that masks where its
    blocks overlap twice.
    """

    def rate(self, x: Tensor) -> float:
        return self.p + 0.1 * self.p * (1 - self.p) if x.numel() >= 2**15 else self.p


@breaks("rate-1")
class MistakesAQuarter(DropsAt):
    """At rate 0.25 takes two random bits for each element and drops it if either is set: 0.75."""

    def rate(self, x: Tensor) -> float:
        return 0.75 if self.p == 0.25 else self.p


@breaks("rate-1")
class RoundsToPercent(DropsAt):
    """Rounds the rate to a whole percent from 0.01 to 0.99: 0.025 becomes 0.03."""

    def rate(self, x: Tensor) -> float:
        return round(self.p, 2) if 0.01 <= self.p <= 0.99 else self.p


@breaks("rate-1")
class RoundsToTwentieths(DropsAt):
    """Looks its threshold up in a table of twentieths from 0.05 to 0.95: 0.37 becomes 0.35."""

    def rate(self, x: Tensor) -> float:
        return round(20 * self.p) / 20 if 0.05 <= self.p <= 0.95 else self.p
