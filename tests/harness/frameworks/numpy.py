"""Drives NumPy functions: of an array and the rate, seeded by a Generator argument, by an int, or by NumPy's global state."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from dropspec.core.arrays import Array, copy_as_laid_out, is_floating
from dropspec.core.calls import Call
from dropspec.core.errors import BadReply, NotClaimed
from dropspec.core.guard import Guard
from dropspec.frameworks.base import Claims, FunctionAdapter, Layer
from dropspec.frameworks.streams import NumpyGenerator, stream_for
from dropspec.targets.signature import Signature


class NumpyRun:
    """One call of a NumPy function; it offers no backward pass."""

    def __init__(self, x: Array, y: Any, what: str) -> None:
        if isinstance(y, tuple) and len(y) == 2:
            y = y[0]  # (output, mask), as teaching packages return it
        if not isinstance(y, (np.ndarray, np.generic)):
            raise BadReply(f"{what} returned {type(y).__name__}, not an array")
        if y.shape != x.shape:
            raise BadReply(f"{what} returned shape {y.shape} for input of shape {x.shape}")
        if is_floating(x.dtype) and not is_floating(y.dtype):
            raise BadReply(f"{what} returned dtype {y.dtype} for input of dtype {x.dtype}")
        self.output, self.input_after = np.asarray(y), x

    def gradient(self, upstream: Array) -> Array:
        """Not offered."""
        raise NotClaimed("a NumPy function offers no backward pass")

    def double_gradient(self, upstream: Array, weights: Array) -> Array:
        """Not offered."""
        raise NotClaimed("a NumPy function offers no backward pass")


class NumpyLayer(Layer):
    """A function at one rate; the adapter keeps its random stream."""

    def __init__(self, adapter: NumpyAdapter, rate: Any) -> None:
        self._adapter, self._rate = adapter, rate

    def train(self, x: Array, *, differentiable: bool = False) -> NumpyRun:
        """A call in training mode."""
        return self._call("training", x)

    def evaluate(self, x: Array, *, differentiable: bool = False) -> NumpyRun:
        """A call with the training flag off."""
        self._adapter.require_eval_mode()
        return self._call("evaluation", x)

    def _call(self, mode: str, x: Array) -> NumpyRun:
        adapter, own = self._adapter, copy_as_laid_out(x)
        what = f"the {mode} call {adapter.spelled(self._rate, mode)} on {x.dtype} of shape {x.shape}"
        adapter.guard.record(Call(mode, x, self._rate, adapter.last_seed, False))
        with adapter.guard.call(what), np.errstate(all="ignore"):
            rate = adapter.given(self._rate)
            stream = adapter.stream and adapter.stream.next()
            y = adapter.signature.call(adapter.function, own, rate, mode == "training", stream)
        return NumpyRun(own, y, what)


class NumpyAdapter(FunctionAdapter):
    """A function of an array and the rate.

    Given an int seed argument, the calls that follow a seed get the ints that follow it.
    """

    framework = "numpy"
    last_seed: int | None = None
    seedable = True

    def __init__(self, target: str, name: str, function: Callable[..., Any], signature: Signature, guard: Guard, claims: Claims) -> None:
        super().__init__(target, guard, claims)
        self.name, self.function, self.signature = name, function, signature
        self.stream = stream_for(signature, NumpyGenerator)

    def layer(self, rate: Any) -> Layer:
        """The function at one rate."""
        return NumpyLayer(self, rate)

    def reseed(self, seed: int) -> None:
        """Seeds the argument, or NumPy's global state where there is none."""
        self.last_seed = seed
        if self.stream:
            self.stream.seed(seed)
        else:
            np.random.seed(seed % 2**32)

    def seeded(self, seed: int) -> list[str]:
        """By the argument, or by np.random.seed."""
        return [self.stream.spelled(seed) if self.stream else f"np.random.seed({seed % 2**32})"]

    def find_seedable(self) -> None:
        """Without a seed argument: claims seeding if NumPy's global state replays a call."""
        x = np.ones(256, np.float32)
        first, second = (self.train(x, 0.5, seed=1).output for _ in range(2))
        self.seedable = self.stream is not None or np.array_equal(first, second)

    def require_seedable(self) -> None:
        """Raises NotClaimed where nothing from outside seeds it."""
        if not self.seedable:
            raise NotClaimed("it takes no seed, and NumPy's global state does not govern it")

    def state(self) -> Any:
        """The state of the generator that is its argument, or NumPy's global state."""
        self.require_seedable()
        return self.stream.state() if self.stream else pickle.dumps(np.random.get_state())

    def restore(self, state: Any) -> None:
        """Puts back what `state` gave."""
        if self.stream:
            self.stream.restore(state)
        else:
            np.random.set_state(pickle.loads(state))

    def spelled(self, rate: Any, mode: str) -> str:
        """`dropout(x, 0.5, rng=rng)`."""
        return self.signature.spelled(self.name, self.given(rate), mode, self.stream.name if self.stream else "")
