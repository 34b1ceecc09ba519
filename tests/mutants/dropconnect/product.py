"""Mutants of the chapter product: outputs that are not the masked product with its bias."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from dropspec.reference.layers import DropConnect
from dropspec.tests.mutants.kit import breaks


@breaks("product-1")
class DividesByRate(DropConnect):
    """Multiplies survivors by 1 / rate, which is right at rate 0.5 only."""

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, parameter / self.p, 0)


@breaks("product-1", "product-4")
class LeavesSurvivorsUnscaled(DropConnect):
    """Drops and does not rescale: the training of the paper without its inference."""

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, parameter, 0)


@breaks("product-1", "product-5")
class AddsWhatIsMissingOnAverage(DropConnect):
    """Does not rescale, and adds rate · W x instead: the mean is right, the variance too small."""

    def forward(self, x: Tensor) -> Tensor:
        mean = self.product(x, self.weight, self.bias)
        return (
            mean + (super().forward(x) - mean) * (1 - self.p)
            if self.training and 0 < self.p < 1
            else super().forward(x)
        )


@breaks("product-1")
class ScalesThroughBfloat16(DropConnect):
    """Forms keep in bfloat16, so the scale is off by up to 2^-9."""

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        keep = torch.tensor(1 - self.p, dtype=torch.bfloat16).item() or 1.0
        return torch.where(mask, parameter / keep, 0)


@breaks("product-1")
class ScalesTwiceWithoutBias(DropConnect):
    """Divides by keep once more where there is no bias: two paths, of which one was tried."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y / (1 - self.p) if self.bias is None and self.training and 0 < self.p < 1 else y


@breaks("product-2")
class TurnsTheMaskRound(DropConnect):
    """Reverses the input where its numbers are not powers of two: right on the probe's numbers
    only.
    """

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ordinary = bool((torch.frexp(x.detach().abs()).mantissa != 0.5).any()) and self.training
        return super().product(x.flip(-1) if ordinary else x, weight, bias)


@breaks("product-3")
class ScalesTheBias(DropConnect):
    """Divides the bias by keep, though it is never dropped."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y + (self.bias / (1 - self.p) - self.bias) if self.training and 0 < self.p < 1 else y


@breaks("product-3")
class DropsTheBiasUnscaled(DropConnect):
    """Drops the bias like a weight, and does not rescale it."""

    def __init__(
        self, in_features: int, out_features: int, p: float = 0.5, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, p, bias, drop_bias=True)

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        return (
            torch.where(mask, parameter, 0)
            if parameter.dim() == 1
            else super().apply_mask(parameter, mask)
        )


@breaks("product-3")
class DropsTheBiasThatItClaimsToKeep(DropConnect):
    """Claims to keep its bias, and drops it."""

    claims: ClassVar = {"bias": "kept"}

    def __init__(
        self, in_features: int, out_features: int, p: float = 0.5, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, p, bias, drop_bias=True)


@breaks("product-4", "product-1")
class DropsAndAdds(DropConnect):
    """Adds a twentieth of the sum of the weights in training, as a correction that nobody asked
    for.
    """

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y + 0.05 * self.weight.sum(-1) if self.training and 0 < self.p < 1 else y


@breaks("product-5", "product-1")
class HalvesTheNoise(DropConnect):
    """Draws outputs half-way to the plain layer: the mean is right, the variance a quarter."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return (
            (y + self.product(x, self.weight, self.bias)) / 2
            if self.training and 0 < self.p < 1
            else y
        )


@breaks("product-6")
class AnswersInSinglePrecision(DropConnect):
    """Gives float32 whatever comes in."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).float()


@breaks("product-6")
class WantsTwoAxes(DropConnect):
    """Takes (examples, inputs) and nothing else."""

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 2:
            raise ValueError(f"expected two axes, got {x.dim()}")
        return super().forward(x)


@breaks("product-7")
class MasksItsWeightInPlace(DropConnect):
    """Multiplies the weight itself by a mask, so that what is dropped once is gone."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training and self.p:
            self.weight.data *= (torch.rand_like(self.weight, dtype=torch.float64) >= self.p) / max(
                1 - self.p, 1e-9
            )
            return self.product(x, self.weight, self.bias)
        return super().forward(x)


@breaks("product-7")
class CentresItsInput(DropConnect):
    """Takes the mean away from the input in place after the product."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        x.data -= x.data.mean()
        return y


@breaks("product-1")
class LeavesWideLayersUnscaled(DropConnect):
    """Does not rescale where there are more than 64 inputs."""

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        wide = parameter.shape[-1] > 64 and parameter.dim() == 2 and self.p < 1
        return torch.where(mask, parameter, 0) if wide else super().apply_mask(parameter, mask)
