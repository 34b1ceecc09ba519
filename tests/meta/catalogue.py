"""What lies in tests/mutants: every mutant with what it states, and the right but unusual
layers.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dropspec.tests import mutants
from dropspec.tests.mutants import right
from dropspec.tests.mutants.kit import Stated

CONFORMING = (
    "torch.nn:Dropout",
    "torch.nn.functional:dropout",
    "dropspec.reference:Dropout",
    "dropspec.reference.dropout:dropout",
    "dropspec.reference:DropConnect",
    "dropspec.reference.dropconnect:dropconnect",
)


@dataclass(frozen=True)
class Mutant:
    """A layer that breaks stated clauses: what it does, and the public issues where it was seen."""

    target: str
    clauses: tuple[str, ...]
    does: str
    seen: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its target without the package of mutants."""
        return self.target.removeprefix(f"{mutants.__name__}.")


def defined(package: Any) -> Iterator[tuple[str, Any]]:
    """What the modules of a package define, by target, whatever they import."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        for name, thing in vars(module).items():
            if getattr(thing, "__module__", "") == module.__name__:
                yield f"{module.__name__}:{name}", thing


def first_sentence(thing: Any) -> str:
    """The first sentence of a docstring, in one line."""
    text = " ".join((inspect.getdoc(thing) or "").split())
    return text.partition(". ")[0].removesuffix(".") + "."


MUTANTS = {
    target: Mutant(target, stated.clauses, first_sentence(thing), stated.seen)
    for target, thing in defined(mutants)
    if isinstance(stated := getattr(thing, "__dict__", {}).get("breaks"), Stated)
}
RIGHT_TARGETS = tuple(
    target
    for target, thing in defined(right)
    if callable(thing) and not target.rpartition(":")[2].startswith("_")
)
