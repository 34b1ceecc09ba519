"""Mutants of the chapter seed: masks that cannot be replayed, and generators of others that are
touched.
"""

from __future__ import annotations

import os
import random
from typing import Any, Self

import numpy as np
import torch
from torch import Generator, Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import (
    OwnBackward,
    OwnGenerator,
    breaks,
    laid_out_as,
    through,
    uniforms,
)


@breaks("seed-1", seen="facebookresearch/xformers#173")
class IgnoresSeed(Dropout):
    """Takes a new seed from the operating system at every call."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return uniforms(x, Generator().manual_seed(int.from_bytes(os.urandom(7), "big"))) >= self.p


@breaks("seed-2", "independence-3", seen=("PaddlePaddle/Paddle#7796", "ngraph#3006"))
class SeedsConstantly(Dropout):
    """Starts from seed 0 at every call, so all calls under all seeds draw one mask."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return uniforms(x, Generator().manual_seed(0)) >= self.p


@breaks("seed-3")
class ReseedsTorch(Dropout):
    """Reseeds torch's global generator after each mask, so the rest of the program repeats its
    random numbers.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        mask = super().draw_mask(x)
        torch.manual_seed(0)
        return mask


@breaks("seed-3")
class ReseedsTorchByItself(Dropout):
    """Reseeds torch's global generator by a number drawn from it: 2^31 streams are left of all that
    a user could seed.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        torch.manual_seed(int(torch.randint(2**31, ())))
        return super().draw_mask(x)


@breaks("seed-3")
class ReseedsNumpy(Dropout):
    """Reseeds NumPy's global generator at construction, though it draws from torch's."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        np.random.seed(0)


@breaks("seed-3")
class SeedsPythonByTorch(Dropout):
    """Seeds Python's global generator with torch's seed at every call, so that all of a program's
    random choices follow from that.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        random.seed(torch.initial_seed())
        return super().draw_mask(x)


@breaks("seed-4", "seed-1")
class GoesOnPrivately(OwnGenerator):
    """Keeps a generator seeded once by the operating system, which no saved state of torch's brings
    back.
    """

    def new_key(self) -> int:
        return int.from_bytes(os.urandom(7), "big")


@breaks("seed-5")
class DrawsByThread(Dropout):
    """Gives each thread a part of the mask and a seed of its own, so the mask depends on the number
    of threads.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        key, drawn = int(torch.randint(2**62, ())), torch.empty(x.numel(), dtype=torch.float64)
        for thread, part in enumerate(drawn.chunk(torch.get_num_threads())):
            part.uniform_(generator=Generator().manual_seed(key + thread))
        return laid_out_as(x, drawn >= self.p)


@breaks("seed-3")
class ReseedsPython(Dropout):
    """Reseeds Python's global generator at each call, though it draws from torch's."""

    def draw_mask(self, x: Tensor) -> Tensor:
        random.seed(0)
        return super().draw_mask(x)


@breaks("seed-4", "seed-1")
class DrawsFromNumpy(Dropout):
    """Draws from NumPy's global generator, which neither torch's seed nor its state brings back."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return laid_out_as(x, torch.from_numpy(np.random.random(x.numel())) >= self.p)


@breaks("seed-4", "independence-7")
class KeepsCounterBesideSeed(OwnGenerator):
    """Counts its calls beside the seed that it took from torch, so a restored state gives the mask
    of another call.
    """


@breaks("seed-3")
class ReseedsInBackward(OwnBackward):
    """Reseeds torch's global generator in the backward pass."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        torch.manual_seed(0)
        return through(upstream, mask, keep)


@breaks("seed-3", "eval-4")
class ReseedsTorchInEval(Dropout):
    """Reseeds torch's global generator in evaluation, so that results can be repeated."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            torch.manual_seed(0)
        return super().forward(x)


@breaks("seed-3")
class ReseedsNumpyInEval(Dropout):
    """Reseeds NumPy's global generator in evaluation, though it draws from torch's."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            np.random.seed(0)
        return super().forward(x)


@breaks("seed-3", "edge-9")
class ReseedsTorchAtRateZero(Dropout):
    """Reseeds torch's global generator at rate 0, where nothing is drawn."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training and self.p == 0:
            torch.manual_seed(0)
        return super().forward(x)


@breaks("seed-3")
class ReseedsTorchInDeepcopy(Dropout):
    """Reseeds torch's global generator when it is copied, so that its copy draws what the first one
    did.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        torch.manual_seed(0)
        return type(self)(self.p).train(self.training)


@breaks("seed-3")
class ReseedsTorchAfterLarge(Dropout):
    """Reseeds torch's global generator after calls of 4,096 elements or more."""

    def draw_mask(self, x: Tensor) -> Tensor:
        mask = super().draw_mask(x)
        if x.numel() >= 2**12:
            torch.manual_seed(0)
        return mask


@breaks("seed-1")
class SeedsLargeCallsItself(Dropout):
    """Takes a seed from the operating system for calls of 4,096 elements or more."""

    def draw_mask(self, x: Tensor) -> Tensor:
        if x.numel() < 4096:
            return super().draw_mask(x)
        return uniforms(x, Generator().manual_seed(int.from_bytes(os.urandom(7), "big"))) >= self.p


@breaks("seed-2", "independence-7")
class CutsSeedTo24Bits(Dropout):
    """Keeps 24 bits of the seed, so that seeds which differ in others are one."""

    calls = 0

    def draw_mask(self, x: Tensor) -> Tensor:
        self.calls += 1
        # torch's generator takes 32 bits
        key = hash((torch.initial_seed() & 0xFFFFFF, self.calls)) & 0xFFFFFFFF
        return uniforms(x, Generator().manual_seed(key)) >= self.p


@breaks("seed-1")
def ignores_generator(
    x: Tensor, p: float, training: bool = True, generator: Generator | None = None
) -> Tensor:
    """Offers a generator, and draws from torch's global one all the same."""
    return Dropout(p).train(training)(x)  # type: ignore[no-any-return]
