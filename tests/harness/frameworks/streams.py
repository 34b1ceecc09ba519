"""What a function gets for its generator or seed argument: begun anew by a seed, and continued by
the calls that follow.
"""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np

from dropspec.core.errors import NotClaimed
from dropspec.core.signature import GENERATORS, Signature


class Stream:
    """What all of them offer; `name` is what a reproduction calls it."""

    name = ""

    def seed(self, seed: int) -> None:
        """Begins anew."""
        raise NotImplementedError

    def next(self) -> Any:
        """What the next call gets."""
        raise NotImplementedError

    def state(self) -> Any:
        """Where the stream is, comparable by ==. Raises NotClaimed where there is no such thing."""
        raise NotClaimed("an int seed has no state")

    def restore(self, state: Any) -> None:
        """Puts back what `state` gave."""
        raise NotClaimed("an int seed has no state")

    def spelled(self, seed: int) -> str:
        """Python that begins it."""
        raise NotImplementedError


class Ints(Stream):
    """The seed, and the ints that follow it."""

    name = "seed"

    def seed(self, seed: int) -> None:
        """The next call gets the seed itself."""
        self._next = seed

    def next(self) -> int:
        """One more than the last."""
        self._next += 1
        return self._next - 1

    def spelled(self, seed: int) -> str:
        """The seed."""
        return f"seed = {seed}"


class NumpyGenerator(Stream):
    """One numpy.random.Generator for all calls."""

    name = "rng"

    def seed(self, seed: int) -> None:
        """A generator of this seed."""
        self._generator: Any = np.random.default_rng(seed)

    def next(self) -> Any:
        """The generator, where it is."""
        return self._generator

    def state(self) -> bytes:
        """The whole generator."""
        return pickle.dumps(self._generator)

    def restore(self, state: bytes) -> None:
        """Another generator in the same state."""
        self._generator = pickle.loads(state)

    def spelled(self, seed: int) -> str:
        """Its construction."""
        return f"rng = np.random.default_rng({seed})"


class NumpyRandomState(NumpyGenerator):
    """One numpy.random.RandomState, the older kind, for all calls."""

    def seed(self, seed: int) -> None:
        """A generator of this seed."""
        self._generator = np.random.RandomState(seed % 2**32)

    def spelled(self, seed: int) -> str:
        """Its construction."""
        return f"rng = np.random.RandomState({seed % 2**32})"


# None: the generator of the function's framework
BY_ANNOTATION: tuple[tuple[str, type[Stream] | None], ...] = (
    ("RandomState", NumpyRandomState),
    (r"(np|numpy)\.random.*Generator", NumpyGenerator),
    ("Generator", None),
    (r"\bint\b", Ints),
)


def is_clear(signature: Signature) -> bool:
    """Whether the annotation of a stream says what it is."""
    return any(re.search(pattern, signature.stream_annotation) for pattern, _ in BY_ANNOTATION)


def stream_for(signature: Signature, generator: type[Stream]) -> Stream | None:
    """The stream that a function takes, by the annotation of the argument, or else by its name;
    `generator` is its framework's own.

    None where it takes none.
    """
    if not signature.stream:
        return None
    by_name = None if signature.stream in GENERATORS else Ints
    kind = next(
        (
            kind
            for pattern, kind in BY_ANNOTATION
            if re.search(pattern, signature.stream_annotation)
        ),
        by_name,
    )
    stream = (kind or generator)()
    stream.seed(0)
    return stream


def said_for_call(expression: str, stream: Stream | None, seed: int) -> str:
    """An expression of a call for the i-th one: an int seed moves on by one a call."""
    is_int = stream is not None and stream.name == Ints.name
    return expression.replace("=seed", f"={seed} + i") if is_int else expression
