"""What mutants are made of: the mark `breaks`, and layers that break nothing by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Generator, Tensor

from dropspec.reference.layers import Dropout

Rule = Callable[[Tensor], Tensor]
Layer = TypeVar("Layer", bound=Callable[..., object])


@dataclass(frozen=True)
class Stated:
    """The clauses that a mutant was made to break, the first one first of all.

    `seen` names public issues where it happened, as owner/repository#number.
    """

    clauses: tuple[str, ...]
    seen: tuple[str, ...]


def breaks(*clauses: str, seen: str | tuple[str, ...] = ()) -> Callable[[Layer], Layer]:
    """States what a mutant was made to break, and where that was seen, as its attribute
    `breaks`.
    """
    stated = Stated(clauses, (seen,) if isinstance(seen, str) else seen)

    def state(layer: Layer) -> Layer:
        layer.breaks = stated  # type: ignore[attr-defined]
        return layer

    return state


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
    """The reference's forward pass, with a backward pass of the subclass' own below rate 1.

    Not a mutant by itself.
    """

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        """The gradient of the input; the right one is `through(upstream, mask, keep)`."""
        raise NotImplementedError

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y, keep = super().apply_mask(x, mask), 1 - self.p
        return (
            with_backward(x, y, lambda upstream: self.backward(upstream, mask, keep)) if keep else y
        )


def laid_out_as(x: Tensor, values: Tensor) -> Tensor:
    """The values, given in reading order, in the shape of x and laid out in memory as x is."""
    return torch.empty_like(x, dtype=values.dtype).copy_(values.reshape(x.shape))


def uniforms(x: Tensor, generator: Generator) -> Tensor:
    """A uniform for each element of x from a private generator."""
    return torch.empty_like(x, dtype=torch.float64).uniform_(generator=generator)


class OwnGenerator(Dropout):
    """Draws each mask from a generator of its own, seeded by a key and the number of masks drawn so
    far. Not a mutant by itself.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.key, self.calls = self.new_key(), 0

    def new_key(self) -> int:
        """The key of a new layer."""
        return int(torch.randint(2**62, ()))

    def draw_mask(self, x: Tensor) -> Tensor:
        self.calls += 1
        return uniforms(x, Generator().manual_seed(self.key + self.calls)) >= self.p


def positions(x: Tensor) -> Tensor:
    """The place of each element in reading order, from 0, whatever the layout in memory."""
    return torch.arange(x.numel()).view(x.shape)


class Spares(Dropout):
    """Never drops the elements that `spared` names, except at rate 1. Not a mutant by itself."""

    def spared(self, x: Tensor) -> Tensor:
        """True at the elements that always survive."""
        raise NotImplementedError

    def draw_mask(self, x: Tensor) -> Tensor:
        mask = super().draw_mask(x)
        return mask.logical_or_(self.spared(x)) if self.p < 1 else mask


class DropsAt(Dropout):
    """Drops at a rate of the subclass' own, except at the rates 0 and 1. Not a mutant by itself."""

    def rate(self, x: Tensor) -> float | Tensor:
        """The probability of being dropped, for all elements of a call or for each."""
        raise NotImplementedError

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.rand_like(x, dtype=torch.float64) >= (
            self.rate(x) if 0 < self.p < 1 else self.p
        )
