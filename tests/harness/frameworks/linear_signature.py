"""The same for DropConnect: sizes and rate of a constructor, or input, weight, bias and rate of a function."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropspec.core.arrays import Array
from dropspec.core.errors import BadTarget
from dropspec.targets.callables import annotation_of, built_class, is_readable, parameters_of
from dropspec.targets.signature import (
    GENERATORS,
    INFERENCE,
    KEEPS,
    RATES,
    SEEDS,
    TRAINING,
    Signature,
    of_stream,
)

IN_SIZES = ("in_features", "in_dim", "input_dim", "in_size", "input_size", "n_in", "inputs", "in_channels")
OUT_SIZES = ("out_features", "out_dim", "output_dim", "out_size", "output_size", "n_out", "outputs", "out_channels", "hidden_size")
WEIGHTS = ("weight", "weights", "w", "kernel")
LINEAR_RATES = (*RATES, "weight_dropout", "weight_p", "weight_drop")


@dataclass(frozen=True)
class LinearSignature(Signature):
    """A constructor of (in_features, out_features, rate), the first two named in `sizes`, or a function of (x, weight, bias, rate).

    `needs_bias` where the function requires a bias, and does not say that None will do.
    """

    sizes: tuple[str, str] | None = None
    needs_bias: bool = False

    def build(self, constructor: Callable[..., Any], inputs: int, outputs: int, rate: Any, **options: Any) -> Any:
        """Calls a constructor with the sizes and the rate."""
        by_place, by_name = self._arguments(inputs, outputs, rate)
        return constructor(*by_place, **by_name, **options)

    def bias_for(self, weight: Array, bias: Array | None) -> Array | None:
        """The bias that a function gets: zeros instead of none, where it needs one."""
        return np.zeros(len(weight), weight.dtype) if bias is None and self.needs_bias else bias

    def call(self, function: Callable[..., Any], x: Any, *rest: Any, **options: Any) -> Any:
        """Calls a function with the input, the weight, the bias, the rate, the training flag, and the stream where it has one."""
        weight, bias, rate, training, *stream = rest
        if self.training:
            options[self.training] = training != self.training_is_inverted
        if self.stream:
            options[self.stream] = stream[0]
        if self.rate is None:
            return function(x, weight, bias, rate, **options)
        return function(x, weight, bias, **{self.rate: rate}, **options)

    def spelled_class(self, name: str, inputs: int, outputs: int, rate: Any, **options: Any) -> str:
        """A construction in Python."""
        by_place, by_name = self._arguments(inputs, outputs, rate)
        given = [self.value(a) for a in by_place] + [f"{n}={self.value(a)}" for n, a in (by_name | options).items()]
        return f"{name}({', '.join(given)})"

    def spelled_function(self, name: str, rate: Any, mode: str, stream: str = "") -> str:
        """A call of the function on `x`, in Python."""
        return self.spelled(name, rate, mode, stream).replace("(x, ", "(x, weight, bias, ", 1)

    def _arguments(self, inputs: int, outputs: int, rate: Any) -> tuple[list[Any], dict[str, Any]]:
        by_name = dict(zip(self.sizes, (inputs, outputs), strict=True)) if self.sizes else {}
        by_place = [] if self.sizes else [inputs, outputs]
        if self.rate is None:
            by_place.append(rate)
        else:
            by_name[self.rate] = rate
        return by_place, by_name


def is_linear(thing: Callable[..., Any]) -> bool:
    """Whether a class is built from two sizes, or a function takes a weight after its input: what DropConnect layers look like."""
    names = [p.name.lower() for p in parameters_of(thing)]
    if built_class(thing):
        return any(n in IN_SIZES for n in names) and any(n in OUT_SIZES for n in names)
    return len(names) > 2 and names[1] in WEIGHTS


def read_linear_signature(target: str, thing: Callable[..., Any]) -> LinearSignature:
    """Reads the signature of a constructor or function. Raises BadTarget, with what it wants and what to do, where it cannot be called."""
    is_class, parameters = built_class(thing) is not None, parameters_of(thing)
    wanted = "(in_features, out_features, rate)" if is_class else "(x, weight, bias, rate)"
    if not is_readable(thing):
        raise BadTarget(f"{target} has no signature that Python can read: wrap it in a function of {wanted}")
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    names, sizes = tuple(p.name for p in named), _sizes(named) if is_class else None
    by_order = [p for p in named if p.kind is not p.KEYWORD_ONLY]
    leading = 0 if sizes else min(2 if is_class else 3, len(by_order))  # *args take what is left of the sizes, or of x, weight and bias
    rest = [p for p in named if not sizes or p.name not in sizes][leading:]
    rate = next((p for p in rest if p.name.lower() in LINEAR_RATES + KEEPS), None)
    if rate is None and rest and rest[0].name not in (*TRAINING, *INFERENCE, *GENERATORS, *SEEDS, "bias"):
        rate = rest[0]
    training = next((p.name for p in rest if p.name in TRAINING + INFERENCE), None)
    stream = next((p for p in rest if p.name in GENERATORS + SEEDS), None)
    filled = {rate and rate.name, training, stream and stream.name, *(sizes or ())}
    missing = [p.name for p in rest if p.default is p.empty and p.name not in filled]
    if rate is None or missing:
        raise BadTarget(
            f"{target} wants the arguments ({', '.join(names) or '*args'}), but dropspec can only call it as {wanted}: "
            f"give a class or function that fills in the others, for instance by functools.partial or a subclass"
        )
    by_place = not sizes and rest[0] is rate and len(named) == len(parameters) and rate.kind is not rate.KEYWORD_ONLY
    return LinearSignature(
        names,
        None if by_place else rate.name,
        rate.name.lower() in KEEPS,
        training,
        training in INFERENCE,
        *of_stream(stream),
        sizes=sizes,
        needs_bias=not is_class and _needs_bias(thing, parameters),
    )


def _sizes(named: list[inspect.Parameter]) -> tuple[str, str] | None:
    """The names of the two sizes, where they are the usual ones; else they go by place."""
    first = next((p.name for p in named if p.name.lower() in IN_SIZES), None)
    second = next((p.name for p in named if p.name.lower() in OUT_SIZES), None)
    return (first, second) if first and second else None


def _needs_bias(thing: Callable[..., Any], parameters: list[inspect.Parameter]) -> bool:
    """Whether the third parameter of a function, its bias, has no default and no annotation that allows None."""
    if len(parameters) < 3 or parameters[2].kind not in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD):
        return False
    return parameters[2].default is inspect.Parameter.empty and not re.search(r"\b(None|Optional)\b", annotation_of(thing, 2))
