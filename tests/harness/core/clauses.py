"""Reads clauses out of a page of the specification, so that all that is said of one stands once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEADING = re.compile(r"^### (?P<id>[a-z]+-\d+) — (?P<title>.+)$")
_LEVEL = re.compile(r"\b(MUST|SHOULD|MAY)\b")
_PART = re.compile(r"^\*(?P<name>[A-Z][\w ]*)\.\*", re.MULTILINE)
_FIELD = re.compile(r"(?P<name>Topic|An echo of|Shown by): (?P<value>[^.]+)\.")
ANY_CALL = "any call"


@dataclass(frozen=True)
class Clause:
    """One clause of a page.

    `level` is the first of MUST, SHOULD, MAY in its rule; `text` is all under its heading;
    `remedy` is what to say where it fails for no known reason. For the diagnosis, `topic` is what
    its failure shows, `echoes` are the kinds of fault that it fails with though its topic is
    another, and `shown_by` is what shows a failure where one output and its gradient do not.
    """

    id: str
    title: str
    level: str
    text: str
    family: str
    remedy: str = ""
    topic: str = "other"
    echoes: frozenset[str] = frozenset({ANY_CALL})
    shown_by: str = ""

    @property
    def chapter(self) -> str:
        """The chapter: what stands before the number."""
        return self.id.rsplit("-", 1)[0]


def read_clauses(text: str, family: str) -> Iterator[Clause]:
    """The clauses of a page, in its order.

    Raises ValueError for a clause whose rule has no level, or that has no remedy.
    """
    for part in re.split(r"^(?=##)", text, flags=re.MULTILINE):
        heading, _, body = part.partition("\n")
        match = _HEADING.match(heading.strip())
        if match:
            yield _clause(match["id"], match["title"].strip(), body.strip(), family)


def _clause(clause: str, title: str, text: str, family: str) -> Clause:
    level, parts = _LEVEL.search(text), parts_of(text)
    if level is None:
        raise ValueError(f"the rule of clause {clause} says neither MUST nor SHOULD nor MAY")
    if not parts.get("Remedy"):
        raise ValueError(f"clause {clause} has no *Remedy.*: say what is wrong and what to change")
    diagnosis = parts.get("Diagnosis", f"An echo of: {ANY_CALL}.")
    fields = {m["name"]: m["value"] for m in _FIELD.finditer(diagnosis)}
    echoes = frozenset(name for name in fields.get("An echo of", "").split(", ") if name)
    topic, shown_by = fields.get("Topic", "other"), fields.get("Shown by", "")
    remedy = parts["Remedy"]
    return Clause(clause, title, level[0], text, family, remedy, topic, echoes, shown_by)


def parts_of(text: str) -> dict[str, str]:
    """The parts of a clause after its rule, by name, each as one line of words."""
    _, *pieces = _PART.split(text)
    return {n: " ".join(p.split()) for n, p in zip(pieces[::2], pieces[1::2], strict=True)}
