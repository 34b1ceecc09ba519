"""Which frameworks the sources of targets mention: read as text, for nothing is imported yet."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from dropspec.core.framework import Framework
from dropspec.core.target import Target, read_targets


def preloaded(targets: Sequence[str], frameworks: Sequence[Framework]) -> list[str]:
    """What to import early for these targets: modules of each framework that one of them mentions
    in its module's name or source.

    A guess: a target gets what it imports, anyway.
    """
    read = [one for one in read_targets(targets).values() if isinstance(one, Target)]
    texts = [f"{target.where} {_source(target)}" for target in read]
    return [
        name
        for framework in frameworks
        if any(re.search(rf"\b{re.escape(m)}\b", t) for m in framework.modules for t in texts)
        for name in framework.preload
    ]


def _source(target: Target) -> str:
    try:
        path = Path(target.where) if target.is_file else _file_of(target.where)
        return path.read_text("utf-8", "replace") if path and path.is_file() else ""
    except (OSError, ValueError, ImportError, AttributeError):
        return ""  # whoever loads it says what is wrong with it


def _file_of(module: str) -> Path | None:
    """The file of a module, found without importing packages of the user's."""
    first, *parts = module.split(".")
    places = [str(Path.cwd()), *sys.path]
    if first in sys.modules:
        spec: ModuleSpec | None = importlib.util.find_spec(module)
    else:
        spec, name = PathFinder.find_spec(first, places), first
        for part in parts:
            if spec is None:
                return None
            name = f"{name}.{part}"
            spec = PathFinder.find_spec(name, spec.submodule_search_locations)
    return Path(spec.origin) if spec and spec.origin else None
