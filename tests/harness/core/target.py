"""What the user typed: `[label=]module:attribute` or `[label=]path/file.py:attribute`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dropspec.core.errors import BadTarget


@dataclass(frozen=True)
class Target:
    """A label for the report, a module or a file, and an attribute in it."""

    label: str
    where: str
    attr: str

    @property
    def text(self) -> str:
        """The target as the user would type it, without the label."""
        return f"{self.where}:{self.attr}"

    @property
    def is_file(self) -> bool:
        """Whether it names a file, not a module."""
        return self.where.endswith(".py")

    @property
    def name(self) -> str:
        """The last part of the attribute: how a snippet calls it."""
        return self.attr.split(".")[-1]

    @property
    def import_line(self) -> str:
        """Python that makes `name` mean the target."""
        head, *rest = self.attr.split(".")
        if self.is_file:
            folder = str(Path(self.where).parent)
            path = "" if folder == "." else f"import sys; sys.path.insert(0, {folder!r}); "
            found = f"runpy.run_path({self.where!r})[{head!r}]"
            return f"{path}import runpy; {self.name} = {'.'.join([found, *rest])}"
        assigned = f"; {self.name} = {self.attr}" if rest else ""
        return f"from {self.where} import {head}{assigned}"


def parse_target(text: str) -> Target:
    """Reads one target. Raises BadTarget with the form that was expected."""
    label, equals, rest = text.partition("=")
    spec = rest if equals else text
    where, colon, attr = spec.rpartition(":")
    if not (colon and where and attr) or (equals and not label.strip()):
        raise BadTarget(
            f"{text!r} is not a target: give [label=]module:attribute or "
            "[label=]path/file.py:attribute, for instance mypackage.layers:MyDropout"
        )
    return Target(label if equals else spec, where, attr)
