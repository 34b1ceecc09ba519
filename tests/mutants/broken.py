"""Things that are not dropout layers at all: it hangs, raises, dies or returns nonsense.

Each must get one clear sentence, and harm nothing else.
"""

from __future__ import annotations

import os
import time
from typing import Any

import torch
from torch import Tensor, nn

from dropspec.reference.layers import Dropout


def hang() -> None:
    """Never returns."""
    while True:
        time.sleep(0.1)


class Hangs(Dropout):
    """Never returns in training."""

    def draw_mask(self, x: Tensor) -> Tensor:
        hang()
        return super().draw_mask(x)


class HangsAtRateOne(Dropout):
    """Never returns in training at rate 1, as when one draws until something survives."""

    def draw_mask(self, x: Tensor) -> Tensor:
        if self.p == 1:
            hang()
        return super().draw_mask(x)


class Raises(Dropout):
    """Raises at every call."""

    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("this layer always raises")


class WrongShape(Dropout):
    """Returns its output with an axis too many."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).unsqueeze(0)


class WrongType(Dropout):
    """Returns a list of numbers."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x).tolist()


class ReturnsNone(Dropout):
    """Forgets to return its output."""

    def forward(self, x: Tensor) -> Any:
        super().forward(x)


class WantsOtherArguments(nn.Module):
    """Is built from a width and a height, and takes no rate."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__()
        self.width, self.height = width, height

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(self.width, self.height)


class Exits(Dropout):
    """Ends the whole process in training at rates above 0.95, as a crash in native code does."""

    def draw_mask(self, x: Tensor) -> Tensor:
        if self.p > 0.95:
            os._exit(3)
        return super().draw_mask(x)


class EatsMemory(Dropout):
    """Asks for 2^50 bytes in training: more than a process can address, so that no machine grants
    them.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        torch.empty(2**50, dtype=torch.uint8)
        return super().draw_mask(x)
