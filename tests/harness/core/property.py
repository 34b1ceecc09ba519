"""What a property is: a test of one clause, wherever it stands."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MARKER = "dropspec_clause"  # of pytest, which knows the clause of a test by it
FIXTURES = "dropspec_"  # before the names of what a test asks for


@dataclass(frozen=True)
class Property:
    """A test of one clause; `should` if of its SHOULD part, where it also has a MUST part.

    `test` may ask for `impl`, `run` and `notes` by the names of its arguments, each after the
    prefix. What it raises says how it ended.
    """

    clause: str
    should: bool
    test: Callable[..., Any]

    @property
    def name(self) -> str:
        """Its module and its name, which tell it from all others."""
        return f"{self.test.__module__}.{self.test.__name__}"

    @property
    def asks_for(self) -> tuple[str, ...]:
        """What of `impl`, `run` and `notes` it asks for."""
        return tuple(n.removeprefix(FIXTURES) for n in inspect.signature(self.test).parameters)

    @property
    def is_searched(self) -> bool:
        """Whether it is tried on many cases."""
        return bool(getattr(self.test, "has_cases", False))
