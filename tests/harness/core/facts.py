"""What is known of a target before it is judged: what the user declared, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from dropspec.core.arrays import DTYPES
from dropspec.core.signature import Signature
from dropspec.core.target import Target


class Kind(Enum):
    """What a target is in Python."""

    CLASS = "class"
    FUNCTION = "function"
    OBJECT = "object"


@dataclass(frozen=True)
class Declared:
    """What the user wrote in `claims`, checked, and nothing else.

    dtypes: those that it takes, the others are not tested; empty where nothing is said.
    rate_is_keep: its parameter is the probability of keeping. always_active: it drops in evaluation
    by design, as for Monte Carlo estimates. flushes: its framework flushes subnormal numbers to 0,
    on purpose. seedable: False where a seed does nothing. functional: the function of (x, rate,
    training) that a module must agree with. family: of which specification. `also` holds the claims
    that belong to a family.
    """

    family: str = ""
    dtypes: tuple[str, ...] = ()
    rate_is_keep: bool = False
    always_active: bool = False
    flushes: bool = False
    seedable: bool = True
    functional: Callable[..., Any] | None = None
    also: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where a class holds a parameter: its name, and whether it is held transposed.

    A layer of n inputs and n outputs may hold several weights as one parameter: it has `times`
    n² elements.
    """

    name: str
    turned: bool = False
    times: int = 1


@dataclass(frozen=True)
class Facts:
    """All that is known of a target; made once, by `targets.inspect`.

    `thing` is what is called: a class, a function or an object. `refused` are the dtypes of its
    framework that it raised on, with the error, `cast` those that come back as another one, and
    `ranks_refused` the numbers of axes on which it raised, where it takes others. `places` tells
    where a class holds the parameters of its family. `seen` is what its family found out by calls;
    `flushes` as in Declared, or seen.
    """

    target: Target
    thing: Any
    kind: Kind
    family: str
    framework: str
    declared: Declared = Declared()
    signature: Signature = field(default_factory=lambda: Signature((), None))
    dtypes: tuple[str, ...] = tuple(DTYPES)
    refused: Mapping[str, str] = field(default_factory=dict)
    cast: Mapping[str, str] = field(default_factory=dict)
    ranks_refused: Mapping[int, str] = field(default_factory=dict)
    seedable: bool = True
    places: Mapping[str, Place] = field(default_factory=dict)
    seen: Mapping[str, Any] = field(default_factory=dict)
    flushes: bool = False

    @property
    def rate_is_keep(self) -> bool:
        """Whether it takes the probability of keeping: declared, or by the parameter's name."""
        return self.declared.rate_is_keep or self.signature.rate_is_keep

    @property
    def no_evaluation(self) -> str:
        """Why it has no evaluation mode; empty where it has one."""
        if self.kind is Kind.FUNCTION and self.signature.training is None:
            return "it has no training flag, so no evaluation mode"
        if self.declared.always_active:
            return "it claims to drop in evaluation by design (`always_active`)"
        return ""
