"""How a layer is built or called, said by the user in one expression of Python.

The expression reads the names of the target's module, and words that stand for what dropspec gives:
of a call `x` (and `weight`, `bias`), of a construction `in_features` and `out_features`; of both
`rate` or `keep`, the probability of dropping or of keeping; `training`, True or False; and one of
`seed` (an int), `rng` (a numpy.random.Generator) and `generator` (that of the framework).
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from dropspec.core.callables import Builder
from dropspec.core.errors import BadTarget, Hung, ImplementationError
from dropspec.core.guard import Guard
from dropspec.core.target import Target
from dropspec.core.text import clean

BUILD, CALL = "build", "call"
STREAMS = {"seed": "int", "rng": "numpy.random.Generator", "generator": "Generator"}
RATES = ("rate", "keep")
SAMPLES = {"in_features": 3, "out_features": 5, "rate": 0.5, "keep": 0.5, "seed": 0}


def expressed(
    target: Target, form: str, said: str, names: dict[str, Any], guard: Guard
) -> tuple[Target, Any]:
    """The target that this expression makes of another, and what is driven: a function of the words
    that it uses, or a builder.

    `names` are those of the target's module. Raises BadTarget, with what to say, where it is no
    expression, or lacks a word; and where nothing can be built by it.
    """
    used = _names(form, said)
    source = f"lambda {', '.join(_words(form, said, used))}: {said.strip()}"
    made = eval(compile(source, f"<--{form}>", "eval"), names)
    made.__annotations__ = {word: kind for word, kind in STREAMS.items() if word in used}
    return replace(target, form=form, said=source), (
        _builder(made, form, said, guard) if form == BUILD else made
    )


def _given(form: str, said: str) -> str:
    return f"--{form} {clean(said)!r}"


def _names(form: str, said: str) -> frozenset[str]:
    try:
        tree = ast.parse(said.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        why = getattr(error, "msg", str(error))
        raise BadTarget(f"{_given(form, said)} is no expression of Python: {why}") from error
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def _words(form: str, said: str, used: frozenset[str]) -> list[str]:
    """The parameters of the lambda, in the order in which signatures are read. Raises BadTarget."""
    given, rates = _given(form, said), [word for word in RATES if word in used]
    if len(rates) != 1:
        which = "has both `rate` and `keep`" if rates else "has neither `rate` nor `keep`"
        raise BadTarget(
            f"{given} {which}: write `rate` where the probability of dropping belongs, or `keep`"
            " where that of keeping does, for it is tried at many rates"
        )
    streams = [word for word in STREAMS if word in used]
    if len(streams) > 1:
        raise BadTarget(f"{given} has {' and '.join(streams)}: write one of them")
    if form == BUILD:
        if meant := used & {"x", "training"}:
            raise BadTarget(
                f"{given} has {min(meant)!r}, but a layer is built before its calls: give --call"
                " for a function"
            )
        sizes = ["in_features", "out_features"] if used & {"in_features", "out_features"} else []
        return [*sizes, *rates, *streams]
    if "x" not in used:
        raise BadTarget(f"{given} has no `x`: write it where the input belongs")
    parameters = ["weight", "bias"] if "weight" in used else []
    return ["x", *parameters, *rates, *(["training"] if "training" in used else []), *streams]


def _builder(build: Callable[..., Any], form: str, said: str, guard: Guard) -> Builder:
    """The expression, and the class of what it builds at rate 0.5."""
    given = {**SAMPLES, "rng": np.random.default_rng(0), "generator": None}
    code = build.__code__
    words = code.co_varnames[: code.co_argcount]
    try:
        with guard.call(_given(form, said)):
            built = build(*(given[word] for word in words))
    except (ImplementationError, Hung) as error:
        raise BadTarget(f"nothing can be built by {error}") from error
    if isinstance(built, type) or type(built).__module__ == builtins.__name__:
        kind = built.__name__ if isinstance(built, type) else type(built).__name__
        raise BadTarget(f"{_given(form, said)} gave {kind}, and no layer: write its construction")
    return Builder(build, type(built))
