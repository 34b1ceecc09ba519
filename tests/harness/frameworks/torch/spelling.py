"""Lines of Python that repeat one call of a torch target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from dropspec.core.arrays import Array
from dropspec.core.calls import Call
from dropspec.core.facts import Facts
from dropspec.frameworks.spelling import numbers


class Speller(Protocol):
    """What spelling needs of a driver."""

    facts: Facts

    def spelled(self, rate: Any, mode: str = "") -> str:
        """The call in Python."""

    def seed_lines(self, seed: int) -> list[str]:
        """Python that seeds."""

    def lines_before(self, call: Call, tensors: Mapping[str, str]) -> list[str]:
        """Python that makes the layer, or its parameters."""


def lines(driver: Speller, call: Call, also: str) -> list[str]:
    """A forward pass; if it was differentiable, a backward pass with its upstream, or with ones."""
    seeded = [] if call.seed is None else driver.seed_lines(call.seed)
    of_numpy = ["import numpy as np"] if any("np." in line for line in seeded) else []
    found = ["import torch", *of_numpy, driver.facts.target.import_line, *seeded]
    parameters = {n: a for n, a in call.arrays.items() if n != "x"}
    tensors = {n: "None" if a is None else _tensor(a) for n, a in parameters.items()}
    found += [*driver.lines_before(call, tensors), f"x = {_tensor(call.x)}"]
    spelled = driver.spelled(call.rate, call.mode)
    between = []
    if call.assigned:
        made, (name, rate) = driver.spelled(call.rate), call.assigned
        found.append(f"layer = {made}")
        spelled, between = f"layer{spelled.removeprefix(made)}", [f"layer.{name} = {rate}"]
    if not call.differentiable:
        return [*found, f"print({spelled}{also})"]
    upstream = "torch.ones_like(y)"
    if call.upstream is not None:
        upstream = f"torch.tensor({numbers(call.upstream)}, dtype=y.dtype)"
    return [
        *found,
        "x.requires_grad_()",
        f"y = {spelled}",
        *between,
        f"y.backward({upstream})",
        "print(y, x.grad)",
    ]


def _tensor(x: Array) -> str:
    """A tensor in Python, with its strides where they are not those of contiguous memory."""
    if not x.size:
        return f"torch.tensor({numbers(x)}, dtype=torch.{x.dtype.name}).reshape{x.shape}"
    if x.flags.c_contiguous:
        return f"torch.tensor({numbers(x)}, dtype=torch.{x.dtype.name})"
    steps = tuple(s // x.itemsize for s in x.strides)
    span = 1 + sum((n - 1) * s for n, s in zip(x.shape, steps, strict=True))
    memory = np.lib.stride_tricks.as_strided(x, (span,), (x.itemsize,))
    made = f"torch.tensor({numbers(memory)}, dtype=torch.{x.dtype.name})"
    return f"{made}.as_strided({x.shape}, {steps})"
