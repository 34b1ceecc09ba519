"""Inputs of properties. Only a recipe is drawn, and NumPy builds the array from it: cheap, small to
print, and good to shrink.

Hypothesis draws recipes where a failure is to be made small. To find one takes many that differ:
there it would spend half a millisecond on each, longer than most calls take, and largely on
variations of the last (160 recipes had 18 rates and 47 seeds).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hypothesis import strategies as st

from dropspec.core.arrays import DTYPES, LAYOUTS
from dropspec.core.cases import Case

SHAPES = (
    (7,),
    (1,),
    (2,),
    (3,),
    (17,),
    (4, 5),
    (64,),
    (33, 2),
    (2, 3, 5),
    (8, 16),
    (2, 3, 4, 5),
    (129,),
    (1, 1, 7),
    (3, 1, 2, 2, 2),
)
RATES = (0.1, 0.5, 0.25, 0.3, 1 / 3, 0.75, 0.9, 0.01, 0.001, 0.999)


T = TypeVar("T")
E = TypeVar("E")
PLACES = 1 << 16
# powers of the root of x^6 = x + 1, for five dimensions
STEPS = tuple(1.1347241384015194**-k for k in range(1, 6))


@dataclass(frozen=True)
class Recipe:
    """What is drawn, whatever a property asks for: places in lists yet to be named, in 2^-16 of
    their length; a rate and a seed.
    """

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


def entry_at(place: int, entries: Sequence[E]) -> E:
    """The entry at a place of a recipe, which is in 2^-16 of the length."""
    return entries[place * len(entries) // PLACES]


def recipes(near: Recipe | None = None) -> st.SearchStrategy[Recipe]:
    """Recipes; given one, such as share some of its entries.

    Seeds are inputs like any other, so that a failure can be made small and replayed. Rates lie
    strictly between 0 and 1, the usual and the extreme ones more often; 0 and 1 are the edge
    chapter's.
    """
    rate = st.one_of(st.sampled_from(RATES), st.floats(0.001, 0.999))
    entries = {
        place: st.integers(0, PLACES - 1) for place in ("shape", "dtype", "layout", "values")
    }
    entries |= {"rate": rate, "seed": st.integers(0, 2**31 - 1)}  # type: ignore[dict-item]
    if near is not None:
        entries = {
            name: st.one_of(entry, st.just(getattr(near, name))) for name, entry in entries.items()
        }
    return st.builds(Recipe, **entries)


def draw_recipes(count: int, seed: int) -> tuple[Recipe, ...]:
    """So many recipes, the plainest first.

    The others are spread evenly, and so is each run of a few of them: over each list, and over
    its combinations with the others (the additive recurrence of Roberts 2018, from where the
    seed puts it). Half of the rates are of the list.
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


def cases(
    *values: str, layouts: tuple[str, ...] = LAYOUTS, ranks: tuple[int, ...] = (1, 2, 3, 4, 5)
) -> Inputs[Case]:
    """Calls at rates inside (0, 1), over dtypes, layouts and shapes of the given ranks, with the
    given kinds of values (plain).
    """
    shapes = tuple(shape for shape in SHAPES if len(shape) in ranks)

    def case(recipe: Recipe) -> Case:
        return Case(
            entry_at(recipe.shape, shapes),
            entry_at(recipe.dtype, tuple(DTYPES)),
            entry_at(recipe.layout, layouts),
            entry_at(recipe.values, values or ("plain",)),
            recipe.rate,
            recipe.seed,
        )

    return Inputs(case)
