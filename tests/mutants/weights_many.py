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
