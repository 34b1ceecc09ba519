"""The ways in which a torch layer is called in training: with a gradient wanted or not, and under autograd's own modes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from .adapters import Adapter
from .arrays import Bits, nonzero


def masks_by_mode(impl: Adapter, rate: float, units: int) -> Iterator[tuple[str, Bits]]:
    """The masks of one module's calls on ones, twice in each way, and what each call is: on the very tensor given before where it can be.

    Raises NotClaimed where it is no torch layer.
    """
    module = impl.as_module(rate)
    import torch

    from .adapters.torch_run import to_numpy

    def modes() -> Iterator[tuple[str, AbstractContextManager[Any], Any]]:
        plain, leaf = torch.ones(units), torch.ones(units, requires_grad=True)
        yield "without a gradient", nullcontext(), plain
        yield "with a gradient", nullcontext(), leaf
        yield "under torch.no_grad", torch.no_grad(), plain
        yield "with a gradient, after torch.no_grad", nullcontext(), leaf
        yield "under torch.inference_mode", torch.inference_mode(), plain
        yield "on what is no leaf", nullcontext(), leaf * 1
        for dtype in impl.claims.dtypes[1:]:
            yield f"with a gradient in {dtype}", nullcontext(), torch.ones(units, dtype=getattr(torch, dtype), requires_grad=True)

    module.train()
    for name, mode, x in modes():
        for which in ("a", "another"):
            with impl.guard.call(f"{which} call of {impl.spelled(rate, 'training')} {name}"), mode:
                y = module(x)
            yield f"{which} call {name}", nonzero(to_numpy(y))
