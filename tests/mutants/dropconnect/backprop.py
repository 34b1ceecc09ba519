"""Mutants of the chapter backprop: gradients that do not go through the masked weight of their own
forward.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dropspec.reference.layers import DropConnect
from dropspec.tests.mutants.kit import breaks, through, with_backward


class Straight(torch.autograd.Function):
    """Gives one tensor forward, and sends the gradient to another as it is."""

    @staticmethod
    def forward(ctx: Any, parameter: Tensor, masked: Tensor) -> Tensor:
        """The masked parameter."""
        ctx.examples = masked.dim() - parameter.dim()
        return masked.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        """The gradient of a copy."""
        return g.sum(tuple(range(ctx.examples))) if ctx.examples else g, None


@breaks("backprop-1")
class LeavesWeightGradientUnmasked(DropConnect):
    """Sends the gradient straight through the mask: dropped weights are trained too."""

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        masked = super().apply_mask(parameter, mask).detach()
        y: Tensor = Straight.apply(parameter, masked)  # type: ignore[no-untyped-call]
        return y


@breaks("backprop-1")
class LeavesWeightGradientUnscaled(DropConnect):
    """Masks the gradient of the weight, and does not rescale it."""

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        masked = super().apply_mask(parameter, mask)
        return masked.detach() + torch.where(mask, parameter - parameter.detach(), 0)


@breaks("backprop-1", "backprop-4")
class RedrawsInBackward(DropConnect):
    """Draws another mask for the gradient of the weight."""

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        masked, other = (
            super().apply_mask(parameter, mask),
            self.draw_mask(parameter, tuple(mask.shape[: mask.dim() - parameter.dim()])),
        )
        return masked.detach() + super().apply_mask(parameter - parameter.detach(), other)


class Growing(torch.autograd.Function):
    """Passes its gradient on once, twice, three times."""

    @staticmethod
    def forward(ctx: Any, masked: Tensor) -> Tensor:
        """The tensor as it is."""
        ctx.times = 0
        return masked.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        """The gradient as often as it was asked for."""
        ctx.times += 1
        return g.mul(ctx.times)


@breaks("backprop-4")
class AddsUpBackwards(DropConnect):
    """Never clears its gradient buffer, so a second backward pass over one graph gives twice the
    gradient of the weight.
    """

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        masked = super().apply_mask(parameter, mask)
        y: Tensor = Growing.apply(masked)  # type: ignore[no-untyped-call]
        return y


@breaks("backprop-2")
class SendsInputGradientThroughPlainWeight(DropConnect):
    """The gradient of the input goes through the weight without its mask."""

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        y = super().product(x.detach(), weight, bias)
        plain = super().product(x, self.weight.detach(), None)
        return y + plain - plain.detach() if x.requires_grad else y


@breaks("backprop-2")
class StopsInputGradient(DropConnect):
    """No gradient reaches the input."""

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return super().product(x.detach(), weight, bias)


@breaks("backprop-3")
class ScalesBiasGradient(DropConnect):
    """The gradient of the bias is divided by keep, though the bias is kept as it is."""

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if bias is not None and self.training and 0 < self.p < 1:
            scaled = bias / (1 - self.p)
            bias = bias.detach() + (scaled - scaled.detach())
        return super().product(x, weight, bias)


class Remembered(torch.autograd.Function):
    """Multiplies by what the layer holds when the backward comes, not by what the forward used."""

    @staticmethod
    def forward(ctx: Any, parameter: Tensor, layer: DropConnect) -> Tensor:
        """The parameter times the mask that the layer holds."""
        ctx.layer = layer
        return parameter * layer.held  # type: ignore[operator]

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        """The gradient times the mask that the layer holds now."""
        return (g * ctx.layer.held).reshape(-1, *ctx.layer.weight.shape).sum(0), None


@breaks("backprop-4")
class KeepsItsMaskOnTheModule(DropConnect):
    """Keeps the mask on the module for the backward, so that a second forward spoils the
    first's.
    """

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        self.held = super().apply_mask(torch.ones_like(parameter), mask).detach()
        return Remembered.apply(parameter, self)  # type: ignore[no-any-return, no-untyped-call]


@breaks("backprop-4")
class HasTwoMaskBuffers(DropConnect):
    """Has two buffers for masks that take turns, so that the third forward spoils the backward of
    the first.
    """

    calls = 0

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        if not hasattr(self, "ring"):
            self.ring: dict[int, Tensor] = {}
        ring, slot, keep = self.ring, self.calls % 2, 1 - self.p
        self.calls, ring[slot] = self.calls + 1, mask

        def backward(upstream: Tensor) -> Tensor:
            return through(upstream, ring[slot], keep).reshape(-1, *parameter.shape).sum(0)

        return with_backward(parameter, super().apply_mask(parameter, mask), backward)


@breaks("backprop-2")
class SendsInputGradientOfWideLayersThroughPlainWeight(DropConnect):
    """The gradient of the input goes through the weight without its mask where there are more than
    32 inputs and outputs.
    """

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if not self.training or min(self.weight.shape) <= 32 or self.p == 1:
            return super().product(x, weight, bias)
        plain = super().product(x, self.weight.detach(), None)
        return super().product(x.detach(), weight, bias) + (plain - plain.detach())


@breaks("backprop-1")
class LeavesWideWeightGradientUnmasked(DropConnect):
    """The gradient of the weight goes past the mask where there are more than 64 inputs."""

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        masked = super().apply_mask(parameter, mask)
        if parameter.dim() != 2 or parameter.shape[-1] <= 64 or not 0 < self.p < 1:
            return masked
        past = (parameter - parameter.detach()) / (1 - self.p)
        return masked.detach() + past
