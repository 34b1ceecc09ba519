"""What Python says of a thing that can be called: its parameters, what one is annotated as, and the
class behind a functools.partial.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Builder:
    """A function that builds layers, and the class of what it built."""

    build: Callable[..., Any]
    builds: type

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.build)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """A layer."""
        return self.build(*arguments, **named)


def unwrapped(thing: Any) -> Any:
    """What a functools.partial calls; anything else as it is."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    return thing


def built_class(thing: Any) -> type | None:
    """The class of which a call builds an instance: the class itself, that of a functools.partial
    or what a Builder builds; None where it is a function.
    """
    inner = unwrapped(thing)
    if isinstance(inner, Builder):
        return inner.builds
    return inner if inspect.isclass(inner) else None


def is_readable(thing: Callable[..., Any]) -> bool:
    """Whether it has a signature: many compiled functions have none."""
    try:
        inspect.signature(thing)
    except (TypeError, ValueError):
        return False
    return True


def parameters_of(thing: Callable[..., Any]) -> list[inspect.Parameter]:
    """Its parameters, with annotations as they stand there; none where it has no signature."""
    return list(inspect.signature(thing).parameters.values()) if is_readable(thing) else []


def annotation_of(thing: Callable[..., Any], place: int) -> str:
    """How the annotation of a parameter reads, of a name or a string what it means; empty without
    one.
    """
    try:
        parameters = list(inspect.signature(thing, eval_str=True).parameters.values())
    except Exception:  # a name that only type checkers know, or no signature
        parameters = parameters_of(thing)
    if len(parameters) <= place or parameters[place].annotation is inspect.Parameter.empty:
        return ""
    return str(parameters[place].annotation)
