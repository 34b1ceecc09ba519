"""The reference as torch layers: the rules of reference/dropout.py and reference/dropconnect.py,
with torch's autograd and generator.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .dropconnect import Sharing
from .dropout import check_rate


class Dropout(nn.Module):
    """Inverted dropout of every element on its own (spec/dropout.md).

    Input and output have any shape and a floating dtype. Random numbers come from torch's global
    generator.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = check_rate(p)

    def draw_mask(self, x: Tensor) -> Tensor:
        """True where a unit survives; 53-bit uniforms in every dtype, laid out in memory as x is
        (rate-4, layout-5).
        """
        return torch.rand_like(x, dtype=torch.float64) >= self.p

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        """x / keep where the mask is True, else 0; autograd sends the gradient through the same
        mask and scale.
        """
        keep = 1 - self.p
        # at rate 1 the 0 / 0 would reach the gradient as NaN
        return torch.where(mask, x / keep if keep else x, 0)

    def forward(self, x: Tensor) -> Tensor:
        """Dropout of x in training mode, x itself in evaluation mode and at rate 0."""
        if not x.is_floating_point():
            raise TypeError(
                f"dropout needs floating input, not {x.dtype}: x / keep is no integer (edge-8)"
            )
        if not self.training or self.p == 0:
            return x
        return self.apply_mask(x, self.draw_mask(x))

    def extra_repr(self) -> str:
        """The rate, as it stands in repr()."""
        return f"p={self.p}"


class DropConnect(nn.Module):
    """A linear layer whose weights are dropped in training, by a mask of their own for each example
    (spec/dropconnect.md).

    Input is (..., in_features), output (..., out_features), in the dtype of the weight.
    `mask_per="call"` draws one mask for all examples; `drop_bias` drops the bias like a weight,
    as the paper does. In evaluation it is the plain layer, or with `samples` the paper's own
    inference: the mean, after the activation, of so many draws from a normal with the output's
    own mean and variance. Random numbers come from torch's global generator. Raises as `Dropout`
    does for a bad rate, ValueError for another `mask_per`.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        p: float = 0.5,
        bias: bool = True,
        *,
        mask_per: Sharing = "example",
        drop_bias: bool = False,
        samples: int = 0,
        activation: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        if mask_per not in ("example", "call"):
            raise ValueError(f"mask_per is 'example' or 'call', not {mask_per!r}")
        self.p, self.mask_per, self.drop_bias = check_rate(p), mask_per, drop_bias
        self.samples, self.activation = samples, activation
        plain = nn.Linear(in_features, out_features, bias)  # for its initial values
        self.weight, self.bias = plain.weight, plain.bias

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        """True where an element of the parameter survives, of shape (*examples, *parameter.shape),
        or of the parameter's own.
        """
        shape = (*examples, *parameter.shape) if self.mask_per == "example" else parameter.shape
        return torch.rand(shape, dtype=torch.float64, device=parameter.device) >= self.p

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        """The parameter / keep where the mask is True, else 0."""
        keep = 1 - self.p
        return torch.where(mask, parameter / keep if keep else parameter, 0)

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """W x + b, for one weight matrix or for one an example."""
        if weight.dim() == 2:
            return nn.functional.linear(x, weight, bias)
        y = (weight @ x.unsqueeze(-1)).squeeze(-1)
        return y if bias is None else y + bias

    def sampled(self, x: Tensor) -> Tensor:
        """The mean after the activation of draws from N(W x + b, rate / keep · (W ∘ W)(x ∘ x))."""
        mean = self.product(x, self.weight, self.bias)
        ratio = self.p / (1 - self.p) if self.p < 1 else 0.0
        deviation = (ratio * nn.functional.linear(x**2, self.weight**2)).sqrt()
        return self.activated(
            mean
            + deviation
            * torch.randn(self.samples, *mean.shape, dtype=mean.dtype, device=mean.device)
        ).mean(0)

    def activated(self, y: Tensor) -> Tensor:
        """The activation of y, where there is one."""
        return y if self.activation is None else self.activation(y)

    def forward(self, x: Tensor) -> Tensor:
        """Masked in training; the plain layer in evaluation and at rate 0, or in evaluation the
        paper's inference.
        """
        if not self.training and self.samples:
            return self.sampled(x)
        if not self.training or self.p == 0:
            return self.activated(self.product(x, self.weight, self.bias))
        weight = self.apply_mask(self.weight, self.draw_mask(self.weight, x.shape[:-1]))
        bias: Tensor | None = self.bias
        if self.drop_bias and bias is not None:
            bias = self.apply_mask(bias, self.draw_mask(bias, x.shape[:-1]))
        return self.activated(self.product(x, weight, bias))

    def extra_repr(self) -> str:
        """The sizes and the rate, as they stand in repr()."""
        out_features, in_features = self.weight.shape
        return (
            f"in_features={in_features}, out_features={out_features}, p={self.p},"
            f" mask_per={self.mask_per!r}"
        )
