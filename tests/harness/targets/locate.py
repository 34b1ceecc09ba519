"""Imports what a target names: an attribute of a module, or of a file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zlib import crc32

from dropspec.core.errors import BadTarget, Hung, ImplementationError
from dropspec.core.framework import Framework
from dropspec.core.guard import Guard
from dropspec.core.target import Target
from dropspec.core.text import clean


def load(target: Target, frameworks: Sequence[Framework], guard: Guard) -> Any:
    """Imports what the target names, in the time that the guard gives it.

    Raises BadTarget, with the reason, where that fails; after a time-out from Hung. Where a
    framework is missing, the reason says how to install it.
    """
    if (here := str(Path.cwd())) not in sys.path:
        # as `python -m` does: a user's package lies where the command runs
        sys.path.insert(0, here)
    try:
        with guard.importing(f"importing {clean(target.where)}"):
            found: Any = (
                _run_file(Path(target.where))
                if target.is_file
                else importlib.import_module(target.where)
            )
    except ImplementationError as error:
        install = _install_line(error.__cause__, frameworks)
        raise BadTarget(f"{clean(target.text)} cannot be loaded: {error}{install}") from error
    except Hung as error:
        raise BadTarget(f"{clean(target.text)} cannot be loaded: {error}") from error
    holder = target.where
    for number, part in enumerate(target.attr.split(".")):
        found = _attribute(target, found, holder, part, guard)
        holder = f"{holder}{'.' if number else ':'}{part}"
    return found


def names_beside(target: Target) -> dict[str, Any]:
    """The names of the module, or the file, that holds a loaded target."""
    module = _name_of_file(Path(target.where)) if target.is_file else target.where
    return vars(sys.modules[module])


def _attribute(target: Target, found: Any, holder: str, part: str, guard: Guard) -> Any:
    holder, part_said = clean(holder), clean(part)
    try:
        with guard.call(f"reading {part_said!r} of {holder}"):
            return getattr(found, part)
    except (ImplementationError, Hung) as error:
        if isinstance(error.__cause__, AttributeError):
            said = f"{holder} has no attribute {part_said!r}{_offered(found, part)}"
            raise BadTarget(said) from error
        raise BadTarget(f"{clean(target.text)} cannot be loaded: {error}") from error


def _install_line(cause: BaseException | None, frameworks: Sequence[Framework]) -> str:
    """How to install the framework whose module is missing; empty where it is another module."""
    if not isinstance(cause, ModuleNotFoundError) or not cause.name:
        return ""
    missing = cause.name.split(".")[0]
    for framework in frameworks:
        if missing in framework.modules and framework.install:
            return f": install {framework.name} by `pip install '{framework.install}'`"
    return ""


def _offered(holder: Any, asked: str) -> str:
    """The end of a sentence on a missing attribute: the callable of nearly that name, or some."""
    public = [n for n in dir(holder) if not n.startswith("_")]
    names = [n for n in public if callable(getattr(holder, n, None))]
    by_letters = {n.lower(): n for n in names}  # `dropout` and `Dropout`: one of them is offered
    near = get_close_matches(asked, names, 1)
    near = near or [by_letters[n] for n in get_close_matches(asked.lower(), by_letters, 1)]
    if near:
        return f": did you mean {near[0]!r}?"
    return f"; it has {', '.join(names[:8])}" if names else ""


def _name_of_file(path: Path) -> str:
    """The name under which a file is imported."""
    return f"dropspec_target_{path.stem}_{crc32(str(path.resolve()).encode()):08x}"


def _run_file(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    importlib.util.decode_source(path.read_bytes())  # Python itself passes over bad comments
    name = _name_of_file(path)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that its classes can be pickled
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)  # as `python path/file.py` would
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
        if folder not in sys.path:
            sys.path.append(folder)  # for its later imports, after those of other targets
    return module
