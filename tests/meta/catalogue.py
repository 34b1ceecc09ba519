"""What lies in tests/mutants: every mutant with the clauses it states, and the layers that are right but unusual."""

from __future__ import annotations

import importlib
import pkgutil

from dropspec.tests import mutants
from dropspec.tests.mutants.connections import RIGHT_CONNECTIONS
from dropspec.tests.mutants.right import RIGHT

CONFORMING = (
    "torch.nn:Dropout",
    "torch.nn.functional:dropout",
    "dropspec.reference:Dropout",
    "dropspec.reference.dropout:dropout",
    "dropspec.reference:DropConnect",
    "dropspec.reference.dropconnect:dropconnect",
)
RIGHT_TARGETS = (
    *(f"dropspec.tests.mutants.right:{name}" for name in RIGHT),
    *(f"dropspec.tests.mutants.connections:{name}" for name in RIGHT_CONNECTIONS),
)


def stated() -> dict[str, tuple[str, ...]]:
    """Every mutant as a target, with the clauses that it breaks."""
    found: dict[str, tuple[str, ...]] = {}
    for module_info in pkgutil.iter_modules(mutants.__path__):
        module = importlib.import_module(f"{mutants.__name__}.{module_info.name}")
        for name, thing in vars(module).items():
            if getattr(thing, "__module__", "") == module.__name__ and "breaks" in vars(thing):
                found[f"{module.__name__}:{name}"] = vars(thing)["breaks"]
    return found


MUTANTS = stated()
