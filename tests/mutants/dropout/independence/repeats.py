"""Mutants of the chapter independence that use random numbers twice: masks that come again turned
round, later, or in other calls.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Generator, Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import breaks, laid_out_as

LARGE = 2**11


@cache
def noise() -> Tensor:
    """A table of 2^22 uniforms, the same in every run."""
    return torch.rand(2**22, dtype=torch.float64, generator=Generator().manual_seed(11))


@breaks("independence-6")
class TurnsRingOfMasks(Dropout):
    """Draws 16 masks for each shape of 2,048 elements or more, to save time, and uses them in turn
    from then on.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.rings: dict[tuple[object, ...], list[Tensor]] = {}

    def draw_mask(self, x: Tensor) -> Tensor:
        if x.numel() < LARGE:
            return super().draw_mask(x)
        ring = self.rings.setdefault((x.shape, self.p), [])
        ring.append(
            torch.rand(x.numel(), dtype=torch.float64) >= self.p if len(ring) < 16 else ring.pop(0)
        )
        return laid_out_as(x, ring[-1])


@breaks("independence-6")
class SeedsRows(Dropout):
    """Draws each row from a generator seeded by 16 random bits of the call plus the row's number,
    so rows come again in other calls.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        if x.ndim < 2 or not x.numel():
            return super().draw_mask(x)
        width, seed = x.shape[-1], int(torch.randint(2**16, ()))
        rows = [
            np.random.Generator(np.random.Philox(key=seed + row)).random(width)
            for row in range(x.numel() // width)
        ]
        return laid_out_as(x, torch.from_numpy(np.stack(rows)) >= self.p)


@breaks("independence-6")
class ReadsNoiseTable(Dropout):
    """Takes its uniforms from a table of 2^22, from a random place on, so later calls find what
    earlier ones have used.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        places = int(torch.randint(2**22, ())) + torch.arange(x.numel())
        return laid_out_as(x, noise()[places % 2**22] >= self.p)


class _MovesOnTooLittle(Dropout):
    """Calls of 2,048 elements or more move the random stream on by fewer numbers than they used."""

    def counted(self, used: int) -> int:
        """How far the stream is moved on by a call that used so many numbers."""
        raise NotImplementedError

    def draw_mask(self, x: Tensor) -> Tensor:
        if x.numel() < LARGE:
            return super().draw_mask(x)
        start = torch.get_rng_state()
        mask = super().draw_mask(x)
        torch.set_rng_state(start)
        torch.rand(self.counted(x.numel()), dtype=torch.float64)
        return mask


@breaks("independence-6", "independence-5")
class OverlapsByHalf(_MovesOnTooLittle):
    """Large calls begin with nearly half of the last one's numbers, at an offset that no row begins
    at.
    """

    def counted(self, used: int) -> int:
        return used // 2 + 37


@breaks("independence-6")
class OverlapsBy999(_MovesOnTooLittle):
    """Large calls begin with the last 999 numbers of the one before."""

    def counted(self, used: int) -> int:
        return used - 999


@breaks("independence-6")
class ReversesLargeCalls(Dropout):
    """Reads the last mask backwards at every second call of 2,048 elements or more, to save half of
    the uniforms.
    """

    last: Tensor | None = None

    def draw_mask(self, x: Tensor) -> Tensor:
        if x.numel() < LARGE:
            return super().draw_mask(x)
        last, self.last = self.last, None
        if last is not None and last.numel() == x.numel():
            return laid_out_as(x, last.flip(0))
        self.last = torch.rand(x.numel(), dtype=torch.float64) >= self.p
        return laid_out_as(x, self.last)


@breaks("independence-2", "independence-6")
class ReversesEverySecondRow(Dropout):
    """Gives every second row the mask of the row before, read backwards."""

    def draw_mask(self, x: Tensor) -> Tensor:
        mask = super().draw_mask(x)
        if x.ndim < 2 or not x.numel():
            return mask
        rows = mask.reshape(-1, x.shape[-1]).clone()
        rows[1::2] = rows[: len(rows) // 2 * 2 : 2].flip(1)
        return laid_out_as(x, rows)


@breaks("independence-3")
class SlicesStaleBuffer(Dropout):
    """Keeps the mask of its largest call in a buffer, and a smaller call takes the front of it as
    it stands.
    """

    buffer: tuple[float, Tensor] | None = None

    def draw_mask(self, x: Tensor) -> Tensor:
        if self.buffer is None or self.buffer[0] != self.p or x.numel() >= self.buffer[1].numel():
            self.buffer = self.p, torch.rand(x.numel(), dtype=torch.float64) >= self.p
        return laid_out_as(x, self.buffer[1][: x.numel()])
