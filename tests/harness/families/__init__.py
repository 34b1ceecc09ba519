"""The families of dropout: one file or folder for each site of the mask."""

from __future__ import annotations

from functools import cache

from dropspec.core.clauses import Clause
from dropspec.core.discovery import discover
from dropspec.families.base import Family
from dropspec.spec import VERSION as SPEC_VERSION

__all__ = ["SPEC_VERSION", "all_clauses", "all_families", "family_named"]


@cache
def all_families() -> tuple[Family, ...]:
    """Every family, those of the fewest arrays first: this package's own, and by entry point."""
    found = discover(__name__, "dropspec.families", Family)  # type: ignore[type-abstract]
    return tuple(sorted(found, key=lambda family: (len(family.arrays), family.name)))


@cache
def all_clauses() -> dict[str, Clause]:
    """Every clause of every family by id, in the order of the specification."""
    return {clause.id: clause for family in all_families() for clause in family.clauses()}


def family_named(name: str) -> Family:
    """The family of that name. Raises KeyError where there is none."""
    return {family.name: family for family in all_families()}[name]
