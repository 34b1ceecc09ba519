"""Mutants whose first cause is easily taken for another: each has a mechanism of its own."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import OwnBackward, breaks, laid_out_as, with_backward


@breaks("rate-1")
class ForgetsToHandItsRateOn(Dropout):
    """Takes a rate, and builds the layer that it wraps without it: always 0.5."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.inner = nn.Dropout()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)  # type: ignore[no-any-return]


@breaks("rate-1")
class ComparesNormals(Dropout):
    """Compares normal numbers with the rate, where uniform ones belong."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.randn_like(x, dtype=torch.float64) >= self.p


@breaks("rate-1")
class DropsOnlyForAGradient(Dropout):
    """Masks where autograd records, and takes every other call for inference."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.requires_grad else x


@breaks("rate-1", "gradient-2")
class DropsOnlyWithoutAGradient(Dropout):
    """Leaves alone what a gradient is wanted for."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.requires_grad and 0 < self.p < 1 else super().forward(x)


@breaks("gradient-1")
class SendsNoGradient(Dropout):
    """Hands no gradient on."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return with_backward(x, super().apply_mask(x, mask), torch.zeros_like)


@breaks("gradient-2")
class MultipliesGradientByRate(OwnBackward):
    """Multiplies the gradient by the rate, where the output is divided by keep."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return torch.where(mask, upstream * self.p, 0)


@breaks("gradient-2")
class DividesGradientByRate(OwnBackward):
    """Divides the gradient by the rate, where the output is divided by keep."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return torch.where(mask, upstream / self.p, 0)


class _Scales(Dropout):
    """Multiplies survivors by a factor of its own."""

    def factor(self) -> float:
        raise NotImplementedError

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, x * self.factor(), 0) if self.p < 1 else x * 0


@breaks("scale-1")
class MultipliesByRate(_Scales):
    """Multiplies survivors by the rate."""

    def factor(self) -> float:
        return self.p


@breaks("scale-1")
class MultipliesByKeep(_Scales):
    """Multiplies survivors by keep instead of dividing."""

    def factor(self) -> float:
        return 1 - self.p


@breaks("scale-1")
class DividesByKeepTwice(_Scales):
    """Divides survivors by keep twice."""

    def factor(self) -> float:
        return (1 - self.p) ** -2


@breaks("scale-1")
class DividesByRootOfKeep(_Scales):
    """Divides survivors by the root of keep, so that variances stay what they were."""

    def factor(self) -> float:
        return float((1 - self.p) ** -0.5)


@breaks("scale-1", "scale-4")
class TurnsSurvivors(Dropout):
    """Changes the sign of all survivors."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return -super().apply_mask(x, mask)


@breaks("scale-1", "scale-4")
class LosesSigns(Dropout):
    """Masks absolute values: negative survivors come out positive."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(x, mask).abs()


@breaks("scale-1", "scale-2", "scale-4")
class ReversesValues(Dropout):
    """Multiplies the mask by the values in reverse, as one that gathers in the wrong order."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(laid_out_as(x, x.flatten().flip(0)), mask)


@breaks("scale-3", "scale-1")
class KeepsSums(Dropout):
    """Scales each call so that the sum of sizes stays what it was."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        kept = torch.where(mask, x, 0)
        sums = [t.detach().double().abs().sum() for t in (x, kept)]
        return kept * (sums[0] / sums[1] if sums[1] > 0 else 0.0)


@breaks("independence-5", "independence-4", "independence-1", "independence-6")
class CrossesRowsAndColumns(Dropout):
    """Draws a bit for each row and one for each column, and drops by their exclusive or."""

    def draw_mask(self, x: Tensor) -> Tensor:
        columns = x.shape[-1] if x.dim() else 1
        if not x.numel() or self.p in (0, 1):
            return super().draw_mask(x)
        turn = 0.5 * (1 - abs(1 - 2 * self.p) ** 0.5)
        rows, across = (torch.rand(n) < turn for n in (x.numel() // columns, columns))
        crossed = (rows[:, None] ^ across[None, :]).reshape(x.shape)
        return ~crossed if self.p < 0.5 else crossed  # type: ignore[no-any-return]


@breaks("independence-2", "independence-1")
class DropsRowsAndColumns(Dropout):
    """Drops whole rows and, drawn apart, whole columns, at a rate that comes to the one asked."""

    def draw_mask(self, x: Tensor) -> Tensor:
        columns = x.shape[-1] if x.dim() else 1
        if not x.numel() or self.p in (0, 1):
            return super().draw_mask(x)
        keep = (1 - self.p) ** 0.5
        rows, across = (torch.rand(n) < keep for n in (x.numel() // columns, columns))
        mask: Tensor = rows[:, None] & across[None, :]
        return mask.reshape(x.shape)


@breaks("independence-3", "independence-6")
class SeedsRowsInTurn(Dropout):
    """Seeds each row by a counter plus its index, and moves the counter on by one a call."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.counter = int(torch.randint(2**31, ()))

    def draw_mask(self, x: Tensor) -> Tensor:
        self.counter += 1
        columns = x.shape[-1] if x.dim() and x.numel() else 1
        rows = [
            torch.rand(columns, generator=Generator().manual_seed(self.counter + row))
            for row in range(x.numel() // columns)
        ]
        return (torch.cat(rows) if rows else torch.rand(0)).reshape(x.shape) >= self.p


@breaks("edge-1")
class DropsAtUniform1(Dropout):
    """Keeps where a single-precision uniform of (0, 1] is below keep: at rate 0 one unit in 2^24 is
    dropped.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not x.is_floating_point():
            return super().forward(x)
        return self.apply_mask(x, 1 - torch.rand(x.shape) < 1 - self.p)


@breaks("edge-2")
class KeepsAtUniform0(Dropout):
    """Keeps what lies at keep or below: at rate 1 one unit in 2^24 survives."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.rand(x.shape) <= 1 - self.p


@breaks("module-2")
class KeepsItsOutput(Dropout):
    """Keeps its last output and its graph, for plots: it cannot be copied after a training step."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        self.last = super().apply_mask(x, mask)
        return self.last
