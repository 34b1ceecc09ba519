"""What the suite can ask of an implementation. An adapter answers what its framework offers; the rest says that it is not claimed.

The harness speaks NumPy arrays (bfloat16 by ml_dtypes); an adapter translates. To write one, subclass `Adapter` and `Layer`, or give
`dropspec check` any object with `claims`, `train(x, rate, seed)` and `evaluate(x, rate)` (see adapters/protocol.py).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from dropspec.core.arrays import DTYPES, Array, Bits
from dropspec.core.errors import BadTarget, NotClaimed
from dropspec.core.guard import Guard

if TYPE_CHECKING:
    from torch import nn

    from dropspec.targets.signature import Signature


@dataclass
class Claims:
    """Facts that an implementation declares, or that its adapter has found out.

    dtypes: those it takes; the others are not tested. refused: dtypes of its framework that it raised on, with the error (numerics-1).
    rate_is_keep: it takes the probability of keeping, and the adapter turns rates round. functional: its functional form, where it has one.
    always_active: it drops in evaluation by design, as for Monte Carlo estimates, so it has no evaluation mode.

    family: `dropout`, or `dropconnect`, whose claims are the others. mask_per: for whom a mask is drawn, `example` or `call`.
    bias: `kept` or `dropped`. samples: evaluation matches moments, by so many draws. masked_weight: the attribute that holds the masked
    weight after a forward, for a layer whose output is no linear one's. unreachable: why nothing is claimed.
    """

    dtypes: tuple[str, ...] = tuple(DTYPES)
    refused: dict[str, str] = field(default_factory=dict)
    rate_is_keep: bool = False
    functional: Callable[..., Any] | None = None
    always_active: bool = False
    family: str = ""
    mask_per: str = ""
    bias: str = ""
    samples: int = 0
    masked_weight: str = ""
    unreachable: str = ""


FOUND_OUT = ("refused", "unreachable")  # by the adapter, and declared by nobody


def read_claims(target: str, declared: Any, *also: str) -> tuple[Claims, dict[str, Any]]:
    """What a target declares as its `claims`, and, apart, the claims in `also`. Raises BadTarget where they cannot be read."""
    if isinstance(declared, Claims):
        declared = vars(declared)
    if not isinstance(declared, Mapping):
        raise BadTarget(
            f"the claims of {target} must be a mapping, such as {{'always_active': True}}, but are of type {type(declared).__name__}"
        )
    known = [*(f.name for f in fields(Claims)), *also]
    for name in declared:
        if name not in known:
            near = get_close_matches(str(name), known, 1)
            offered = ", ".join(n for n in known if n not in FOUND_OUT)
            raise BadTarget(
                f"the claims of {target} have no {name!r}: " + (f"did you mean {near[0]!r}? T" if near else "t") + f"here are {offered}"
            )
    return Claims(**{k: v for k, v in declared.items() if k not in also}), {k: v for k, v in declared.items() if k in also}


class Run(Protocol):
    """One call, recorded: what went in, what came out, and the backward pass of just this call."""

    @property
    def output(self) -> Array:
        """The output, of the input's shape."""

    @property
    def input_after(self) -> Array:
        """The input as the call left it."""

    def gradient(self, upstream: Array) -> Array:
        """The gradient with respect to the input; can be called again and again. Raises NotClaimed without a backward pass."""

    def double_gradient(self, upstream: Array, weights: Array) -> Array:
        """The gradient of sum(gradient(upstream) · weights) with respect to upstream."""


class Layer:
    """One layer, or one function standing for it, that is called many times."""

    def train(self, x: Array, *, differentiable: bool = False) -> Run:
        """A forward pass in training mode, continuing the random stream. Gradients need `differentiable`."""
        raise NotImplementedError

    def evaluate(self, x: Array, *, differentiable: bool = False) -> Run:
        """A forward pass in evaluation mode."""
        raise NotClaimed("it has no evaluation mode")

    def copy(self) -> Layer:
        """A deep copy of the layer."""
        raise NotClaimed("it is no layer that could be copied")

    def reloaded(self) -> Layer:
        """A new layer that loaded the state_dict of this one."""
        raise NotClaimed("it has no state_dict")

    def set_rate(self, rate: float) -> None:
        """Assigns to the layer's rate attribute."""
        raise NotClaimed("it has no attribute that holds the rate")


class Adapter:
    """An implementation under test. `target` is how the user named it; every call into user code goes through the guard."""

    family = "dropout"
    framework = "?"
    at_construction = False  # whether a rate is given before the first input is

    def __init__(self, target: str, guard: Guard, claims: Claims) -> None:
        self.target, self.guard, self.claims = target, guard, claims

    def layer(self, rate: Any) -> Layer:
        """A new layer with this rate. What the implementation raises comes as ImplementationError."""
        raise NotImplementedError

    def constructed(self, rate: Any) -> Layer:
        """The same, built at once where that can be done before the first call."""
        return self.layer(rate)

    def masks(self, rate: Any) -> Layer:
        """A layer for campaigns, which look only at where its output is 0."""
        return self.layer(rate)

    def train(self, x: Array, rate: Any, seed: int, *, differentiable: bool = False) -> Run:
        """Seeds, builds a layer, and calls it once in training mode."""
        self.reseed(seed)
        return self.layer(rate).train(x, differentiable=differentiable)

    def evaluate(self, x: Array, rate: Any, *, differentiable: bool = False) -> Run:
        """Seeds, so that a layer which draws in evaluation can be replayed, builds a layer, and calls it once in evaluation mode."""
        self.reseed(0)
        return self.layer(rate).evaluate(x, differentiable=differentiable)

    def given(self, rate: Any) -> Any:
        """The rate as the implementation wants it."""
        return 1 - rate if self.claims.rate_is_keep else rate

    @property
    def no_evaluation(self) -> str:
        """Why it has no evaluation mode; empty where it has one."""
        return "it claims to drop in evaluation by design (`always_active`)" if self.claims.always_active else ""

    def require_eval_mode(self) -> None:
        """Raises NotClaimed where it has none."""
        if self.no_evaluation:
            raise NotClaimed(self.no_evaluation)

    def reseed(self, seed: int) -> None:
        """Seeds whatever stream the next layers and calls draw from; does nothing where the implementation cannot be seeded."""

    def seeded(self, seed: int) -> list[str]:
        """Python that does what `reseed` does."""
        return []

    def require_seedable(self) -> None:
        """Raises NotClaimed where `reseed` does nothing."""
        raise NotClaimed("it cannot be seeded")

    def state(self) -> Any:
        """The state of its random stream, comparable with `same_state`. Raises NotClaimed where it cannot be read."""
        raise NotClaimed("the state of its random stream cannot be read")

    def restore(self, state: Any) -> None:
        """Puts a state of the random stream back."""
        raise NotClaimed("the state of its random stream cannot be restored")

    def same_state(self, a: Any, b: Any) -> bool:
        """Whether two states are one."""
        return bool(a == b)

    @property
    def global_generators(self) -> dict[str, tuple[Callable[[int], Any], Callable[[], Any]]]:
        """The global generators that the implementation could reach: how each is seeded, and how a number is drawn from it."""
        return {"NumPy's": (np.random.seed, np.random.random), "Python's": (random.seed, random.random)}

    def global_seed(self) -> int | None:
        """What the framework says that its global generator was last seeded with; None where it does not say."""
        return None

    def threads(self, count: int) -> AbstractContextManager[None]:
        """Runs with that many threads."""
        raise NotClaimed("its threads cannot be counted")

    def one_thread(self) -> AbstractContextManager[None]:
        """Runs with one thread, where threads can be counted: several that wait for a busy core take twenty times as long."""
        return nullcontext()

    def checkpointed(self, x: Array, rate: float, seed: int) -> Run:
        """A training call inside the framework's recomputation (activation checkpointing); differentiable."""
        raise NotClaimed("its framework's recomputation is not driven here")

    def in_place(self, x: Array, rate: float, seed: int) -> tuple[Run, bool]:
        """A training call in place, and whether what it returned is the very input."""
        raise NotClaimed("it offers no in-place mode")

    def module(self, rate: float) -> nn.Module:
        """The layer as a torch module of its own class."""
        raise NotClaimed("it is no torch module")

    def as_module(self, rate: float) -> nn.Module:
        """A torch module that drops out: its own class, or a wrapper around its function."""
        raise NotClaimed("it is no torch layer")

    def masks_by_mode(self, rate: float, units: int) -> Iterator[tuple[str, Bits]]:
        """The masks of one layer's calls under every mode of autograd, with what each call is."""
        raise NotClaimed("it is no torch layer")

    def functional(self, x: Array, rate: float, seed: int) -> Run:
        """The same call by the functional form."""
        raise NotClaimed("it names no functional form")

    def with_generator(self, x: Array, rate: float, seed: int, calls: int) -> list[Run]:
        """Training calls that draw from a generator of this seed, though they could do without, and the global one goes on beside it."""
        raise NotClaimed("it takes no generator besides the one that it has")

    def spelled(self, rate: Any, mode: str) -> str:
        """A Python expression for the call on `x`; empty where none can be given."""
        return ""


class FunctionAdapter(Adapter):
    """A function that is called by its signature."""

    signature: Signature

    @property
    def no_evaluation(self) -> str:
        """Without a training flag, too."""
        return "it has no training flag, so no evaluation mode" if self.signature.training is None else super().no_evaluation
