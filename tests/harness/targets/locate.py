"""Reads what the user types, `[label=]module:attr` or `[label=]path/file.py:attr`, and imports what it names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zlib import crc32

from dropspec.core.errors import BadTarget, Hung, ImplementationError
from dropspec.core.guard import Guard

IMPORT_LIMIT_S = 60.0


@dataclass(frozen=True)
class Target:
    """What one `--dropspec` names: a label for the report, a module or a file, and an attribute in it."""

    label: str
    where: str
    attr: str

    @property
    def text(self) -> str:
        """As the user would type it, without the label."""
        return f"{self.where}:{self.attr}"

    @property
    def is_file(self) -> bool:
        """Whether it names a file, not a module."""
        return self.where.endswith(".py")

    @property
    def import_line(self) -> str:
        """Python that makes `name` mean the target."""
        if self.is_file:
            folder = str(Path(self.where).parent)
            beside = "" if folder == "." else f"import sys; sys.path.insert(0, {folder!r}); "
            return f"{beside}import runpy; {self.name} = runpy.run_path({self.where!r})[{self.attr.split('.')[0]!r}]" + self._rest()
        head = self.attr.split(".")[0]
        return f"from {self.where} import {head}" + (f"; {self.name} = {self.attr}" if "." in self.attr else "")

    def _rest(self) -> str:
        return "".join("." + part for part in self.attr.split(".")[1:])

    @property
    def name(self) -> str:
        """The last part of the attribute: how a snippet calls it."""
        return self.attr.split(".")[-1]


def parse_target(text: str) -> Target:
    """Reads one target. Raises BadTarget with the form that was expected."""
    label, equals, rest = text.partition("=")
    spec = rest if equals else text
    where, colon, attr = spec.rpartition(":")
    if not (colon and where and attr) or (equals and not label.strip()):
        raise BadTarget(
            f"{text!r} is no target: give [label=]module:attribute or [label=]path/file.py:attribute, for instance torch.nn:Dropout"
        )
    return Target(label if equals else spec, where, attr)


def load(target: Target) -> Any:
    """Imports what the target names. Raises BadTarget where that fails, with the reason."""
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)  # as `python -m` would: a user's package lies where the command is run
    guard = Guard(IMPORT_LIMIT_S)
    try:
        with guard.call(f"importing {target.where}"):
            found: Any = _run_file(Path(target.where)) if target.is_file else importlib.import_module(target.where)
    except ImplementationError as error:
        raise BadTarget(f"{target.text} cannot be loaded: {error}") from error.__cause__
    except Hung as error:
        raise BadTarget(f"{target.text} cannot be loaded: {error}") from error
    holder = target.where
    for number, part in enumerate(target.attr.split(".")):
        if not hasattr(found, part):
            raise BadTarget(f"{holder} has no attribute {part!r}{_offered(found, part)}")
        found, holder = getattr(found, part), f"{holder}{'.' if number else ':'}{part}"
    return found


def _offered(holder: Any, asked: str) -> str:
    """What a sentence on a missing attribute ends with: the public callable of nearly that name, or else the first eight there are."""
    names = [n for n in dir(holder) if not n.startswith("_") and callable(getattr(holder, n, None))]
    by_letters = {n.lower(): n for n in names}  # of `dropout` and `Dropout` either will do: only one is offered
    near = get_close_matches(asked, names, 1) or [by_letters[n] for n in get_close_matches(asked.lower(), by_letters, 1)]
    if near:
        return f": did you mean {near[0]!r}?"
    return f"; it has {', '.join(names[:8])}" if names else ""


def _run_file(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    name = f"dropspec_target_{path.stem}_{crc32(str(path.resolve()).encode()):08x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that what the file defines can be pickled
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
            sys.path.append(folder)  # for what it imports later; what other targets import comes first
    return module
