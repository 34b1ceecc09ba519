"""Mutants of the chapter independence: units that share their fate in every call."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import OwnGenerator, breaks, laid_out_as, uniforms


@breaks("independence-1", seen="pytorch/pytorch#198333")
class SharesAmongFour(Dropout):
    """Draws one decision for four neighbours."""

    def draw_mask(self, x: Tensor) -> Tensor:
        groups = torch.rand(-(-x.numel() // 4), dtype=torch.float64) >= self.p
        return laid_out_as(x, groups.repeat_interleave(4)[: x.numel()])


@breaks("independence-2")
class SharesAcrossBatch(Dropout):
    """Draws one mask and uses it for every row of the batch."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x[:1] if x.ndim > 1 else x).expand(x.shape)


@breaks("independence-3", seen=("pytorch/pytorch#189285", "tensorflow/tensorflow#29391"))
class ReusesMask(Dropout):
    """Draws one mask for each shape and reuses it at every call."""

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
        dropped = torch.floor(
            self.p * rows.shape[-1] + torch.rand(rows.shape[:-1], dtype=torch.float64)
        ).unsqueeze(-1)
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
    """Moves the random stream on by half of what it used, so each call begins with the second half
    of the last one's numbers.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        start = torch.get_rng_state()
        mask = super().draw_mask(x)
        torch.set_rng_state(start)
        torch.rand((x.numel() + 1) // 2, dtype=torch.float64)
        return mask


@breaks("independence-7", "seed-4")
class RepeatsInCopies(OwnGenerator):
    """Keeps a generator of its own, and a deep copy of the layer goes on with the same one."""


@breaks("independence-7", seen="huggingface/transformers#31412")
class AgreesWithOtherLayers(OwnGenerator):
    """Counts its calls from the program's seed, so every layer of a network draws the same
    masks.
    """

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


@breaks("independence-1")
class CopiesNeighbours(Dropout):
    """With probability 0.02 an element shares the fate of its left neighbour, so that neighbours
    have a correlation of 0.02.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        mask = torch.rand(x.numel(), dtype=torch.float64) >= self.p
        copies = torch.rand(x.numel()) < 0.02
        copies[:1] = False
        return laid_out_as(x, torch.where(copies, mask.roll(1), mask))


@breaks("independence-5")
class CopiesAtLag30000(Dropout):
    """Every seventeenth decision is a copy of the one 30,000 places earlier, so that only large
    calls show it.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        mask = torch.rand(x.numel(), dtype=torch.float64) >= self.p
        mask[30000::17] = mask[:-30000:17].clone()
        return laid_out_as(x, mask)


class _RepeatsWord(Dropout):
    """Draws as many decisions as `period` says, and repeats them over the whole call."""

    period: int

    def draw_mask(self, x: Tensor) -> Tensor:
        word = torch.rand(self.period, dtype=torch.float64) >= self.p
        return laid_out_as(x, word.repeat(x.numel() // self.period + 1)[: x.numel()])


@breaks("independence-6", "independence-5")
class RepeatsEvery1024(_RepeatsWord):
    """Fills a block of 1,024 decisions and repeats it over the whole call."""

    period = 2**10


@breaks("independence-6")
class RepeatsEvery65536(_RepeatsWord):
    """Counts in 16 bits, so that the mask repeats after 65,536 elements; smaller calls
    are right.
    """

    period = 2**16


class _HasFewMasks(Dropout):
    """Seeds its generator by one of a few numbers, so each shape has so few masks and no others."""

    masks: int

    def draw_mask(self, x: Tensor) -> Tensor:
        return uniforms(x, Generator().manual_seed(int(torch.randint(self.masks, ())))) >= self.p


@breaks("independence-6")
class HasEightMasks(_HasFewMasks):
    """Seeds its generator from 3 random bits, so there are only 8 masks of a shape."""

    masks = 2**3


@breaks("independence-6")
class Has64Masks(_HasFewMasks):
    """Seeds its generator from 6 random bits, so there are only 64 masks of a shape."""

    masks = 2**6


@breaks("independence-6")
class Has1024Masks(_HasFewMasks):
    """Seeds its generator from 10 random bits, so there are only 1,024 masks of a shape."""

    masks = 2**10


@breaks("independence-6", "independence-4")
class CachesMasks(Dropout):
    """Keeps the first 64 masks of a shape, to save time, and takes one of these at random from then
    on.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.masks: dict[tuple[object, ...], list[Tensor]] = {}

    def draw_mask(self, x: Tensor) -> Tensor:
        masks = self.masks.setdefault((x.shape, self.p), [])
        if len(masks) < 64:
            masks.append(super().draw_mask(x))
            return masks[-1]
        return masks[int(torch.randint(64, ()))]


@breaks("independence-3")
class HasEightMasksOfSmallCalls(_HasFewMasks):
    """Takes one of 8 masks for calls of fewer than 100 elements, and draws all others afresh."""

    masks = 2**3

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x) if x.numel() < 100 else Dropout.draw_mask(self, x)


@breaks("independence-4", "independence-6")
class MirrorsHalves(Dropout):
    """Takes 1 - u of the first half of a call for the second, to save half of the uniforms: at rate
    0.5 half of a call is dropped.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        half = torch.rand((x.numel() + 1) // 2, dtype=torch.float64)
        return laid_out_as(x, torch.cat((half, 1 - half))[: x.numel()] >= self.p)


@breaks("independence-5", "independence-4", "independence-6")
class MirrorsWithinRows(Dropout):
    """Takes 1 - u of the first half of each row for its second half."""

    def draw_mask(self, x: Tensor) -> Tensor:
        width = x.shape[-1] if x.ndim else 1
        half = torch.rand((*x.shape[:-1], (width + 1) // 2), dtype=torch.float64)
        return laid_out_as(x, torch.cat((half, 1 - half), -1)[..., :width] >= self.p)


@breaks("independence-3", "independence-6")
class MirrorsCalls(Dropout):
    """Takes 1 - u of the last call for every second one of a shape: antithetic pairs, which halve
    the variance of a mean over calls.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.last: Tensor | None = None

    def draw_mask(self, x: Tensor) -> Tensor:
        last, self.last = self.last, None
        if last is not None and last.shape == x.shape:
            return laid_out_as(x, 1 - last >= self.p)
        self.last = torch.rand_like(x, dtype=torch.float64)
        return self.last >= self.p


@breaks("independence-1", seen="pytorch/pytorch#69801")
class DropsPlanes(Dropout):
    """Takes what has three axes or more for images and drops whole rows or planes drops along the
    wrong axis.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        if x.ndim < 3:
            return super().draw_mask(x)
        planes = x[..., :1] if x.ndim == 3 else x[..., :1, :1]
        return super().draw_mask(planes).expand(x.shape)
