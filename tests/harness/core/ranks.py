"""Numbers of axes: many layers document that they take some only. They are judged at those."""

from __future__ import annotations

from collections.abc import Collection
from math import prod
from typing import Any

MOST_AXES = 5  # what is taken with so many is taken with more


def shape_taken(shape: tuple[int, ...], refused: Collection[int]) -> tuple[int, ...]:
    """The shape of as many elements that has a number of axes which is taken: this one, or it with
    axes of 1 before it, or, where no more axes are taken, with its first axes merged.

    Elementwise dropout is the same whatever the shape, so a call at either is a call at the other.
    """
    axes = min(len(shape), MOST_AXES)
    if axes not in refused:
        return shape
    for more in range(axes + 1, MOST_AXES + 1):
        if more not in refused:
            return (1,) * (more - len(shape)) + shape
    fewer = next(n for n in range(axes - 1, -1, -1) if n not in refused)
    first = len(shape) - fewer + 1
    return (prod(shape[:first]), *shape[first:])


def with_axes_taken(x: Any, refused: Collection[int]) -> Any:
    """An array of any framework in the shape that is taken: itself where that is its own."""
    if not refused:
        return x
    shape = shape_taken(tuple(x.shape), refused)
    return x if shape == tuple(x.shape) else x.reshape(shape)


def with_axes_of(x: Any, own: Any, reply: Any) -> Any:
    """What a layer replied to `own`, as if it had been given x: of a pair, the first is an array of
    its shape. A reply of another shape is left for whoever judges it.
    """
    if own is x:
        return reply
    if isinstance(reply, tuple) and len(reply) == 2:
        return with_axes_of(x, own, reply[0]), reply[1]
    return reply.reshape(x.shape) if getattr(reply, "shape", None) == own.shape else reply
