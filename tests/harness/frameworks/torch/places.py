"""Finds where a module class holds the parameters of its family: by their shapes and names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import nn

from dropspec.core.errors import BadTarget, Hung, ImplementationError
from dropspec.core.facts import Facts, Place
from dropspec.core.site import Site


class Constructor(Protocol):
    """What the search needs of a driver."""

    facts: Facts
    site: Site

    def construction(self, rate: Any, sizes: tuple[int, ...]) -> nn.Module:
        """A new module."""

    def construction_of(self, rate: Any, sizes: tuple[int, ...]) -> str:
        """The construction in Python."""


def find_places(driver: Constructor) -> Mapping[str, Place]:
    """The place of each parameter that is found. Raises BadTarget where the first is missing."""
    shapes = driver.site.sample_shapes()
    sizes, target = driver.site.sizes(shapes), driver.facts.target.text
    own = parameters_of(driver, sizes)
    places = {name: _place(name, shape, own) for name, shape in shapes.items()}
    first, shape = next(iter(shapes.items()))
    if not places[first]:
        held = ", ".join(f"{n} {s}" for n, s in own.items()) or "none"
        raise BadTarget(
            f"{target} has no parameter of shape {shape} when built as "
            f"{driver.construction_of(0.5, sizes)} (it has {held}): "
            f"dropspec sets the {first} to read the masks"
        )
    return {name: place for name, place in places.items() if place}


def parameters_of(driver: Constructor, sizes: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The parameters of a new module by name, with their shapes. Raises BadTarget."""
    try:
        module = driver.construction(0.5, sizes)
    except (ImplementationError, Hung) as error:
        raise BadTarget(f"{driver.facts.target.text} cannot be built: {error}") from error
    return {name: tuple(p.shape) for name, p in module.named_parameters()}


def _place(name: str, shape: tuple[int, ...], own: Mapping[str, tuple[int, ...]]) -> Place | None:
    """The parameter of that shape, or turned; of several, one of that name, or the shortest."""
    found = [n for n, s in own.items() if s in (shape, shape[::-1])]
    if not found:
        return None
    best = min(found, key=lambda n: (name not in n, len(n)))
    return Place(best, own[best] != shape)
