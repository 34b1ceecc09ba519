"""In which form a target is driven: as it is, or by an expression that is given or read off it."""

from __future__ import annotations

from contextlib import suppress
from inspect import getattr_static
from typing import Any

from dropspec.core.callables import parameters_of
from dropspec.core.guard import Guard
from dropspec.core.signature import KEEPS, RATES
from dropspec.core.target import Target
from dropspec.targets.expressions import BUILD, CALL, expressed
from dropspec.targets.guesses import Guess, guess, is_unusual
from dropspec.targets.locate import names_beside

OF_PROTOCOL = (("claims", "evaluate"), ("claims", "layer"))


def in_form(target: Target, thing: Any, build: str, call: str, guard: Guard) -> tuple[Target, Any]:
    """The target and what is driven: by `build` or `call` where one is given, else by what is read
    off an instance, a dictionary, a configuration or an unusual order; else as it is.

    Raises BadTarget, with what to write, for a bad expression.
    """
    names = names_beside(target)
    for form, said in ((BUILD, build), (CALL, call)):
        if said:
            return expressed(target, form, said, names, guard)
    found = None
    with suppress(Exception):  # what Python cannot tell of it, its first calls will
        found = _guess(target, thing)
    if found and found.is_whole:
        return expressed(target, found.form, found.said, names, guard)
    return target, thing


def hint(target: Target, thing: Any) -> str:
    """The end of a sentence on a target that cannot be driven: what the user could say of it."""
    found = None if target.said or not callable(thing) else guess(target.attr, thing, {})
    if found is None or found.is_whole:
        return ""
    return f", or say how by an expression, with something for each ...: {found.option}"


def _guess(target: Target, thing: Any) -> Guess | None:
    """An expression for a thing that is not driven as it is; None for any other."""
    if any(all(_has(thing, name) for name in names) for names in OF_PROTOCOL):
        return None
    names = names_beside(target)
    if _is_layer(thing):
        return guess(f"type({target.attr})", type(thing), names)
    if callable(thing) and is_unusual(thing, names):
        return guess(target.attr, thing, names)
    return None


def _has(thing: Any, name: str) -> bool:
    """Whether it has such an attribute, which is not read: that may raise."""
    return getattr_static(thing, name, None) is not None


def _is_layer(thing: Any) -> bool:
    """Whether it is an instance whose calls take no rate: layers are built anew at each."""
    kind = type(thing)
    if isinstance(thing, type) or kind.__module__ in ("builtins", "functools"):
        return False
    if not hasattr(kind, "forward") and not callable(thing):
        return False
    named = parameters_of(kind.forward if hasattr(kind, "forward") else thing)
    return not any(p.name.lower() in (*RATES, *KEEPS) for p in named)
