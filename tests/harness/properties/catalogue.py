"""The properties of a package: which tests judge which clause."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from dropspec.core.property import MARKER, Property


@cache
def properties_of(package: str) -> tuple[Property, ...]:
    """Every property of the `test_…` modules of a package, or of a single module."""
    top = importlib.import_module(package)
    found = (m.name for m in pkgutil.iter_modules(getattr(top, "__path__", ())))
    names = [f"{package}.{name}" for name in found if name.startswith("test_")]
    return tuple(
        Property(mark.args[0], mark.kwargs["should"], test)
        for module in [importlib.import_module(name) for name in names] or [top]
        for test in vars(module).values()
        for mark in getattr(test, "pytestmark", ())
        if mark.name == MARKER
    )


def is_searched(package: str, clause: str) -> bool:
    """Whether a property of that clause is tried on many cases."""
    return any(p.is_searched for p in properties_of(package) if p.clause == clause)
