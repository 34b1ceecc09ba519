"""Reads what a target declares as its `claims`, and checks it."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from dropspec.core.arrays import DTYPES
from dropspec.core.callables import unwrapped
from dropspec.core.errors import BadTarget
from dropspec.core.facts import Declared

COMMON = tuple(f.name for f in fields(Declared) if f.name != "also")


def read_declared(
    target: str, thing: Any, of_families: Sequence[str], also: Sequence[str] = ()
) -> Declared:
    """The claims of a class, function or object, and those of the command line in `also`;
    `of_families` are the keys that families add.

    Raises BadTarget where they are not a mapping, or have a key or a dtype that nobody knows.
    """
    declared = getattr(thing, "claims", getattr(unwrapped(thing), "claims", {}))
    if not isinstance(declared, Mapping):
        raise BadTarget(
            f"the claims of {target} must be a mapping, such as {{'always_active': True}}, "
            f"but are of type {type(declared).__name__}"
        )
    known = [*COMMON, *of_families]
    declared = {**declared, **dict(map(_read, also))}
    for name in declared:
        if name not in known:
            near = get_close_matches(str(name), known, 1)
            hint = f"did you mean {near[0]!r}? There are" if near else "there are"
            raise BadTarget(f"the claims of {target} have no {name!r}: {hint} {', '.join(known)}")
    common = {k: v for k, v in declared.items() if k in COMMON}
    if "dtypes" in common:
        common["dtypes"] = _dtypes(target, common["dtypes"])
    return Declared(**common, also={k: v for k, v in declared.items() if k not in COMMON})


def _read(claim: str) -> tuple[str, Any]:
    """`name`, which is True, or `name=value` with a value of Python or a word."""
    name, given, value = claim.partition("=")
    try:
        return name, literal_eval(value) if given else True
    except (ValueError, SyntaxError):
        return name, value


def _dtypes(target: str, said: Any) -> tuple[str, ...]:
    names = tuple(said.split(",") if isinstance(said, str) else said)
    if unknown := [name for name in names if name not in DTYPES]:
        raise BadTarget(
            f"the claims of {target} name the dtype {unknown[0]!r}: there are {', '.join(DTYPES)}"
        )
    return tuple(name for name in DTYPES if name in names)
