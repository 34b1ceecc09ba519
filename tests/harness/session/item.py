"""What a pytest item of a property says: whom it judges, by which clause, at which level."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import pytest

from dropspec.core.property import FIXTURES, MARKER, Property


def is_property(item: pytest.Item) -> bool:
    """Whether it is a property of ours, with a target or without."""
    return item.get_closest_marker(MARKER) is not None


def label_of(item: pytest.Item) -> str | None:
    """The label of the implementation that a property is run on; None where it has none."""
    spec: Any = getattr(item, "callspec", None)
    label = spec.params.get(f"{FIXTURES}run") if spec else None
    return label if isinstance(label, str) else None


def place_of(item: pytest.Item) -> tuple[str, int]:
    """The module of a property and its place in it: whatever the order in which they are run."""
    module: Any = getattr(item, "module", None)
    names = list(vars(module)) if module else []
    name = getattr(item, "originalname", item.name)
    return str(item.path), names.index(name) if name in names else 0


def property_of(item: pytest.Item, clauses: Container[str]) -> Property:
    """The property that an item is.

    Raises UsageError where the specification does not have its clause.
    """
    mark = item.get_closest_marker(MARKER)
    assert mark is not None
    clause, should = mark.args[0], bool(mark.kwargs.get("should"))
    if clause not in clauses:
        raise pytest.UsageError(
            f"{item.nodeid} judges the clause {clause}, which the specification does not have"
        )
    return Property(clause, should, getattr(item, "function", None) or (lambda: None))
