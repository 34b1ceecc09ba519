"""Mutants of the chapter seed: masks that cannot be replayed, and generators of others that are touched."""

from __future__ import annotations

import os
import random

import numpy as np
import torch
from torch import Generator, Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants import breaks

from .independence import OwnGenerator, laid_out_as, uniforms


@breaks("seed-1")
class IgnoresSeed(Dropout):
    """Takes a new seed from the operating system at every call, as random as the seed's address in xformers#173."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return uniforms(x, Generator().manual_seed(int.from_bytes(os.urandom(7), "big"))) >= self.p


@breaks("seed-2", "independence-3")
class SeedsConstantly(Dropout):
    """Starts from seed 0 at every call, so all calls under all seeds draw one mask, as Paddle#7796 and ngraph#3006."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return uniforms(x, Generator().manual_seed(0)) >= self.p


@breaks("seed-3")
class ReseedsTorch(Dropout):
    """Reseeds torch's global generator after each mask, so the rest of the program repeats its random numbers."""

    def draw_mask(self, x: Tensor) -> Tensor:
        mask = super().draw_mask(x)
        torch.manual_seed(0)
        return mask


@breaks("seed-3")
class ReseedsNumpy(Dropout):
    """Reseeds NumPy's global generator at construction, though it draws from torch's."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        np.random.seed(0)


@breaks("seed-3")
class SeedsPythonByTorch(Dropout):
    """Seeds Python's global generator with torch's seed at every call, so that all of a program's random choices follow from that."""

    def draw_mask(self, x: Tensor) -> Tensor:
        random.seed(torch.initial_seed())
        return super().draw_mask(x)


@breaks("seed-4", "seed-1")
class GoesOnPrivately(OwnGenerator):
    """Keeps a generator seeded once by the operating system, which no saved state of torch's brings back."""

    def new_key(self) -> int:
        return int.from_bytes(os.urandom(7), "big")


@breaks("seed-5")
class DrawsByThread(Dropout):
    """Gives each thread a part of the mask and a seed of its own, so the mask depends on the number of threads."""

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
    """Counts its calls beside the seed that it took from torch, so a restored state gives the mask of another call."""
