"""How a linear layer is called: sizes and a rate, or an input, a weight, a bias and a rate."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from dropspec.core.callables import annotation_of, built_class, is_readable, parameters_of
from dropspec.core.errors import BadTarget
from dropspec.core.signature import INFERENCE, KEEPS, RATES, Signature
from dropspec.targets.signature import (
    NOT_A_RATE,
    VARIADIC,
    annotation_of_stream,
    flag_of,
    name_of,
    rate_of,
    required_of,
    stream_of,
)

IN_SIZES = (
    "in_features",
    "in_dim",
    "input_dim",
    "in_size",
    "input_size",
    "n_in",
    "inputs",
    "in_channels",
)
OUT_SIZES = (
    "out_features",
    "out_dim",
    "output_dim",
    "out_size",
    "output_size",
    "n_out",
    "outputs",
    "out_channels",
    "hidden_size",
)
WEIGHTS = ("weight", "weights", "w", "kernel")
LINEAR_RATES = (*RATES, "weight_dropout", "weight_p", "weight_drop")
LINEAR_CLASSES = ("Linear", "Dense")  # what frameworks call their own linear layer


def is_linear(thing: Callable[..., Any]) -> bool:
    """Whether a class is linear or is built from two sizes, or a function takes a weight second."""
    names = [p.name.lower() for p in parameters_of(thing)]
    built = built_class(thing)
    if built:
        has_sizes = any(n in IN_SIZES for n in names) and any(n in OUT_SIZES for n in names)
        return has_sizes or any(base.__name__ in LINEAR_CLASSES for base in built.__mro__)
    return len(names) > 2 and names[1] in WEIGHTS


def read_linear_signature(target: str, thing: Callable[..., Any]) -> Signature:
    """Reads the signature of a constructor or function.

    Raises BadTarget, with what it wants and what to do, where it cannot be called.
    """
    is_class, parameters = built_class(thing) is not None, parameters_of(thing)
    wanted = "(in_features, out_features, rate)" if is_class else "(x, weight, bias, rate)"
    if not is_readable(thing):
        raise BadTarget(
            f"{target} has no signature that Python can read: wrap it in a function of {wanted}"
        )
    named = [p for p in parameters if p.kind not in VARIADIC]
    names, sizes = tuple(p.name for p in named), _sizes(named) if is_class else ()
    rest = _after_the_arrays(named, sizes, is_class)
    rate = rate_of(rest, LINEAR_RATES, (*NOT_A_RATE, "bias"))
    training, stream = flag_of(rest), stream_of(rest)
    filled = [name_of(rate), training, name_of(stream), *sizes]
    if rate is None or required_of(rest, filled):
        raise BadTarget(
            f"{target} wants the arguments ({', '.join(names) or '*args'}), but dropspec can only "
            f"call it as {wanted}: give a class or function that fills in the others, "
            "for instance by functools.partial or a subclass"
        )
    is_first = not sizes and rest[0] is rate and rate.kind is not rate.KEYWORD_ONLY
    by_place = is_first and len(named) == len(parameters)
    return Signature(
        names,
        None if by_place else rate.name,
        rate_is_keep=rate.name.lower() in KEEPS,
        training=training,
        training_is_inverted=training in INFERENCE,
        stream=name_of(stream),
        stream_annotation=annotation_of_stream(stream),
        stream_is_optional=stream is not None and stream.default is None,
        sizes=sizes,
        arrays=("x", "weight", "bias"),
        required=frozenset({"bias"} if not is_class and _needs_bias(thing, parameters) else ()),
    )


def _after_the_arrays(
    named: list[inspect.Parameter], sizes: tuple[str, ...], is_class: bool
) -> list[inspect.Parameter]:
    """The parameters after the sizes, or after x, weight and bias; *args take what is left."""
    if sizes:
        return [p for p in named if p.name not in sizes]
    by_order = [p for p in named if p.kind is not p.KEYWORD_ONLY]
    return named[min(2 if is_class else 3, len(by_order)) :]


def _sizes(named: list[inspect.Parameter]) -> tuple[str, ...]:
    """The names of the two sizes, where they are usual ones; else the sizes go by place."""
    first = next((p.name for p in named if p.name.lower() in IN_SIZES), None)
    second = next((p.name for p in named if p.name.lower() in OUT_SIZES), None)
    return (first, second) if first and second else ()


def _needs_bias(thing: Callable[..., Any], parameters: list[inspect.Parameter]) -> bool:
    """Whether a function's third parameter has neither a default nor an annotation with None."""
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if len(parameters) < 3 or parameters[2].kind not in by_place:
        return False
    may_be_none = re.search(r"\b(None|Optional)\b", annotation_of(thing, 2))
    return parameters[2].default is inspect.Parameter.empty and not may_be_none
