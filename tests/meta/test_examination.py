"""What an examination sees of layers that are made of drawn ratios, and what it does not see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dropspec.core.arrays import Array
from dropspec.core.errors import ImplementationError
from dropspec.core.faults import Fault, FaultKind
from dropspec.core.observations import Observation, Seen
from dropspec.diagnosis.evidence import Evidence
from dropspec.diagnosis.examination import examine
from dropspec.diagnosis.known_kinds import blocks, fixed_count, noise_shape, whole_calls
from dropspec.diagnosis.known_masks import crossed, every_call_alike, few_masks
from dropspec.diagnosis.known_rates import drift, tail_of_vectors

from .inspected import Made, Ratios

Rng = np.random.Generator
Shape = tuple[int, ...]


def seen_of(ratios: Ratios) -> tuple[Observation, ...]:
    """What is seen of a layer that gives these ratios."""
    return examine(Made(lambda: ratios), seed=1)


def evidence(ratios: Ratios) -> Evidence:
    """The evidence of that, where no clause has failed."""
    return Evidence((), tuple(("", one) for one in seen_of(ratios)))


def right(rng: Rng, shape: Shape, rate: float) -> Array:
    """Elementwise dropout."""
    return np.asarray(rng.random(shape) >= rate, float)


def shared(axes: tuple[int, ...]) -> Ratios:
    """One decision for all units along these axes."""

    def ratios(rng: Rng, shape: Shape, rate: float) -> Array:
        wanted = [1 if axis in axes else n for axis, n in enumerate(shape)]
        return np.broadcast_to(right(rng, tuple(wanted), rate), shape)

    return ratios


def whole(rng: Rng, shape: Shape, rate: float) -> Array:
    """One decision a call."""
    return np.full(shape, float(rng.random() >= rate))


def counted(rng: Rng, shape: Shape, rate: float) -> Array:
    """Exactly so many units, at places that are drawn."""
    order = rng.permutation(int(np.prod(shape))).reshape(shape)
    return np.asarray(order >= round(rate * order.size), float)


def outer(rng: Rng, shape: Shape, rate: float) -> Array:
    """Whole rows and whole columns."""
    across = right(rng, shape[-1:], rate)
    return np.asarray(right(rng, (*shape[:-1], 1), rate) * across)


def runs(rng: Rng, shape: Shape, rate: float) -> Array:
    """Blocks of two that begin anywhere."""
    begins = rng.random((*shape[:-1], shape[-1] + 1)) < rate / 2
    return np.asarray(~(begins[..., 1:] | begins[..., :-1]), float)


def test_nothing_is_seen_of_a_right_layer() -> None:
    """Of elementwise dropout no fact is noted but its shares and its scale, which are right."""
    seen = seen_of(right)
    facts = {one.kind for one in seen if one.value}
    told = {Seen.DROPPED, Seen.DROPPED_WITH_GRADIENT, Seen.SCALE, Seen.ADDED, Seen.BLOCKS}
    told |= {Seen.EARLY, Seen.LATE, Seen.AT_AN_END}
    rounding = {Seen.SCALE_VARIES, Seen.SCALE_OF_CALL}
    assert facts <= told | rounding
    assert all(one.value < 1e-5 for one in seen if one.kind in rounding)
    assert evidence(right).drops_as_asked
    kinds = (noise_shape, whole_calls, fixed_count, crossed, every_call_alike, few_masks, blocks)
    kinds += (drift, tail_of_vectors)
    assert [kind(evidence(right)) for kind in kinds] == [""] * len(kinds)


@pytest.mark.parametrize(
    ("ratios", "kind", "said"),
    [
        (shared((0,)), noise_shape, "all of the first axis"),
        (shared((1,)), noise_shape, "all of the second axis"),
        (shared((2,)), noise_shape, "Whole rows"),
        (shared((1, 2)), noise_shape, "Whole samples"),
        (shared((0, 2)), noise_shape, "Whole tokens"),
        (whole, whole_calls, "The whole call"),
        (counted, fixed_count, "Exactly so many"),
        (outer, crossed, "Whole rows and whole columns"),
        (runs, blocks, "in blocks that begin anywhere"),
    ],
)
def test_a_kind_is_seen(ratios: Any, kind: Callable[[Evidence], str], said: str) -> None:
    """What the masks of a kind have in common gives it its name."""
    assert said in kind(evidence(ratios))


def test_one_mask_for_all_calls_is_seen() -> None:
    """Where a mask depends on nothing that is drawn, every call is said to have it."""

    def same(rng: Rng, shape: Shape, rate: float) -> Array:
        return right(np.random.default_rng(0), shape, rate)

    assert every_call_alike(evidence(same)).startswith(
        "Every call has the same mask, in new layers"
    )


def test_what_a_layer_raises_is_passed_over() -> None:
    """Of a layer that raises above a rate, what it does below is seen; of one that always raises,
    nothing.
    """

    def raises_above(limit: float) -> Ratios:
        def ratios(rng: Rng, shape: Shape, rate: float) -> Array:
            if rate > limit:
                raise ImplementationError("no", Fault(FaultKind.RAISED))
            return right(rng, shape, rate)

        return ratios

    assert set(evidence(raises_above(0.6)).at_rates(Seen.DROPPED)) == {0.1, 0.3, 0.5}
    assert seen_of(raises_above(0.0)) == ()
