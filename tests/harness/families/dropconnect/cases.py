"""Cases of linear layers: an input, a weight and a bias from one recipe."""

from __future__ import annotations

from dataclasses import dataclass

from dropspec.core.arrays import DTYPES, Array
from dropspec.core.cases import Case, numbers
from dropspec.core.recipes import Inputs, Recipe, entry_at

# (examples, outputs, inputs); sizes of one are a clause of their own
LAYERS = ((3, 5, 7), (2, 4, 3), (2, 8, 8), (8, 2, 13), (4, 6, 2))


@dataclass(frozen=True)
class LinearCase(Case):
    """A recipe for one call of a linear layer; its shape is (examples, outputs, inputs).

    values: `plain`; or `integers` from -4 to 4, so small that every sum of products is exact in
    every dtype and order.
    """

    shape: tuple[int, ...] = LAYERS[0]

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
        return numbers(role, shape, DTYPES[self.dtype], self.values, self.seed)


def linear_cases(
    values: str = "plain", dtypes: tuple[str, ...] = tuple(DTYPES)
) -> Inputs[LinearCase]:
    """Calls of linear layers of several sizes, at rates inside (0, 1)."""

    def case(recipe: Recipe) -> LinearCase:
        return LinearCase(
            entry_at(recipe.shape, LAYERS),
            entry_at(recipe.dtype, dtypes),
            values=values,
            rate=recipe.rate,
            seed=recipe.seed,
        )

    return Inputs(case)
