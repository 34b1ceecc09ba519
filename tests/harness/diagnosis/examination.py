"""Examines a layer that failed: a few calls at some rates, and what their outputs have in common.

What a clause saw is what speaks against the layer; what is seen here tells why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropspec.core.arrays import DTYPES, Array
from dropspec.core.errors import BadReply, Hung, ImplementationError, NotClaimed
from dropspec.core.implementation import Implementation
from dropspec.core.notes import Notes
from dropspec.core.observations import Observation, Seen
from dropspec.diagnosis.masks import note_many_calls, note_masks
from dropspec.diagnosis.values import note_values

RATES, ENDS = (0.1, 0.3, 0.5, 0.7, 0.9), (0.0, 1.0)
SHAPES = ((8, 6, 35), (6, 4, 7, 11), (1680,))  # of which the first that works is looked at most
LAYERS, CALLS = 6, 3  # so many new layers, and calls of each
ODD, MANY = (1003,), 240  # a shape that fills no vectors, and calls of one layer on it
NEAR = 0.01  # relative: a gradient that is nearer has the factor of its output, in any dtype
Facts = Iterator[tuple[Seen, float]]
RAISES = (ImplementationError, Hung, NotClaimed)


@dataclass(frozen=True)
class Outputs:
    """What came out at one rate: one array for all calls, layer by layer, and their input."""

    rate: float
    x: Array
    y: Array


def examine(impl: Implementation, seed: int, *, has_places: bool = True) -> tuple[Observation, ...]:
    """What is seen of a layer in calls of its own; what it raises there is passed over.

    `has_places` says whether what it drops has places in its input, as weights have not.
    """
    notes = Notes()
    with impl.guard.watch(), np.errstate(all="ignore"):
        shapes = [shape for shape in SHAPES if _takes(impl, shape, seed)]
        for shape in shapes[:1]:
            for rate in RATES:
                _look_at(impl, shape, rate, seed, notes, has_places)
            for rate in ENDS:
                end = _train(impl, shape, rate, seed, layers=1, calls=1)
                if end is not None and np.isfinite(end.y).all():
                    notes.observe(Seen.AT_AN_END, float((end.y == 0).mean()), rate=rate)
        for shape in shapes[1:2]:
            if (seen := _train(impl, shape, 0.5, seed)) is not None:
                note_masks(seen.rate, seen.y == 0, CALLS, notes, has_places=has_places)
        seen = _train(impl, ODD, 0.3, seed, layers=1, calls=MANY) if shapes else None
        if seen is not None:
            note_many_calls(seen.rate, seen.y == 0, notes)
        elif not shapes and _is_shorter(impl, seed):
            notes.observe(Seen.SHORTER, 1)
    return notes.observations


def _is_shorter(impl: Implementation, seed: int) -> bool:
    """Whether the output of a call has fewer elements than its input."""
    try:
        impl.train(numbers(SHAPES[0], seed, DTYPES[_dtype(impl)]), 0.5, seed)
    except BadReply as error:
        return error.excess < 0
    except RAISES:
        pass
    return False


def numbers(shape: tuple[int, ...], seed: int, dtype: np.dtype[Any]) -> Array:
    """Different numbers of either sign, from 0.5 to 2 in size."""
    rng = np.random.default_rng(seed)
    sizes = rng.permutation(np.linspace(0.5, 2.0, int(np.prod(shape)))).reshape(shape)
    return np.asarray(sizes * rng.choice((-1, 1), shape)).astype(dtype)


def _takes(impl: Implementation, shape: tuple[int, ...], seed: int) -> bool:
    return _train(impl, shape, 0.5, seed, layers=1, calls=1) is not None


def _train(
    impl: Implementation,
    shape: tuple[int, ...],
    rate: float,
    seed: int,
    layers: int = LAYERS,
    calls: int = CALLS,
) -> Outputs | None:
    """What comes out in training, of calls without a gradient; None where one raises."""
    x = numbers(shape, seed, DTYPES[_dtype(impl)])
    impl.guard.reset()
    try:
        impl.reseed(seed)
        made = [impl.layer(rate).of(x) for _ in range(layers)]
        y = [layer.train().output for layer in made for _ in range(calls)]
    except RAISES:
        return None
    return Outputs(rate, x.astype(float), np.stack(y).astype(float))


def _dtype(impl: Implementation) -> str:
    return "float32" if "float32" in impl.dtypes else impl.dtypes[0]


def _look_at(
    impl: Implementation,
    shape: tuple[int, ...],
    rate: float,
    seed: int,
    notes: Notes,
    has_places: bool,
) -> None:
    """Training without and with a gradient, and evaluation."""
    if (seen := _train(impl, shape, rate, seed)) is None:
        return
    note_values(rate, seen.x, seen.y, notes)
    note_masks(rate, seen.y == 0, CALLS, notes, has_places=has_places)
    for look in (_backward, _evaluation):
        try:
            for kind, value in look(impl, rate, numbers(shape, seed, DTYPES[_dtype(impl)]), seed):
                notes.observe(kind, value, rate=rate)
        except RAISES:
            continue


def _backward(impl: Implementation, rate: float, x: Array, seed: int) -> Facts:
    recorded = impl.train(x, rate, seed, differentiable=True)
    survived = recorded.output != 0
    yield Seen.DROPPED_WITH_GRADIENT, 1 - survived.mean()
    upstream = numbers(x.shape, seed + 1, x.dtype)
    g = recorded.gradient(upstream).astype(float)
    yield Seen.PASSED, float((g != 0).mean())
    yield Seen.PASSED_ELSEWHERE, float(((g != 0) != survived).mean())
    factor = recorded.output.astype(float) / x
    yield Seen.PASSED_OTHERWISE, float((~np.isclose(g, upstream * factor, rtol=NEAR)).mean())
    if (both := survived & (g != 0)).any():
        yield Seen.GRADIENT_SCALE, float(np.median((g / upstream)[both]))


def _evaluation(impl: Implementation, rate: float, x: Array, seed: int) -> Facts:
    y = impl.evaluate(x, rate).output.astype(float)
    yield Seen.EVALUATION_SHARE, float((y == 0).mean())
    yield Seen.EVALUATION_SCALE, float(np.median((y / x)[y != 0])) if (y != 0).any() else 0.0
