"""torch: light, so that a target of another framework never waits for torch to be imported."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from dropspec.core.arrays import Array
from dropspec.core.calls import Tape
from dropspec.core.driver import Driver
from dropspec.core.facts import Facts, Kind
from dropspec.core.framework import Fit, Framework
from dropspec.core.guard import Guard
from dropspec.core.site import Site
from dropspec.core.target import Target
from dropspec.frameworks.torch.ambient import ambient


class TorchFramework(Framework):
    """torch modules, and functions of tensors."""

    name = "torch"
    noun = "a tensor"
    arrays = "Tensor"
    modules = ("torch",)
    install = "dropspec[torch]"
    preload = (
        "dropspec.frameworks.torch.functions",
        "dropspec.frameworks.torch.modules",
        "torch.fx.experimental.symbolic_shapes",  # a backward under checkpointing imports it
        "torch.utils.serialization.config",  # as does a copy
    )

    def fit(self, thing: Any, target: Target) -> Fit:
        """A module class by its base; a function by what its module has imported."""
        if "torch" not in sys.modules or not callable(thing):
            return Fit.NO
        module = sys.modules["torch"].nn.Module
        if isinstance(thing, type):
            return Fit.CLASS if issubclass(thing, module) else Fit.NO
        if isinstance(thing, module):
            return Fit.INSTANCE
        names = getattr(inspect.unwrap(thing), "__globals__", {}).values()
        uses_torch = target.where.startswith("torch") or any(_is_of_torch(v) for v in names)
        return Fit.LIKELY if uses_torch else Fit.MAYBE

    def drive(self, facts: Facts, site: Site, guard: Guard) -> Driver:
        """A module class or a function."""
        from dropspec.frameworks.torch.functions import TorchFunction
        from dropspec.frameworks.torch.modules import TorchClass

        kind = TorchClass if facts.kind is Kind.CLASS else TorchFunction
        return kind(facts, guard, self, site)

    def ambient(self) -> Callable[[], None]:
        """Default dtype, gradients, determinism, denormals and threads."""
        return ambient()

    def native(self, x: Array, differentiable: bool = False) -> Any:
        """A tensor."""
        from dropspec.frameworks.torch.tape import to_torch

        return to_torch(x).requires_grad_(differentiable)

    def is_array(self, thing: Any) -> bool:
        """Tensors."""
        return isinstance(thing, sys.modules["torch"].Tensor)

    def array(self, native: Any) -> Array:
        """Without its graph, on the CPU."""
        from dropspec.frameworks.torch.tape import to_numpy

        return to_numpy(native)

    def mode(self, differentiable: bool, has_parameters: bool) -> AbstractContextManager[Any]:
        """Disables gradients of a module's parameters in calls that ask for none."""
        torch = sys.modules["torch"]
        return torch.set_grad_enabled(differentiable) if has_parameters else nullcontext()

    def tape(self, x: Any, held: Mapping[str, Any], reply: Any, output: Any) -> Tape:
        """By autograd."""
        from dropspec.frameworks.torch.tape import TorchTape

        return TorchTape(x, held, output)


def _is_of_torch(thing: Any) -> bool:
    """Whether it is torch, or something that is defined in it."""
    named = (str(getattr(thing, name, "")) for name in ("__name__", "__module__"))
    return any(name.split(".")[0] == "torch" for name in named)
