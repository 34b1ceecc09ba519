"""Inputs of properties. Only a recipe is drawn, and NumPy builds the array from it: cheap, small to print, and good to shrink.

Hypothesis draws recipes where a failure is to be made small. To find one takes many that differ: there it would spend half a millisecond
on each, longer than most calls take, and largely on variations of the last (160 recipes had 18 rates and 47 seeds).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Generic, TypeVar
from zlib import crc32

import numpy as np
from hypothesis import strategies as st

from .arrays import DTYPES, LAYOUTS, Array, laid_out

SHAPES = ((7,), (1,), (2,), (3,), (17,), (4, 5), (64,), (33, 2), (2, 3, 5), (8, 16), (2, 3, 4, 5), (129,), (1, 1, 7), (3, 1, 2, 2, 2))
RATES = (0.1, 0.5, 0.25, 0.3, 1 / 3, 0.75, 0.9, 0.01, 0.001, 0.999)
LAYERS = ((3, 5, 7), (2, 4, 3), (2, 8, 8), (8, 2, 13), (4, 6, 2))  # (examples, outputs, inputs); sizes of one are a clause of their own
LARGE = (257, 257)  # more than 2^16 elements, and odd in both


@dataclass(frozen=True)
class Case:
    """A recipe for one call: everything about it follows from these fields.

    values: `plain` normal numbers; `wide` magnitudes over the whole dtype; `subnormal`; `huge` up to the largest number; `zeros` both
    zeros among plain numbers; `special` NaN, both infinities and both zeros among plain numbers.
    """

    shape: tuple[int, ...] = (7,)
    dtype: str = "float32"
    layout: str = "contiguous"
    values: str = "plain"
    rate: float = 0.1
    seed: int = 0

    @property
    def x(self) -> Array:
        """The input."""
        return laid_out(self._numbers("input", self.values), self.layout)

    @property
    def upstream(self) -> Array:
        """An upstream gradient for it, without zeros, contiguous."""
        return np.asarray(self._numbers("upstream", "plain"))

    @property
    def wide_upstream(self) -> Array:
        """The same of magnitudes over the whole dtype."""
        return np.asarray(self._numbers("upstream", "wide"))

    def for_dtypes(self, dtypes: tuple[str, ...]) -> Case:
        """This case if the dtype is one of these, else the same in the first of them."""
        return self if self.dtype in dtypes else replace(self, dtype=dtypes[0])

    def _numbers(self, role: str, values: str) -> Array:
        return _numbers(role, self.shape, DTYPES[self.dtype], values, self.seed)


@dataclass(frozen=True)
class LinearCase(Case):
    """A recipe for one call of a linear layer; its shape is (examples, outputs, inputs).

    values: `plain`; or `integers` from -4 to 4, so small that every sum of products is exact in every dtype and order.
    """

    shape: tuple[int, ...] = (3, 5, 7)

    @property
    def x(self) -> Array:
        """The input, (examples, inputs)."""
        return self._of("input", self.shape[0], self.shape[2])

    @property
    def weight(self) -> Array:
        """The weight, (outputs, inputs)."""
        return self._of("weight", self.shape[1], self.shape[2])

    @property
    def bias(self) -> Array:
        """The bias, (outputs,)."""
        return self._of("bias", self.shape[1])

    @property
    def upstream(self) -> Array:
        """An upstream gradient, (examples, outputs)."""
        return self._of("upstream", self.shape[0], self.shape[1])

    def _of(self, role: str, *shape: int) -> Array:
        return _numbers(role, shape, DTYPES[self.dtype], self.values, self.seed)


@lru_cache(maxsize=4096)  # many properties share a case, and some ask for its input twice
def _numbers(role: str, shape: tuple[int, ...], dtype: np.dtype[np.float64], values: str, seed: int) -> Array:
    numbers = np.asarray(_drawn(np.random.default_rng([crc32(f"{role} {shape} {values}".encode()), seed]), shape, dtype, values))
    numbers.flags.writeable = False
    return numbers


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[np.float64], values: str) -> Array:
    if values == "integers":
        return rng.integers(-4, 5, shape).astype(dtype)
    plain = rng.choice([-1.0, 1.0], shape) * (0.25 + np.abs(rng.standard_normal(shape)))
    if values == "plain":
        return plain.astype(dtype)
    if values in ("zeros", "special"):
        pool = [0.0, -0.0] if values == "zeros" else [np.nan, np.inf, -np.inf, 0.0, -0.0]
        return np.where(rng.random(shape) < 0.5, rng.choice(pool, shape), plain).astype(dtype)
    return _across_binades(rng, shape, dtype, values)


def _across_binades(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[np.float64], values: str) -> Array:
    """Numbers drawn by their bits, of either sign and never 0: subnormals of all sizes, the top eight binades, or any finite ones."""
    unsigned = np.dtype(f"u{dtype.itemsize}")
    infinity = int(np.asarray(np.inf).astype(dtype).view(unsigned))
    binade = int(np.asarray(2.0).astype(dtype).view(unsigned)) - int(np.asarray(1.0).astype(dtype).view(unsigned))
    low, high = {"subnormal": (1, binade), "huge": (infinity - 8 * binade, infinity), "wide": (1, infinity)}[values]
    magnitude = rng.integers(low, high, shape, dtype=np.uint64).astype(unsigned)
    if values == "subnormal":
        magnitude = np.maximum(magnitude >> rng.integers(0, binade.bit_length(), shape).astype(unsigned), 1).astype(unsigned)
    sign = rng.integers(0, 2, shape, dtype=np.uint64).astype(unsigned) << unsigned.type(8 * dtype.itemsize - 1)
    return np.asarray(magnitude | sign).view(dtype)


T = TypeVar("T")
E = TypeVar("E")
PLACES = 1 << 16
STEPS = tuple(1.1347241384015194**-k for k in range(1, 6))  # powers of the root of x^6 = x + 1, for five dimensions


@dataclass(frozen=True)
class Recipe:
    """What is drawn, whatever a property asks for: places in lists yet to be named, in 2^-16 of their length; a rate and a seed."""

    shape: int
    dtype: int
    layout: int
    values: int
    rate: float
    seed: int


@dataclass(frozen=True)
class Inputs(Generic[T]):
    """What a property is given, made from a recipe."""

    make: Callable[[Recipe], T]

    @property
    def strategy(self) -> st.SearchStrategy[T]:
        """The same for Hypothesis."""
        return recipes().map(self.make)


def _at(place: int, entries: Sequence[E]) -> E:
    return entries[place * len(entries) // PLACES]


def recipes(near: Recipe | None = None) -> st.SearchStrategy[Recipe]:
    """Recipes; given one, such as share some of its entries.

    Seeds are inputs like any other, so that a failure can be made small and replayed. Rates lie strictly between 0 and 1, the usual and
    the extreme ones more often; 0 and 1 are the edge chapter's.
    """
    rate = st.one_of(st.sampled_from(RATES), st.floats(0.001, 0.999))
    entries = {place: st.integers(0, PLACES - 1) for place in ("shape", "dtype", "layout", "values")}
    entries |= {"rate": rate, "seed": st.integers(0, 2**31 - 1)}  # type: ignore[dict-item]
    if near is not None:
        entries = {name: st.one_of(entry, st.just(getattr(near, name))) for name, entry in entries.items()}
    return st.builds(Recipe, **entries)


def draw_recipes(count: int, seed: int) -> tuple[Recipe, ...]:
    """So many recipes, the plainest first.

    The others are spread evenly, and so is each run of a few of them: over each list, and over its combinations with the others (the
    additive recurrence of Roberts 2018, from where the seed puts it). Half of the rates are of the list.
    """
    rng = random.Random(seed)
    start = [rng.random() for _ in STEPS]
    recipes = [Recipe(0, 0, 0, 0, RATES[0], 0)]
    for n in range(1, count):
        *at, u = ((begun + n * step) % 1 for begun, step in zip(start, STEPS, strict=True))
        shape, dtype, layout, values = (int(place * PLACES) for place in at)
        rate = RATES[int(2 * u * len(RATES))] if u < 0.5 else 0.001 + 0.998 * (2 * u - 1)
        recipes.append(Recipe(shape, dtype, layout, values, rate, rng.getrandbits(31)))
    return tuple(recipes)


def seeds() -> Inputs[int]:
    """Seeds of 31 bits."""
    return Inputs(lambda recipe: recipe.seed)


def rates() -> Inputs[float]:
    """Rates strictly between 0 and 1."""
    return Inputs(lambda recipe: recipe.rate)


def cases(*values: str, layouts: tuple[str, ...] = LAYOUTS, ranks: tuple[int, ...] = (1, 2, 3, 4, 5)) -> Inputs[Case]:
    """Calls at rates inside (0, 1), over dtypes, layouts and shapes of the given ranks, with the given kinds of values (plain)."""
    shapes = tuple(shape for shape in SHAPES if len(shape) in ranks)

    def case(recipe: Recipe) -> Case:
        return Case(
            _at(recipe.shape, shapes),
            _at(recipe.dtype, tuple(DTYPES)),
            _at(recipe.layout, layouts),
            _at(recipe.values, values or ("plain",)),
            recipe.rate,
            recipe.seed,
        )

    return Inputs(case)


def linear_cases(values: str = "plain", dtypes: tuple[str, ...] = tuple(DTYPES)) -> Inputs[LinearCase]:
    """Calls of linear layers at rates inside (0, 1), of several sizes."""

    def case(recipe: Recipe) -> LinearCase:
        return LinearCase(_at(recipe.shape, LAYERS), _at(recipe.dtype, dtypes), values=values, rate=recipe.rate, seed=recipe.seed)

    return Inputs(case)
