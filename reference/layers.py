"""The reference as torch layers: the same rules as reference/dropout.py, with torch's autograd, devices and generator."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .dropout import check_rate


class Dropout(nn.Module):
    """Inverted dropout of every element on its own (spec/dropout.md).

    Input and output have any shape and a floating dtype. Random numbers come from torch's global generator.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = check_rate(p)

    def draw_mask(self, x: Tensor) -> Tensor:
        """True where a unit survives; 53-bit uniforms in every dtype, laid out in memory as x is (rate-4, layout-5)."""
        return torch.rand_like(x, dtype=torch.float64) >= self.p

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        """x / keep where the mask is True, else 0; autograd sends the gradient through the same mask and scale."""
        keep = 1 - self.p
        return torch.where(mask, x / keep if keep else x, 0)  # at rate 1 the 0 / 0 would reach the gradient as NaN

    def forward(self, x: Tensor) -> Tensor:
        """Dropout of x in training mode, x itself in evaluation mode and at rate 0."""
        if not x.is_floating_point():
            raise TypeError(f"dropout needs floating input, not {x.dtype}: x / keep is no integer (edge-8)")
        if not self.training or self.p == 0:
            return x
        return self.apply_mask(x, self.draw_mask(x))

    def extra_repr(self) -> str:
        """The rate, as it stands in repr()."""
        return f"p={self.p}"
