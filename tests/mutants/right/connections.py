"""DropConnect layers that are right though they look unusual."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.nn.utils import parametrize

from dropspec.reference.dropconnect import dropconnect
from dropspec.reference.dropout import Array, check_rate
from dropspec.reference.layers import DropConnect


class ParametrizedLinear(nn.Linear):
    """torch's own linear layer, whose weight goes through torch's own dropout: one mask a call."""

    def __init__(
        self, in_features: int, out_features: int, p: float = 0.5, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, bias)
        parametrize.register_parametrization(self, "weight", nn.Dropout(check_rate(p)))


class RescalesBeforeItDrops(nn.Linear):
    """Divides the weight by keep and then multiplies by the mask: a weight so large that it
    overflows is 0 times infinity where it is dropped.
    """

    def __init__(self, in_features: int, out_features: int, p: float = 0.5) -> None:
        super().__init__(in_features, out_features)
        self.p = check_rate(p)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return super().forward(x)
        mask = torch.rand_like(self.weight, dtype=torch.float64) >= self.p
        return functional.linear(x, self.weight / ((1 - self.p) or 1.0) * mask, self.bias)


def functional_linear(
    x: Tensor, weight: Tensor, bias: Tensor | None, p: float, training: bool = True
) -> Tensor:
    """torch's functions of the same names."""
    return functional.linear(x, functional.dropout(weight, check_rate(p), training), bias)


class CalledWithDroppedWeight(nn.Module):
    """A linear layer that is called, by torch.func, with a dropped copy of its weight."""

    def __init__(self, in_features: int, out_features: int, p: float = 0.5) -> None:
        super().__init__()
        self.linear, self.p = nn.Linear(in_features, out_features), check_rate(p)

    def forward(self, x: Tensor) -> Tensor:
        dropped = functional.dropout(self.linear.weight, self.p, self.training)
        y: Tensor = functional_call(self.linear, {"weight": dropped}, (x,))
        return y


class VmappedLinear(nn.Linear):
    """A mask for each example by torch.vmap with different randomness; `drop_prob` comes last."""

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, drop_prob: float = 0.5
    ) -> None:
        super().__init__(in_features, out_features, bias)
        self.drop_prob = check_rate(drop_prob)

    def forward(self, x: Tensor) -> Tensor:
        def one(example: Tensor) -> Tensor:
            return functional.linear(
                example, functional.dropout(self.weight, self.drop_prob), self.bias
            )

        if not self.training:
            return super().forward(x)
        examples = x.reshape(x.shape[:-1].numel(), x.shape[-1])
        return torch.vmap(one, randomness="different")(examples).reshape(
            *x.shape[:-1], self.out_features
        )


class OneMaskACall(DropConnect):
    """The reference with one mask a call, which it claims."""

    claims: ClassVar = {"mask_per": "call"}

    def __init__(
        self, in_features: int, out_features: int, p: float = 0.5, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, p, bias, mask_per="call")


class DroppedBias(DropConnect):
    """The reference with a dropped bias, as in the paper, which it claims."""

    claims: ClassVar = {"bias": "dropped"}

    def __init__(
        self, in_features: int, out_features: int, p: float = 0.5, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, p, bias, drop_bias=True)


class TransposedWeight(nn.Module):
    """Stores its weight as (inputs, outputs), has no bias, and takes the keep probability."""

    def __init__(self, in_features: int, out_features: int, keep_prob: float = 0.5) -> None:
        super().__init__()
        self.keep_prob = check_rate(keep_prob)
        self.kernel = nn.Parameter(torch.zeros(in_features, out_features))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return functional.linear(x, self.kernel.T)
        return x @ functional.dropout(self.kernel, 1 - self.keep_prob)


class WeightDrop(nn.Module):
    """Weight drop as in AWD-LSTM: a raw parameter, and a masked one that is set on a linear layer
    at each call.
    """

    def __init__(self, in_features: int, out_features: int, p: float = 0.5) -> None:
        super().__init__()
        self.linear, self.p = nn.Linear(in_features, out_features), check_rate(p)
        self.weight_raw = nn.Parameter(self.linear.weight.data)
        del self.linear._parameters["weight"]

    def forward(self, x: Tensor) -> Tensor:
        masked = functional.dropout(self.weight_raw, self.p) if self.training else self.weight_raw
        object.__setattr__(self.linear, "weight", masked)
        try:
            return self.linear(x)  # type: ignore[no-any-return]
        finally:
            object.__delattr__(self.linear, "weight")


class LoopsOverExamples(DropConnect):
    """Draws and multiplies example by example, with masks of floats."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return super().forward(x)
        rows = [self._one(example) for example in x.reshape(x.shape[:-1].numel(), x.shape[-1])]
        flat = (
            torch.stack(rows) if rows else x.new_zeros(0, len(self.weight)) + self.weight.sum() * 0
        )
        return flat.reshape(*x.shape[:-1], len(self.weight))

    def _one(self, example: Tensor) -> Tensor:
        mask = torch.bernoulli(torch.full_like(self.weight, 1 - self.p, dtype=torch.float64)).to(
            self.weight.dtype
        )
        y = (self.weight * mask) @ example / ((1 - self.p) or 1.0)
        return y if self.bias is None else y + self.bias


class DrawsOneVector(DropConnect):
    """Draws all uniforms of a call as one vector, and reshapes it."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        shape = torch.Size((*examples, *parameter.shape))
        return (torch.rand(shape.numel(), dtype=torch.float64) >= self.p).reshape(shape)


def numpy_connect(
    x: Array,
    weight: Array,
    bias: Array | None,
    rate: float,
    rng: np.random.Generator,
    training: bool = True,
) -> Array:
    """The NumPy reference with one mask a call."""
    return dropconnect(x, weight, bias, rate, rng, training, "call")


class DroppedLSTM(nn.Module):
    """An LSTM whose recurrent weights are dropped once a call; it stores the masked weight where
    torch looks for it.
    """

    claims: ClassVar = {"masked_weight": "lstm.weight_hh_l0"}

    def __init__(self, in_features: int, out_features: int, p: float = 0.5) -> None:
        super().__init__()
        self.lstm, self.p = nn.LSTM(in_features, out_features), check_rate(p)
        self.weight_hh_l0_raw = nn.Parameter(self.lstm.get_parameter("weight_hh_l0").data)
        del self.lstm._parameters["weight_hh_l0"]

    def forward(self, x: Tensor) -> Tensor:
        # at rate 0 torch's dropout returns the parameter itself, which would be registered
        raw = self.weight_hh_l0_raw * 1
        masked = functional.dropout(raw, self.p) if self.training else raw
        self.lstm.weight_hh_l0 = masked
        return self.lstm(x)[0]  # type: ignore[no-any-return]


class MatchesMoments(DropConnect):
    """The paper's inference, done right: for the mutants below to spoil. It claims 64 draws."""

    claims: ClassVar = {"samples": 64}

    def __init__(
        self,
        in_features: int,
        out_features: int,
        p: float = 0.5,
        bias: bool = True,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__(in_features, out_features, p, bias, samples=64, activation=activation)

    def drawn(self, mean: Tensor, variance: Tensor) -> Tensor:
        """The mean, after the activation, of draws from a normal."""
        return self.activated(
            mean + variance.sqrt() * torch.randn(self.samples, *mean.shape, dtype=mean.dtype)
        ).mean(0)

    def ratio(self) -> float:
        """rate / keep."""
        return self.p / (1 - self.p) if self.p < 1 else 0.0
