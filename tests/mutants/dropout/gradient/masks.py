"""Mutants of the chapter gradient: backward passes of another mask or scale."""

from __future__ import annotations

from itertools import count

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import OwnBackward, breaks, through, with_backward


@breaks("gradient-1", "gradient-5", seen=("pytorch/pytorch#190717", "state-spaces/mamba#1023"))
class RedrawsInBackward(OwnBackward):
    """Draws a new mask in the backward pass."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, self.draw_mask(upstream), keep)


@breaks("gradient-2")
class LeavesGradientUnscaled(OwnBackward):
    """Masks the gradient but does not divide it by keep."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return torch.where(mask, upstream, 0)


@breaks(
    "gradient-3", "gradient-10", "gradient-1", seen="foundation-model-stack/fms-acceleration#97"
)
class PassesGradientOfDropped(OwnBackward):
    """Passes the upstream gradient on to dropped elements as well; the weights behind them still
    learn.
    """

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return upstream / keep


@breaks("gradient-4", seen=("huggingface/candle#82", "kaldi-asr/kaldi#3890"))
class InfersMaskFromOutput(Dropout):
    """Takes every zero of the output for a drop in the backward pass."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y, keep = super().apply_mask(x, mask).detach(), 1 - self.p
        return with_backward(x, y, lambda upstream: through(upstream, y != 0, keep))


@breaks("gradient-5")
class AddsUpBackwards(Dropout):
    """Never clears its gradient buffer, so a second backward pass over the same graph gives twice
    the gradient.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        times, keep = count(1), 1 - self.p
        return with_backward(
            x,
            super().apply_mask(x, mask),
            lambda upstream: through(upstream * next(times), mask, keep),
        )


@breaks("gradient-6")
class DetachesInBackward(OwnBackward):
    """Detaches the scaled gradient: its value is right, its own derivative has lost the scale."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, mask, keep).detach() + torch.where(
            mask, upstream - upstream.detach(), 0
        )


@breaks("gradient-7")
class KeepsMaskOnSelf(OwnBackward):
    """Keeps the mask on the layer, so a second forward pass spoils the backward pass of the
    first.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        self.mask = super().draw_mask(x)
        return self.mask

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, self.mask, keep)


@breaks("gradient-8", "gradient-2", "gradient-5")
class ClipsGradient(OwnBackward):
    """Clips the gradient to 1 on its way back: right for small ones, against finite differences for
    large ones.
    """

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, mask, keep).clamp(-1, 1)


@breaks("gradient-9", seen=("openai/guided-diffusion#167", "pytorch/pytorch#127676"))
class RedrawsWhenRecomputed(Dropout):
    """Draws afresh when recomputed during the backward pass."""

    def draw_mask(self, x: Tensor) -> Tensor:
        if torch._C._current_graph_task_id() != -1:  # a backward pass is running
            super().draw_mask(x)
        return super().draw_mask(x)


@breaks("gradient-7")
class QueuesMasks(OwnBackward):
    """Keeps the masks of forwards in a queue, so that backwards must come in the order of their
    forwards.
    """

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
    """Frees its mask after the first backward pass, so a second one over the same graph passes the
    gradient on unmasked.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        masks, keep = [mask], 1 - self.p
        y = super().apply_mask(x, mask)
        return with_backward(
            x, y, lambda upstream: through(upstream, masks.pop(), keep) if masks else upstream
        )


@breaks("gradient-6")
class LosesMaskInDoubleBackward(OwnBackward):
    """Its gradient is right, and the gradient of that has lost the mask."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, mask, keep).detach() + (upstream - upstream.detach()) / keep


@breaks("gradient-2")
class LeavesNonLeafGradientUnscaled(Dropout):
    """Masks the gradient of an input that was computed, as every input inside a network is, but
    does not divide it by keep.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y = super().apply_mask(x, mask)
        return (
            y if x.is_leaf else with_backward(x, y, lambda upstream: torch.where(mask, upstream, 0))
        )


@breaks("gradient-2")
class AsksRateInBackward(OwnBackward):
    """Asks for the rate when the backward comes, and a schedule may have changed it since the
    forward.
    """

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, mask, 1 - self.p)


@breaks("gradient-3")
class AddsZeroTimesInput(Dropout):
    """Adds 0 times the input to the gradient, to keep the input in the graph, which is NaN where
    the input is infinite or NaN.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y, held, keep = super().apply_mask(x, mask), x.detach(), 1 - self.p
        return with_backward(x, y, lambda upstream: through(upstream, mask, keep) + 0 * held)
