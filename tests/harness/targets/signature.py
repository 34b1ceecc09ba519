"""Reads which parameters of a layer or function are the rate, the training flag and the seed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from dropspec.core.callables import built_class, is_readable, parameters_of
from dropspec.core.errors import BadTarget
from dropspec.core.signature import GENERATORS, INFERENCE, KEEPS, RATES, SEEDS, TRAINING, Signature

NOT_A_RATE = (*TRAINING, *INFERENCE, *GENERATORS, *SEEDS)
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def stream_of(parameters: Sequence[inspect.Parameter]) -> inspect.Parameter | None:
    """The parameter for the random stream, by its name."""
    return next((p for p in parameters if p.name in GENERATORS + SEEDS), None)


def flag_of(parameters: Sequence[inspect.Parameter]) -> str | None:
    """The name of the training flag."""
    return next((p.name for p in parameters if p.name in TRAINING + INFERENCE), None)


def rate_of(
    parameters: Sequence[inspect.Parameter], rates: Sequence[str], others: Sequence[str]
) -> inspect.Parameter | None:
    """The parameter for the rate: by its name, or the first one that is not of another name."""
    named = (p for p in parameters if p.name.lower() in (*rates, *KEEPS))
    if found := next(named, None):
        return found
    return parameters[0] if parameters and parameters[0].name not in others else None


def rate_of_call(layer: Any) -> str | None:
    """The name of the rate that a layer takes at each call; None if there is none."""
    for method in (m for name in ("forward", "call") if callable(m := getattr(layer, name, None))):
        rest = [p for p in parameters_of(method)[2:] if p.kind not in VARIADIC]
        return next((p.name for p in rest if p.name.lower() in (*RATES, *KEEPS)), None)
    return None


def name_of(parameter: inspect.Parameter | None) -> str | None:
    """The name of a parameter that may be missing."""
    return None if parameter is None else parameter.name


def annotation_of_stream(parameter: inspect.Parameter | None) -> str:
    """How the annotation of a random stream reads; empty without one."""
    if parameter is None or parameter.annotation is parameter.empty:
        return ""
    return str(parameter.annotation)


def required_of(parameters: Sequence[inspect.Parameter], filled: Sequence[str | None]) -> list[str]:
    """The names of the parameters without a default that are not filled."""
    return [p.name for p in parameters if p.default is p.empty and p.name not in filled]


def read_signature(target: str, thing: Callable[..., Any]) -> Signature:
    """Reads the signature of a constructor of (rate) or a function of (x, rate).

    Raises BadTarget, with what it wants and what to do, where other arguments are required. A
    compiled function without a signature is called by place.
    """
    if not is_readable(thing):
        return Signature((), None)
    is_function = built_class(thing) is None
    parameters = [p for p in parameters_of(thing) if p.kind not in VARIADIC]
    names = tuple(p.name for p in parameters)
    rest = parameters[1:] if is_function else parameters
    rate, training, stream = rate_of(rest, RATES, NOT_A_RATE), flag_of(rest), stream_of(rest)
    offered = "(x, rate)" if is_function else "(rate)"
    at_call = None if is_function or rate else rate_of_call(thing)
    if rate is None and at_call is None:
        builds = is_function and len(names) == 1
        raise BadTarget(
            f"{target} takes no rate: its arguments are ({', '.join(names)}), "
            f"but dropspec calls it as {offered}, at many rates"
            + (". Of a function that builds layers, give the class" if builds else "")
        )
    if missing := required_of(rest, [name_of(rate), training, name_of(stream)]):
        raise BadTarget(
            f"{target} wants the arguments ({', '.join(names)}), but dropspec can only call it as "
            f"{offered}: give a class or function that fills in {', '.join(missing)}, "
            "for instance by functools.partial or a subclass"
        )
    by_place = rate is not None and rest[0] is rate and rate.kind is not rate.KEYWORD_ONLY
    return Signature(
        names,
        None if by_place else name_of(rate),
        rate_is_keep=(name_of(rate) or at_call or "").lower() in KEEPS,
        rate_of_call=at_call,
        training=training,
        training_is_inverted=training in INFERENCE,
        stream=name_of(stream),
        stream_annotation=annotation_of_stream(stream),
        stream_is_optional=stream is not None and stream.default is None,
        works_in_place=any(p.name == "inplace" and p.default is True for p in rest),
    )
