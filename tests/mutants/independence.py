"""Mutants of the chapter independence: the rate is right everywhere, but elements, rows, calls or layers depend on each other."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants import breaks


def laid_out_as(x: Tensor, values: Tensor) -> Tensor:
    """The values, given in reading order, in the shape of x and laid out in memory as x is."""
    return torch.empty_like(x, dtype=values.dtype).copy_(values.reshape(x.shape))


def uniforms(x: Tensor, generator: Generator) -> Tensor:
    """A uniform for each element of x from a private generator."""
    return torch.empty_like(x, dtype=torch.float64).uniform_(generator=generator)


class OwnGenerator(Dropout):
    """Draws each mask from a generator of its own, seeded by a key and the number of masks drawn so far. Not a mutant by itself."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.key, self.calls = self.new_key(), 0

    def new_key(self) -> int:
        """The key of a new layer."""
        return int(torch.randint(2**62, ()))

    def draw_mask(self, x: Tensor) -> Tensor:
        self.calls += 1
        return uniforms(x, Generator().manual_seed(self.key + self.calls)) >= self.p


@breaks("independence-1")
class SharesAmongFour(Dropout):
    """Draws one decision for four neighbours, as pytorch/pytorch#198333."""

    def draw_mask(self, x: Tensor) -> Tensor:
        groups = torch.rand(-(-x.numel() // 4), dtype=torch.float64) >= self.p
        return laid_out_as(x, groups.repeat_interleave(4)[: x.numel()])


@breaks("independence-2")
class SharesAcrossBatch(Dropout):
    """Draws one mask and uses it for every row of the batch."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x[:1] if x.ndim > 1 else x).expand(x.shape)


@breaks("independence-3")
class ReusesMask(Dropout):
    """Draws one mask for each shape and reuses it at every call, as pytorch/pytorch#189285 and tensorflow#29391."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.masks: dict[tuple[object, ...], Tensor] = {}

    def draw_mask(self, x: Tensor) -> Tensor:
        return self.masks.setdefault((x.shape, self.p), super().draw_mask(x))


@breaks("independence-4")
class DropsExactlyPerCall(Dropout):
    """Drops exactly rate · n elements of a call (the fraction is settled by chance)."""

    def draw_mask(self, x: Tensor) -> Tensor:
        dropped = int(self.p * x.numel() + torch.rand((), dtype=torch.float64).item())
        return laid_out_as(x, torch.randperm(x.numel()) >= dropped)


@breaks("independence-4")
class DropsExactlyPerRow(Dropout):
    """Drops exactly rate · n elements of each row (the fraction is settled by chance)."""

    def draw_mask(self, x: Tensor) -> Tensor:
        rows = torch.rand(x.shape or (1,)).argsort(-1)
        dropped = torch.floor(self.p * rows.shape[-1] + torch.rand(rows.shape[:-1], dtype=torch.float64)).unsqueeze(-1)
        return laid_out_as(x, rows >= dropped)


@breaks("independence-5")
class CopiesAtLag777(Dropout):
    """Every sixteenth decision is a copy of the one 777 places earlier."""

    def draw_mask(self, x: Tensor) -> Tensor:
        mask = torch.rand(x.numel(), dtype=torch.float64) >= self.p
        mask[777::16] = mask[:-777:16].clone()
        return laid_out_as(x, mask)


@breaks("independence-6", "independence-5")
class RepeatsEvery64(Dropout):
    """Draws 64 decisions and repeats them over the whole call."""

    def draw_mask(self, x: Tensor) -> Tensor:
        word = torch.rand(64, dtype=torch.float64) >= self.p
        return laid_out_as(x, word.repeat(x.numel() // 64 + 1)[: x.numel()])


@breaks("independence-6")
class HasSixteenMasks(Dropout):
    """Seeds its generator from 4 random bits, so there are only 16 masks."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return uniforms(x, Generator().manual_seed(int(torch.randint(16, ())))) >= self.p


@breaks("independence-6")
class OverlapsCounters(Dropout):
    """Moves the random stream on by half of what it used, so each call begins with the second half of the last one's numbers."""

    def draw_mask(self, x: Tensor) -> Tensor:
        start = torch.get_rng_state()
        mask = super().draw_mask(x)
        torch.set_rng_state(start)
        torch.rand((x.numel() + 1) // 2, dtype=torch.float64)
        return mask


@breaks("independence-7")
class RepeatsInCopies(OwnGenerator):
    """Keeps a generator of its own, and a deep copy of the layer goes on with the same one."""


@breaks("independence-7")
class AgreesWithOtherLayers(OwnGenerator):
    """Counts its calls from the program's seed, so every layer of a network draws the same masks (as each rank in transformers#31412)."""

    def draw_mask(self, x: Tensor) -> Tensor:
        self.key = torch.initial_seed() % 2**62
        return super().draw_mask(x)


@breaks("independence-6")
class RepeatsFewRows(Dropout):
    """Gives one row in fifty the mask of another row: no rate, neighbour or count shows it."""

    def draw_mask(self, x: Tensor) -> Tensor:
        mask = super().draw_mask(x)
        if x.ndim < 2 or not x.numel():
            return mask
        rows = mask.reshape(-1, x.shape[-1]).clone()
        repeats = torch.rand(len(rows)) < 0.02
        rows[repeats] = rows[torch.randint(len(rows), (int(repeats.sum()),))]
        return laid_out_as(x, rows)
