"""Finds what can be extended: the modules of a package, and the entry points of other packages."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points
from typing import TypeVar

Found = TypeVar("Found")


def discover(package: str, group: str, kind: type[Found]) -> list[Found]:
    """An object of each class of that kind that a module of the package defines at its top.

    An entry point of the group names such a class, or an object of it, in another package. Raises
    TypeError where it names something else.
    """
    classes: dict[str, type[Found]] = {}
    for module_info in pkgutil.iter_modules(
        importlib.import_module(package).__path__, f"{package}."
    ):
        module = importlib.import_module(module_info.name)
        for thing in vars(module).values():
            if _is_one(thing, kind) and thing.__module__ == module.__name__:
                classes[f"{thing.__module__}.{thing.__qualname__}"] = thing
    found = [make() for make in classes.values()]
    for entry in entry_points(group=group):
        thing = entry.load()
        thing = thing() if isinstance(thing, type) else thing
        if not isinstance(thing, kind):
            raise TypeError(
                f"the entry point {entry.name!r} of the group {group} gives {type(thing).__name__},"
                f" but must give a {kind.__name__}"
            )
        found.append(thing)
    return found


def _is_one(thing: object, kind: type) -> bool:
    """Whether a thing is a concrete class of that kind."""
    is_class = isinstance(thing, type) and issubclass(thing, kind)
    return is_class and thing is not kind and not getattr(thing, "__abstractmethods__", None)
