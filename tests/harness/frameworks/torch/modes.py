"""How a torch layer is called: in training or evaluation, under autograd's modes, and on views."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from dropspec.core.arrays import Array, Bits, nonzero
from dropspec.core.guard import Guard
from dropspec.core.ranks import with_axes_of, with_axes_taken
from dropspec.frameworks.torch.tape import to_numpy


class ToldModule(nn.Module):
    """Passes the mode or the rate on to a layer that takes it as an argument of each call, and the
    input with as many axes as the layer takes.

    `flag` is the name of the training flag, and whether True means evaluation; `ranks_refused`
    are the numbers of axes that the layer does not take.
    """

    def __init__(
        self,
        layer: nn.Module,
        flag: tuple[str, bool] | None,
        given: Mapping[str, Any],
        ranks_refused: Collection[int] = (),
    ) -> None:
        super().__init__()
        self.layer, self._flag, self._given = layer, flag, dict(given)
        self._ranks_refused = ranks_refused

    def forward(self, x: Tensor) -> Any:
        """The layer's own output, in the module's mode, in the shape of the input."""
        told = {self._flag[0]: self.training != self._flag[1]} if self._flag else {}
        own = with_axes_taken(x, self._ranks_refused)
        return with_axes_of(x, own, self.layer(own, **told, **self._given))


def masks_by_mode(
    module: nn.Module, name: str, guard: Guard, units: int, dtypes: Iterable[str]
) -> Iterator[tuple[str, Bits]]:
    """The masks of a module's calls on ones, twice in each mode, with a name for each call.

    Several calls get the very same tensor.
    """
    module.train()
    for how, mode, x in _modes(units, dtypes):
        for which in ("a", "another"):
            with guard.call(f"{which} call of {name} {how}"), mode:
                y = module(x)
            yield f"{which} call {how}", nonzero(to_numpy(y))


def _modes(
    units: int, dtypes: Iterable[str]
) -> Iterator[tuple[str, AbstractContextManager[Any], Any]]:
    plain, leaf = torch.ones(units), torch.ones(units, requires_grad=True)
    yield "without a gradient", nullcontext(), plain
    yield "with a gradient", nullcontext(), leaf
    yield "under torch.no_grad", torch.no_grad(), plain
    yield "with a gradient, after torch.no_grad", nullcontext(), leaf
    yield "under torch.inference_mode", torch.inference_mode(), plain
    yield "on a tensor that is not a leaf", nullcontext(), leaf * 1
    for dtype in dtypes:
        x = torch.ones(units, dtype=getattr(torch, dtype), requires_grad=True)
        yield f"with a gradient in {dtype}", nullcontext(), x


def on_views(module: nn.Module, name: str, guard: Guard) -> Iterator[tuple[str, Array, Array]]:
    """Outputs of a module for views that begin inside their memory: a name, input, output."""
    numbers = torch.arange(1.0, 513.0)
    table = numbers.reshape(32, 16)
    module.train()
    for x in (numbers[256:], table[3:, 5:], table.t()[2:, 7:]):
        view = f"a view that begins at {x.storage_offset()}"
        with guard.call(f"{name} on {view}, of shape {tuple(x.shape)}"):
            y = module(x).detach().numpy()
        yield view, x.numpy(), y


def functional_form(layer: type | None) -> Callable[..., Any] | None:
    """The function of torch.nn.functional that one of torch's own layers stands for."""
    if layer is None or not layer.__module__.startswith("torch.nn."):
        return None
    form: Callable[..., Any] | None = getattr(nn.functional, layer.__name__.lower(), None)
    return form
