"""Mutants of the chapter gradient: forward passes as they should be, backward passes that are not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants import breaks

Rule = Callable[[Tensor], Tensor]


class _WithBackward(torch.autograd.Function):
    """Gives y out, and sends the upstream gradient to x through a rule."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, rule: Rule) -> Tensor:
        ctx.rule = rule
        return y.clone()

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        return ctx.rule(upstream[0]), None, None


def with_backward(x: Tensor, y: Tensor, rule: Rule) -> Tensor:
    """The values of y, with `rule(upstream)` as the gradient of x."""
    return _WithBackward.apply(x, y.detach(), rule)  # type: ignore[no-any-return, no-untyped-call]


def through(upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
    """The right gradient of the input: through the mask and the keep of the forward."""
    return torch.where(mask, upstream / (keep or 1.0), 0)


class OwnBackward(Dropout):
    """The reference's forward pass, with a backward pass of the subclass' own below rate 1. Not a mutant by itself."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        """The gradient of the input; the right one is `through(upstream, mask, keep)`."""
        raise NotImplementedError

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y, keep = super().apply_mask(x, mask), 1 - self.p
        return with_backward(x, y, lambda upstream: self.backward(upstream, mask, keep)) if keep else y


@breaks("gradient-1", "gradient-5")
class RedrawsInBackward(OwnBackward):
    """Draws a new mask in the backward pass, as pytorch/pytorch#190717 and mamba#1023."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, self.draw_mask(upstream), keep)


@breaks("gradient-2")
class LeavesGradientUnscaled(OwnBackward):
    """Masks the gradient but does not divide it by keep."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return torch.where(mask, upstream, 0)


@breaks("gradient-3", "gradient-10", "gradient-1")
class PassesGradientOfDropped(OwnBackward):
    """Passes the upstream gradient on to dropped elements as well, as fms-acceleration#97; the weights behind them still learn."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return upstream / keep


@breaks("gradient-4")
class InfersMaskFromOutput(Dropout):
    """Takes every zero of the output for a drop in the backward pass, as candle#82 and kaldi#3890."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y, keep = super().apply_mask(x, mask).detach(), 1 - self.p
        return with_backward(x, y, lambda upstream: through(upstream, y != 0, keep))


@breaks("gradient-5")
class AddsUpBackwards(Dropout):
    """Never clears its gradient buffer, so a second backward pass over the same graph gives twice the gradient."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        times, keep = count(1), 1 - self.p
        return with_backward(x, super().apply_mask(x, mask), lambda upstream: through(upstream * next(times), mask, keep))


@breaks("gradient-6")
class DetachesInBackward(OwnBackward):
    """Detaches the scaled gradient: its value is right, its own derivative has lost the scale."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, mask, keep).detach() + torch.where(mask, upstream - upstream.detach(), 0)


@breaks("gradient-7")
class KeepsMaskOnSelf(OwnBackward):
    """Keeps the mask on the layer, so a second forward pass spoils the backward pass of the first."""

    def draw_mask(self, x: Tensor) -> Tensor:
        self.mask = super().draw_mask(x)
        return self.mask

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, self.mask, keep)


@breaks("gradient-8", "gradient-2", "gradient-5")
class ClipsGradient(OwnBackward):
    """Clips the gradient to 1 on its way back: right for small ones, against finite differences for large ones."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, mask, keep).clamp(-1, 1)


@breaks("gradient-9")
class RedrawsWhenRecomputed(Dropout):
    """Draws afresh when recomputed during the backward pass, as guided-diffusion#167 and pytorch/pytorch#127676."""

    def draw_mask(self, x: Tensor) -> Tensor:
        if torch._C._current_graph_task_id() != -1:  # a backward pass is running
            super().draw_mask(x)
        return super().draw_mask(x)


@breaks("gradient-7")
class QueuesMasks(OwnBackward):
    """Keeps the masks of forwards in a queue, so that backwards must come in the order of their forwards."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.masks: list[Tensor] = []

    def draw_mask(self, x: Tensor) -> Tensor:
        self.masks.append(super().draw_mask(x))
        return self.masks[-1]

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        queued = self.masks.pop(0) if len(self.masks) > 1 else self.masks[0]
        return through(upstream, queued, keep)


@breaks("gradient-5")
class FreesMaskInBackward(Dropout):
    """Frees its mask after the first backward pass, so a second one over the same graph passes the gradient on unmasked."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        masks, keep = [mask], 1 - self.p
        y = super().apply_mask(x, mask)
        return with_backward(x, y, lambda upstream: through(upstream, masks.pop(), keep) if masks else upstream)


@breaks("gradient-6")
class LosesMaskInDoubleBackward(OwnBackward):
    """Its gradient is right, and the gradient of that has lost the mask."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, mask, keep).detach() + (upstream - upstream.detach()) / keep


@breaks("gradient-2")
class LeavesNonLeafGradientUnscaled(Dropout):
    """Masks the gradient of an input that was computed, as every input inside a network is, but does not divide it by keep."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y = super().apply_mask(x, mask)
        return y if x.is_leaf else with_backward(x, y, lambda upstream: torch.where(mask, upstream, 0))


@breaks("gradient-2")
class AsksRateInBackward(OwnBackward):
    """Asks for the rate when the backward comes, and a schedule may have changed it since the forward."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, mask, 1 - self.p)


@breaks("gradient-3")
class AddsZeroTimesInput(Dropout):
    """Adds 0 times the input to the gradient, to keep the input in the graph, which is NaN where the input is infinite or NaN."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y, held, keep = super().apply_mask(x, mask), x.detach(), 1 - self.p
        return with_backward(x, y, lambda upstream: through(upstream, mask, keep) + 0 * held)
