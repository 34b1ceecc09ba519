"""Mutants of the chapter weights that are right for as many inputs and outputs as a probe can spell, and wrong for more."""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import DropConnect
from dropspec.tests.mutants import breaks


@breaks("weights-4")
class RepeatsOutputs(DropConnect):
    """Draws masks for 64 outputs, and uses them again for those beyond, where there are 20 inputs or more."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask, outputs = super().draw_mask(parameter, examples), parameter.shape[0]
        many = parameter.dim() == 2 and outputs > 64 and parameter.shape[-1] >= 20
        return mask[..., torch.arange(outputs) % 64, :] if many else mask


@breaks("weights-2")
class RoundsToQuartersInWideLayers(DropConnect):
    """Rounds the rate to quarters beyond 128 inputs: 0.1 becomes 0."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        if parameter.shape[-1] <= 128 or parameter.dim() != 2:
            return super().draw_mask(parameter, examples)
        return torch.randint(4, (*examples, *parameter.shape)) >= round(self.p * 4)


@breaks("weights-3")
class SparesTheLastOfManyInputs(DropConnect):
    """Never drops the weights of the last input where there are more than 64."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask = super().draw_mask(parameter, examples)
        if parameter.dim() == 2 and parameter.shape[-1] > 64 and self.p < 1:
            mask[..., -1] = True
        return mask


@breaks("product-1")
class LeavesWideLayersUnscaled(DropConnect):
    """Does not rescale where there are more than 64 inputs."""

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        wide = parameter.shape[-1] > 64 and parameter.dim() == 2 and self.p < 1
        return torch.where(mask, parameter, 0) if wide else super().apply_mask(parameter, mask)


@breaks("backprop-2")
class SendsInputGradientOfWideLayersThroughPlainWeight(DropConnect):
    """The gradient of the input goes through the weight without its mask where there are more than 32 inputs and outputs."""

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


@breaks("limits-9")
class DropsLessOfASingleExample(DropConnect):
    """Drops a fifth less in a call of one example."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask = super().draw_mask(parameter, examples)
        return mask | (torch.rand(mask.shape) < 0.2) if examples == (1,) and self.p < 1 else mask
