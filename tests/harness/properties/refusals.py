"""Rates that a layer refuses, or should."""

from __future__ import annotations

from typing import Any

import numpy as np

from dropspec.core.arrays import DTYPES
from dropspec.core.errors import BadReply, ImplementationError, NotClaimed, Violation
from dropspec.core.guard import fault_of
from dropspec.core.implementation import Implementation

NO_RATES = (-0.1, 1.1, 1.005, float("nan"), float("inf"), float("-inf"), -1.0, 2.0)


def refusals(impl: Implementation, rate: Any) -> list[tuple[str, BaseException | None]]:
    """When a rate was refused, and with what; empty if an output came."""
    if impl.facts.rate_is_keep and not isinstance(rate, float):
        raise NotClaimed(
            "it takes a keep probability, which cannot be formed from a rate that is not a number"
        )
    stage = "at construction" if impl.at_construction else "at the call"
    impl.guard.reset()
    impl.reseed(0)
    try:
        layer = impl.constructed(rate)
        stage = "at the call"
        layer.train(np.ones(8, DTYPES[impl.dtypes[0]]))
    except BadReply:
        return []
    except ImplementationError as error:
        return [(stage, error.__cause__)]
    return []


def accepted_rates(impl: Implementation, *rates: float) -> list[float]:
    """The rates that the layer accepts; refusing one is for other clauses."""
    taken = [rate for rate in rates if not refusals(impl, rate)]
    impl.guard.reset()
    return taken


def refuses_rate_1(impl: Implementation) -> bool:
    """Whether the layer refuses rate 1 as a rate, which it may: with a ValueError, or as it refuses
    2, by an error of its own class or from the same line, as an assertion is.
    """
    refused, beyond = refusals(impl, 1.0), refusals(impl, 2.0)
    impl.guard.reset()
    if not refused:
        return False
    (_, error), (_, other) = refused[0], (beyond or [("", None)])[0]
    if error is None or other is None or type(error) is not type(other):
        return isinstance(error, ValueError)
    is_their_own = type(error).__module__ != "builtins"
    by_one_line = fault_of(error).where == fault_of(other).where != ""
    return isinstance(error, ValueError) or is_their_own or by_one_line


def require_rate_1(impl: Implementation) -> None:
    """Raises NotClaimed where the layer refuses rate 1 as a rate."""
    if refuses_rate_1(impl):
        raise NotClaimed("it refuses rate 1 as a rate, as it refuses 2")


def require_refusal(impl: Implementation) -> None:
    """A rate below 0, above 1, NaN or infinite is refused with an error, at construction or at
    the first call.
    """
    accepted = [rate for rate in NO_RATES if not refusals(impl, rate)]
    if accepted:
        refusals(impl, accepted[0])  # so that the reproduction shows the first
        raise Violation(
            f"rate {', '.join(map(repr, accepted))} was accepted: a call in training returned an"
            " output"
        )


def require_early_refusal(impl: Implementation) -> None:
    """A rate that is no probability is refused at construction (a function: at the call), as
    ValueError.
    """
    for rate in NO_RATES:
        stage, error = (refusals(impl, rate) or [("", None)])[0]
        if error is None or not (isinstance(error, ValueError)):
            got = f"raised {type(error).__name__} {stage}" if error else "was accepted"
            raise Violation(
                f"rate {rate!r} {got}; it should be refused"
                f" {'at construction' if impl.at_construction else 'at the call'} as ValueError"
            )
        if stage == "at the call" and impl.at_construction:
            raise Violation(
                f"rate {rate!r} was accepted at construction and refused only at the call; it"
                " should be refused at once, as ValueError"
            )
