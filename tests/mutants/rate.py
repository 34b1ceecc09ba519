"""Mutants of the chapter rate: elements that are dropped too often or too seldom, everywhere or somewhere."""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants import breaks


def positions(x: Tensor) -> Tensor:
    """The place of each element in reading order, from 0, whatever the layout in memory."""
    return torch.arange(x.numel()).view(x.shape)


@breaks("rate-1", "scale-1")
class TakesRateForKeep(Dropout):
    """Reads its argument as the probability of keeping, as electra#61: the two agree at 0.5."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.rand_like(x, dtype=torch.float64) < self.p

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, x / self.p, 0)


@breaks("rate-1")
class DropsEverything(Dropout):
    """Never fills its mask buffer, so every element is dropped, as AiDotNet.Tensors#732 and onnx-tensorrt#106."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x, dtype=torch.bool)


@breaks("rate-1")
class ComparesEightBits(Dropout):
    """Compares random bytes with the rate in 1/256, as FlashAttention does: 0.1 becomes 0.1016, and 0.001 becomes 0.0039."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.randint_like(x, 256, dtype=torch.int16) >= 256 * self.p


@breaks("rate-1", "rate-4")
class DrawsBfloat16Uniforms(Dropout):
    """Compares bfloat16 uniforms with the rate; they have 8 bits, as in jax#28039."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.rand_like(x, dtype=torch.bfloat16) >= self.p


@breaks("rate-4")
class DrawsInOwnDtype(Dropout):
    """Draws uniforms in the dtype of the input: right in single and double, biased in float16 and bfloat16 (jax#28022)."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.rand_like(x) >= self.p


class _Spares(Dropout):
    """Never drops the elements that `spared` names, except at rate 1."""

    def spared(self, x: Tensor) -> Tensor:
        """True at the elements that always survive."""
        raise NotImplementedError

    def draw_mask(self, x: Tensor) -> Tensor:
        mask = super().draw_mask(x)
        return mask.logical_or_(self.spared(x)) if self.p < 1 else mask


@breaks("rate-2")
class SparesEnds(_Spares):
    """Always keeps the first and the last element of a call."""

    def spared(self, x: Tensor) -> Tensor:
        return (positions(x) == 0) | (positions(x) == x.numel() - 1)


@breaks("rate-2")
class SparesVectorTail(_Spares):
    """Masks eight elements at a time and leaves out the tail that does not fill a vector."""

    def spared(self, x: Tensor) -> Tensor:
        return positions(x) >= x.numel() - x.numel() % 8


@breaks("rate-2")
class RampsOverPositions(Dropout):
    """Drops early elements less and late ones more; the mean over positions is right."""

    def draw_mask(self, x: Tensor) -> Tensor:
        ramp = (positions(x) + 0.5) * 2 / max(x.numel(), 1) - 1  # from -1 to 1, mean 0
        return torch.rand_like(x, dtype=torch.float64) >= self.p + 0.2 * self.p * (1 - self.p) * ramp


@breaks("rate-3")
class DropsLargeMore(Dropout):
    """Drops inputs above the mean size more often than those below."""

    def draw_mask(self, x: Tensor) -> Tensor:
        size = x.detach().abs()
        side = torch.where(size > size.mean(dtype=torch.float64), 1.0, -1.0)
        return torch.rand_like(x, dtype=torch.float64) >= self.p + 0.2 * self.p * (1 - self.p) * side


@breaks("rate-4")
class SparesBeyondSixteenBits(_Spares):
    """Counts elements in 16 bits, so those from 2^16 on are never dropped."""

    def spared(self, x: Tensor) -> Tensor:
        return positions(x) >= 2**16


@breaks("rate-4")
class SparesBatchOfOne(_Spares):
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


@breaks("independence-2", "rate-4")
class SharesAcrossExpanded(Dropout):
    """Draws one mask for all copies along an axis that the input is expanded over."""

    def draw_mask(self, x: Tensor) -> Tensor:
        first = x[:1] if x.ndim and x.stride(0) == 0 else x
        return super().draw_mask(first).expand_as(x)
