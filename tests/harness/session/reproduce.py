"""A line to paste that shows a failure again: the one call that failed, spelled out, or the command that judges the clause again."""

from __future__ import annotations

import shlex

import numpy as np

from dropspec.core.arrays import Array
from dropspec.core.calls import Call
from dropspec.core.options import Options
from dropspec.frameworks.base import Adapter
from dropspec.frameworks.connect import ConnectAdapter
from dropspec.targets.locate import Target

SHORT = 64  # numbers that still make a line
UNSHOWN = ("gradient-5", "gradient-6", "eval-4", "edge-9", "layout-5", "inference-3", "product-7")  # by an output and its gradient


def command(target: Target, clause: str, known: Options) -> str:
    """The `dropspec check` of this clause alone, with the options of the run."""
    options = (f" --profile {known.profile}" if known.profile != "standard" else "") + (f" --seed {known.seed}" if known.seed else "")
    options += f" --family {known.family}" if known.family else ""
    return f"dropspec check {shlex.quote(target.text)} --clause {clause}{options}"


def snippet(target: Target, adapter: Adapter, clause: str) -> str:
    """A line of Python for the shell that repeats the last call; empty where that is more than a line can say, or shows nothing."""
    call = adapter.guard.last
    if clause in UNSHOWN or call is None or adapter.guard.forwards != 1 or call.x.size > SHORT:
        return ""
    of_numpy = adapter.framework == "numpy" and call.x.flags.c_contiguous and call.x.dtype.name != "bfloat16"
    if not of_numpy and adapter.framework != "torch":
        return ""
    if isinstance(adapter, ConnectAdapter):
        if call.parameters is None or call.parameters[0].size > SHORT:
            return ""
        code = "; ".join(linear_lines(target.import_line, adapter, call))
    else:
        spelled = adapter.spelled(call.rate, call.mode)
        seeded = [] if call.seed is None else adapter.seeded(call.seed)
        also = ", x" if clause == "layout-3" else ""  # which the call changed
        code = "; ".join((_numpy_lines if of_numpy else _torch_lines)(target, call, seeded, f"{spelled}{also}"))
    if "nan" in code or "inf" in code:
        code = "from math import inf, nan; " + code
    return f'python -c "{code}"' if '"' not in code else f"python -c {shlex.quote(code)}"


def _torch_lines(target: Target, call: Call, seeded: list[str], spelled: str) -> list[str]:
    lines = [*_imports(True, seeded), target.import_line, *seeded]
    memory, rest = call.x, ""
    if not call.x.flags.c_contiguous:
        steps = tuple(s // call.x.itemsize for s in call.x.strides)
        span = 1 + sum((n - 1) * s for n, s in zip(call.x.shape, steps, strict=True))
        memory, rest = np.lib.stride_tricks.as_strided(call.x, (span,), (call.x.itemsize,)), f".as_strided({call.x.shape}, {steps})"
    lines.append(f"x = torch.tensor({_values(memory)}, dtype=torch.{call.x.dtype.name}){rest}")
    if not call.differentiable:
        return [*lines, f"print({spelled})"]
    return [*lines, *_backward(call, spelled)]


def _imports(of_torch: bool, seeded: list[str]) -> list[str]:
    """What the lines use: torch for its arrays, NumPy for its own, or for a generator of its."""
    return ["import torch"] * of_torch + ["import numpy as np"] * (not of_torch or any("np." in line for line in seeded))


def _backward(call: Call, spelled: str) -> list[str]:
    """A forward, and a backward with the upstream gradient that was given, or with ones."""
    upstream = "torch.ones_like(y)"
    if call.upstream is not None:
        upstream = f"torch.tensor({_values(call.upstream)}, dtype=y.dtype)"
    return ["x.requires_grad_()", f"y = {spelled}", f"y.backward({upstream})", "print(y, x.grad)"]


def _numpy_lines(target: Target, call: Call, seeded: list[str], spelled: str) -> list[str]:
    x = f"x = np.array({_values(call.x)}, dtype=np.{call.x.dtype.name})"
    return ["import numpy as np", target.import_line, *seeded, x, f"print({spelled})"]


def linear_lines(import_line: str, adapter: ConnectAdapter, call: Call) -> list[str]:
    """Python that repeats a call of a linear layer: its weight, its bias, its input."""
    assert call.parameters is not None
    (weight, bias), of_torch = call.parameters, adapter.framework == "torch"
    dtype = call.x.dtype.name
    array = "torch.tensor({}, dtype=torch.{})" if of_torch else "np.array({}, dtype=np.{})"
    seeded = [] if call.seed is None else adapter.seeded(call.seed)
    lines = [*_imports(of_torch, seeded), import_line, *seeded]
    lines += adapter.lines_before(call, array.format(_values(weight), dtype), bias is not None and array.format(_values(bias), dtype))
    lines.append(f"x = {array.format(_values(call.x), dtype)}" + (f".reshape{call.x.shape}" if not call.x.size else ""))
    spelled = adapter.spelled(call.rate, call.mode, weight.shape)
    if not call.differentiable:
        return [*lines, f"print({spelled})"]
    return [*lines, *_backward(call, spelled)]


def _values(x: Array) -> str:
    plain = x.astype(float) if x.dtype.kind not in "iu" else x
    return str(plain.tolist())
