"""What a copy of a linear layer must be: the same weights and scale, and masks of its own."""

from collections.abc import Callable

import numpy as np

from dropspec.core.arrays import Array, nonzero
from dropspec.core.compare import require_identical, require_rescaled
from dropspec.core.errors import Violation
from dropspec.core.layer import Bound
from dropspec.core.risk import require_negligible_probability
from dropspec.families.dropconnect.linear import Linear
from dropspec.properties.trials import violation_if_raises

WEIGHTS = 256


def require_copies(
    impl: Linear, seed: int, weights: Array, when: str, call: Callable[[Bound], object]
) -> None:
    """Raises Violation where a copy of a layer that was called so, or a new layer with its
    state_dict, is another layer.
    """
    impl.reseed(seed)
    layer = impl.layer(0.5).of(weights)
    call(layer)
    for how in ("copy.deepcopy", "loading its state_dict"):
        with violation_if_raises(f"{how} of a layer that is {when}"):
            other = layer.copy() if how == "copy.deepcopy" else layer.reloaded()
        _require_twin(impl, layer, other, weights, f"{how} of a layer that is {when}")


def _require_twin(impl: Linear, layer: Bound, other: Bound, weights: Array, how: str) -> None:
    """Raises Violation where the other layer has other weights or another scale, or draws the same
    mask.
    """
    with violation_if_raises(f"after {how}"):
        y = other.train().output
    require_negligible_probability(WEIGHTS * np.log(0.5) + np.log(2))
    if nonzero(y).all() or not nonzero(y).any():
        raise Violation(
            f"after {how}, weights of 1 at rate 0.5 give {np.unique(y)[:4].tolist()}, where 0 and 2"
            " are right"
        )
    require_rescaled(y, weights, 0.5, nonzero(y), what=f"output after {how} (x: the weight)")
    if not impl.facts.no_evaluation and not impl.samples:
        require_identical(
            other.evaluate().output, weights, f"after {how}, an evaluation must give the weights"
        )
    with violation_if_raises(f"after {how}"):
        if np.array_equal(y, layer.train().output):
            raise Violation(
                f"a layer and what came of {how} drew the same mask of {WEIGHTS} weights at"
                " rate 0.5"
            )
