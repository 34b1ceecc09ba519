"""Reads the clauses out of the specification, so that ids, titles and levels are written down once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEADING = re.compile(r"^### (?P<id>[a-z]+-\d+) — (?P<title>.+)$")
_LEVEL = re.compile(r"\b(MUST|SHOULD|MAY)\b")


@dataclass(frozen=True)
class Clause:
    """One clause of spec/<family>.md: `level` is the first of MUST, SHOULD, MAY in its rule; `text` is all under its heading."""

    id: str
    title: str
    level: str
    text: str
    family: str

    @property
    def chapter(self) -> str:
        """The chapter: what stands before the number."""
        return self.id.rsplit("-", 1)[0]


def read_clauses(text: str, family: str) -> Iterator[Clause]:
    """The clauses of a page, in its order. Raises ValueError for a rule without a level."""
    for part in re.split(r"^(?=##)", text, flags=re.MULTILINE):
        heading, _, body = part.partition("\n")
        match = _HEADING.match(heading.strip())
        if not match:
            continue
        level = _LEVEL.search(body)
        if level is None:
            raise ValueError(f"the rule of clause {match['id']} says neither MUST nor SHOULD nor MAY")
        yield Clause(match["id"], match["title"].strip(), level[0], body.strip(), family)
