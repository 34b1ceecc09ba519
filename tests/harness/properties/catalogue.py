"""The properties of a package: which tests judge which clause."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Property:
    """A test of one clause. `is_searched` where it is tried on many cases."""

    clause: str
    should: bool
    test: Callable[..., Any]

    @property
    def is_searched(self) -> bool:
        """Whether it is tried on many cases."""
        return bool(getattr(self.test, "has_cases", False))


@cache
def properties_of(package: str) -> tuple[Property, ...]:
    """Every property of the `test_…` modules of a package, or of a single module."""
    top = importlib.import_module(package)
    found = (m.name for m in pkgutil.iter_modules(getattr(top, "__path__", ())))
    names = [f"{package}.{name}" for name in found if name.startswith("test_")]
    modules = [importlib.import_module(name) for name in names] or [top]
    return tuple(
        Property(mark.args[0], mark.kwargs["should"], test)
        for module in modules
        for test in vars(module).values()
        for mark in getattr(test, "pytestmark", ())
        if mark.name == "clause"
    )


def is_searched(package: str, clause: str) -> bool:
    """Whether a property of that clause is tried on many cases."""
    return any(p.is_searched for p in properties_of(package) if p.clause == clause)
