"""What the user typed: `[label=]module:attribute` or `[label=]path/file.py:attribute`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dropspec.core.errors import BadTarget
from dropspec.core.text import clean

FORM = (
    "[label=]module:attribute or [label=]path/file.py:attribute, for instance"
    " mypackage.layers:MyDropout"
)
LABEL = 200  # signs of a label that are kept


@dataclass(frozen=True)
class Target:
    """A label for the report, a module or a file, and an attribute in it.

    `said` is a lambda in Python, of the names of that module, which is driven in place of the
    attribute; `form` is what it does: it builds, or it calls.
    """

    label: str
    where: str
    attr: str
    form: str = ""
    said: str = ""

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
        """How a snippet calls it: the last part of the attribute, or what it does."""
        return self.form or self.attr.split(".")[-1]

    @property
    def driven(self) -> str:
        """The expression by which it is driven; empty where it is driven as it is."""
        return self.said.partition(": ")[2]

    @property
    def import_line(self) -> str:
        """Python that makes `name` mean the target."""
        head, *rest = self.attr.split(".")
        if self.is_file:
            folder = str(Path(self.where).parent)
            path = "" if folder == "." else f"import sys; sys.path.insert(0, {folder!r}); "
            ran = f"runpy.run_path({self.where!r})"
            found = f"eval({self.said!r}, {ran})" if self.said else f"{ran}[{head!r}]"
            parts = [found] if self.said else [found, *rest]
            return f"{path}import runpy; {self.name} = {'.'.join(parts)}"
        if self.said:
            return f"import {self.where} as m; {self.name} = eval({self.said!r}, vars(m))"
        assigned = f"; {self.name} = {self.attr}" if rest else ""
        return f"from {self.where} import {head}{assigned}"


def parse_target(text: str) -> Target:
    """Reads one target, and cleans its label. Raises BadTarget with the form that was expected."""
    label, equals, rest = text.partition("=")
    spec = rest if equals else text
    where, colon, attr = spec.rpartition(":")
    if not (colon and where and attr) or (equals and not label.strip()):
        raise BadTarget(f"{clean(text)!r} is not a target: give {FORM}")
    if "=" in where:
        raise BadTarget(
            f"{clean(text)!r} has more than one '=': a label has none in it; give {FORM}"
        )
    if "/" in where and not where.endswith(".py"):
        raise BadTarget(
            f"{clean(where)!r} is neither a module, which has dots, nor a file, which ends in .py:"
            f" give {FORM}"
        )
    return Target(clean(label if equals else spec, LABEL), where, attr)


@dataclass(frozen=True)
class Unreadable:
    """What was typed for a target and is none, or has the label of another one; and why."""

    text: str
    why: str


def read_targets(texts: Iterable[str]) -> dict[str, Target | Unreadable]:
    """What was typed, by label, in the order given."""
    found: dict[str, Target | Unreadable] = {}
    for text in texts:
        label = clean(text, LABEL)
        try:
            target = parse_target(text)
            label = target.label
            if label in found:
                raise BadTarget(
                    f"two targets have the label {label!r}: give each its own by label=target"
                )
            found[label] = target
        except BadTarget as error:
            label = clean(text, LABEL) if label in found else label
            while label in found:
                label += " again"
            found[label] = Unreadable(clean(text.rpartition("=")[2]), str(error))
    return found
