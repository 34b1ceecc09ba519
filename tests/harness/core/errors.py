"""What a clause can come to, as exceptions: a test that returns has held."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from dropspec.core.faults import Fault


class Violation(AssertionError):
    """The implementation does what the clause forbids: expected, seen, where."""


class Undecided(Exception):
    """The budget was used up, or nothing was seen that could decide: neither held nor violated."""


class Unreadable(Undecided):
    """The outputs are explained by no mask, so whatever is said of masks cannot be judged."""


class NotClaimed(Exception):
    """The implementation does not offer what the clause is about."""


class ImplementationError(Exception):
    """The implementation raised, or gave a bad reply; says which call, and where in its code."""

    def __init__(self, message: str, fault: Fault | None = None) -> None:
        super().__init__(message)
        self.fault = fault


class BadReply(ImplementationError):
    """The implementation returned something of the wrong type or shape; `excess` is how many
    elements more than it should it has, or fewer.
    """

    def __init__(self, message: str, *, excess: int = 0) -> None:
        super().__init__(message)
        self.excess = excess


class Hung(BaseException):
    """A call did not return in time.

    No Exception, so that neither the layer's own `except` nor a search can swallow it.
    """


class BadTarget(Exception):
    """What `--dropspec` names cannot be loaded or driven: says why, and what to give instead."""


def did_you_mean(asked: str, names: Collection[str]) -> str:
    """The end of a sentence on an unknown name: the one that may have been meant, or nothing."""
    found = get_close_matches(asked.lower(), names, 1)
    return f": did you mean {found[0]!r}?" if found else ""
