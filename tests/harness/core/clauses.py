"""Reads clauses out of a page of the specification, so that all that is said of one stands once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEADING = re.compile(r'^### (?:<a id=".*?"></a>)?(?P<id>[a-z]+-\d+) — (?P<title>.+)$')
_LEVELS = ("MUST", "SHOULD", "MAY")
_LEVEL = re.compile(rf"\b({'|'.join(_LEVELS)})\b")
_TERMS = re.compile(
    r"^\*Level:\* .+? · \*Since:\* (?P<since>.+?) · \*Needs:\* (?P<needs>.+)$",
    re.MULTILINE,
)
_PART = re.compile(r"^\*(?P<name>[A-Z][\w ]*)\.\*", re.MULTILINE)
_FOLDS = re.compile(r"^</?details>.*$", re.MULTILINE)
_FIELD = re.compile(r"(?P<name>Topic|An echo of|Shown by): (?P<value>[^.]+)\.")
_INCIDENT = re.compile(r"(?<![\w/.-])[A-Za-z][\w.-]*(?:/[\w.-]+)?#\d+")
ANY_CALL = "any call"


@dataclass(frozen=True)
class Clause:
    """One clause of a page.

    `rule` is what an implementation has to do, and `level` the first of MUST, SHOULD, MAY in it;
    `needs` is what an implementation must offer for the clause to be claimed; `text` is all under
    its heading; `remedy` is what to say where it fails for no known reason. For the diagnosis,
    `topic` is what its failure shows, `echoes` are the kinds of fault that it fails with though its
    topic is another, and `shown_by` is what shows a failure where one output and its gradient do
    not.
    """

    id: str
    title: str
    level: str
    text: str
    family: str
    rule: str = ""
    levels: tuple[str, ...] = ()
    since: str = ""
    needs: tuple[str, ...] = ()
    tolerance: str = ""
    remedy: str = ""
    source: str = ""
    topic: str = "other"
    echoes: frozenset[str] = frozenset({ANY_CALL})
    shown_by: str = ""

    @property
    def chapter(self) -> str:
        """The chapter: what stands before the number."""
        return self.id.rsplit("-", 1)[0]

    @property
    def incidents(self) -> tuple[str, ...]:
        """The incidents that the clause cites, each as project#number, in its order."""
        return tuple(dict.fromkeys(_INCIDENT.findall(self.text)))


def read_clauses(text: str, family: str) -> Iterator[Clause]:
    """The clauses of a page, in its order.

    Raises ValueError for a clause whose rule has no level, that has no line of its level, or that
    has no remedy.
    """
    for part in re.split(r"^(?=##)", text, flags=re.MULTILINE):
        heading, _, body = part.partition("\n")
        match = _HEADING.match(heading.strip())
        if match:
            yield _clause(match["id"], match["title"].strip(), body.strip(), family)


def _clause(name: str, title: str, text: str, family: str) -> Clause:
    terms = _TERMS.search(text)
    if terms is None:
        missing = "*Level:* … · *Since:* … · *Needs:* …"
        raise ValueError(f"clause {name} has no line {missing} under its rule")
    rule = " ".join(text[: terms.start()].split())
    levels = sorted({*_LEVEL.findall(rule)}, key=_LEVELS.index)
    if not levels:
        raise ValueError(f"the rule of clause {name} says neither MUST nor SHOULD nor MAY")
    parts = parts_of(text)
    if not parts.get("Remedy"):
        raise ValueError(f"clause {name} has no *Remedy.*: say what is wrong and what to change")
    diagnosis = parts.get("Diagnosis", f"An echo of: {ANY_CALL}.")
    fields = {m["name"]: m["value"] for m in _FIELD.finditer(diagnosis)}
    return Clause(
        id=name,
        title=title,
        level=_LEVEL.findall(rule)[0],
        text=text,
        family=family,
        rule=rule,
        levels=tuple(levels),
        since=terms["since"],
        needs=tuple(need for need in terms["needs"].split(", ") if need != "nothing"),
        tolerance=parts.get("Tolerance", ""),
        remedy=parts["Remedy"],
        source=parts.get("Source", ""),
        topic=fields.get("Topic", "other"),
        echoes=frozenset(one for one in fields.get("An echo of", "").split(", ") if one),
        shown_by=fields.get("Shown by", ""),
    )


def parts_of(text: str) -> dict[str, str]:
    """The parts of a clause after its rule, by name, each as one line of words."""
    _, *pieces = _PART.split(_FOLDS.sub("", text))
    return {n: " ".join(p.split()) for n, p in zip(pieces[::2], pieces[1::2], strict=True)}
