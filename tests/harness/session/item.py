"""What a pytest item of a property says: whom it judges, by which clause, at which level."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dropspec.core.clauses import Clause


def is_judged(item: pytest.Item) -> bool:
    """Whether there is a target: pytest makes one empty item of a property without any."""
    return isinstance(vars(item)["callspec"].params["run"], str)


def label_of(item: pytest.Item) -> str:
    """The label of the implementation that a property is run on."""
    return str(vars(item)["callspec"].params["run"])


def clause_of(item: pytest.Item, clauses: Mapping[str, Clause]) -> tuple[str, str]:
    """The id of the clause that a property judges, and the level of the part that it judges.

    Raises UsageError where the specification does not have the clause.
    """
    mark = item.get_closest_marker("clause")
    assert mark is not None
    clause = clauses.get(mark.args[0])
    if clause is None:
        raise pytest.UsageError(
            f"{item.nodeid} judges the clause {mark.args[0]}, which the specification does not have"
        )
    return clause.id, "SHOULD" if mark.kwargs.get("should") else clause.level
