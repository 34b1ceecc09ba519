"""Makes one call under the guard, and checks its reply: the same for all frameworks and forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from dropspec.core.arrays import Array, is_floating
from dropspec.core.calls import Call
from dropspec.core.errors import BadReply
from dropspec.core.framework import Framework
from dropspec.core.guard import Guard
from dropspec.core.recorded import Recorded
from dropspec.core.site import Site, shapes_of


def record(
    framework: Framework,
    site: Site,
    guard: Guard,
    call: Call,
    what: object,
    run: Callable[[Any], Any],
    held: Callable[[], Mapping[str, Any]],
) -> Recorded:
    """Calls `run` on the native input, and records the call.

    `held` gives the native parameters. Raises BadReply where the reply is not an array of the
    right shape and a floating dtype, ImplementationError for what the call raises.
    """
    x = framework.native(call.x, call.differentiable)
    guard.record(call)
    with guard.call(what), framework.mode(call.differentiable, len(call.arrays) > 1):
        reply = run(x)
        native = framework.output_of(reply, what)
        output = np.asarray(framework.array(native))
        shapes = shapes_of(call.arrays)
        check_reply(output, call.x, site.output_shape(shapes), what)
        tape = framework.tape(x, held(), reply, native)
        return Recorded(output, tape, guard, what, shapes)


def check_reply(output: Array, x: Array, shape: tuple[int, ...], what: object) -> None:
    """Raises BadReply where an output has another shape, or is integer for floating input."""
    if output.shape != shape:
        raise BadReply(
            f"{what} returned shape {output.shape} for input of shape {x.shape}, expected {shape}",
            excess=output.size - prod(shape),
        )
    if is_floating(x.dtype) and not is_floating(output.dtype):
        raise BadReply(f"{what} returned dtype {output.dtype} for input of dtype {x.dtype}")
