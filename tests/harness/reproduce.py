"""A line to paste that shows a failure again: the one call that failed, spelled out, or the command that judges the clause again."""

from __future__ import annotations

import shlex

import numpy as np

from .adapters import Adapter
from .arrays import Array
from .guard import Call
from .targets import Target

SHORT = 64  # numbers that still make a line


def command(target: Target, clause: str, profile: str, seed: int) -> str:
    """The `dropspec check` of this clause alone."""
    options = (f" --profile {profile}" if profile != "standard" else "") + (f" --seed {seed}" if seed else "")
    return f"dropspec check {shlex.quote(target.text)} --clause {clause}{options}"


def snippet(target: Target, adapter: Adapter) -> str:
    """A line of Python for the shell that repeats the last call; empty where that is more than a line can say."""
    call = adapter.guard.last
    if call is None or adapter.guard.forwards != 1 or call.x.size > SHORT:
        return ""
    spelled = adapter.spelled(call.rate, call.mode)
    if adapter.framework == "torch":
        code = "; ".join(_torch_lines(target, call, spelled))
    elif adapter.framework == "numpy" and call.x.flags.c_contiguous and call.x.dtype.name != "bfloat16":
        code = "; ".join(_numpy_lines(target, call, spelled))
    else:
        return ""
    if "nan" in code or "inf" in code:
        code = "from math import inf, nan; " + code
    return f'python -c "{code}"' if '"' not in code else f"python -c {shlex.quote(code)}"


def _torch_lines(target: Target, call: Call, spelled: str) -> list[str]:
    lines = ["import torch", target.import_line]
    if call.seed is not None:
        lines.append(f"torch.manual_seed({call.seed})")
    memory, rest = call.x, ""
    if not call.x.flags.c_contiguous:
        steps = tuple(s // call.x.itemsize for s in call.x.strides)
        span = 1 + sum((n - 1) * s for n, s in zip(call.x.shape, steps, strict=True))
        memory, rest = np.lib.stride_tricks.as_strided(call.x, (span,), (call.x.itemsize,)), f".as_strided({call.x.shape}, {steps})"
    lines.append(f"x = torch.tensor({_values(memory)}, dtype=torch.{call.x.dtype.name}){rest}")
    if not call.differentiable:
        return [*lines, f"print({spelled})"]
    return [*lines, "x.requires_grad_()", f"y = {spelled}", "y.backward(torch.ones_like(y))", "print(y, x.grad)"]


def _numpy_lines(target: Target, call: Call, spelled: str) -> list[str]:
    lines = ["import numpy as np", target.import_line]
    if call.seed is not None:
        lines.append(f"rng = np.random.default_rng({call.seed})" if "rng)" in spelled else f"seed = {call.seed}; np.random.seed(seed)")
    return [*lines, f"x = np.array({_values(call.x)}, dtype=np.{call.x.dtype.name})", f"print({spelled})"]


def _values(x: Array) -> str:
    plain = x.astype(float) if x.dtype.kind not in "iu" else x
    return str(plain.tolist())
