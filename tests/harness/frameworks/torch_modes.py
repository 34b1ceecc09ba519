"""The ways in which a torch layer is called in training: with a gradient wanted or not, and under autograd's own modes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn

from dropspec.core.arrays import Bits, nonzero
from dropspec.core.guard import Guard
from dropspec.frameworks.torch_run import to_numpy


def masks_by_mode(module: nn.Module, name: str, guard: Guard, units: int, dtypes: Iterable[str]) -> Iterator[tuple[str, Bits]]:
    """The masks of one module's calls on ones, twice in each way and on the very tensor given before; with what each call is."""
    module.train()
    for how, mode, x in _modes(units, dtypes):
        for which in ("a", "another"):
            with guard.call(f"{which} call of {name} {how}"), mode:
                y = module(x)
            yield f"{which} call {how}", nonzero(to_numpy(y))


def _modes(units: int, dtypes: Iterable[str]) -> Iterator[tuple[str, AbstractContextManager[Any], Any]]:
    plain, leaf = torch.ones(units), torch.ones(units, requires_grad=True)
    yield "without a gradient", nullcontext(), plain
    yield "with a gradient", nullcontext(), leaf
    yield "under torch.no_grad", torch.no_grad(), plain
    yield "with a gradient, after torch.no_grad", nullcontext(), leaf
    yield "under torch.inference_mode", torch.inference_mode(), plain
    yield "on what is no leaf", nullcontext(), leaf * 1
    for dtype in dtypes:
        yield f"with a gradient in {dtype}", nullcontext(), torch.ones(units, dtype=getattr(torch, dtype), requires_grad=True)
