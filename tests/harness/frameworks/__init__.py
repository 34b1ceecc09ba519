"""The frameworks that dropspec drives: one file or folder each, and those of other packages."""

from __future__ import annotations

from functools import cache

from dropspec.core.discovery import discover
from dropspec.core.framework import Framework


@cache
def all_frameworks() -> tuple[Framework, ...]:
    """Every framework by name: this package's own, and those of entry points."""
    found = discover(__name__, "dropspec.frameworks", Framework)  # type: ignore[type-abstract]
    return tuple(sorted(found, key=lambda framework: framework.name))
