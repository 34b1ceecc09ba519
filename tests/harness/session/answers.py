"""Puts all records of a run together: an answer a target, with declared failures and the
diagnosis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dropspec.core.clauses import Clause
from dropspec.core.records import About, Answer, Record
from dropspec.diagnosis.causes import diagnose
from dropspec.session.judge import judge_clauses
from dropspec.session.known_failures import declared


def answers(
    records: Sequence[Record],
    labels: Mapping[str, About],
    unusable: Mapping[str, tuple[str, str]],
    asked: Sequence[Clause],
    known: Sequence[Mapping[str, str]],
) -> list[Answer]:
    """One answer a label, in the order given, over the clauses of its family.

    `labels` says what each is about; `asked` are the clauses that were to be judged. A
    label that none of them is about has no answer to give, and is said to be unusable.
    """
    found = []
    for label, about in labels.items():
        mine = [r for r in records if r.label == label]
        clauses = [clause for clause in asked if clause.family == about.family]
        judged = judge_clauses(mine, clauses, declared(known, label, about.target))
        measured = [(r.clause, one) for r in mine for one in r.observations]
        causes = diagnose(judged, measured, {clause.id: clause for clause in clauses})
        unusable_as = "" if clauses else _none_of(about.family)
        found.append(Answer(label, about.target, judged, causes, unusable_as, about.driven))
    return found + [
        Answer(label, target, unusable=why) for label, (target, why) in unusable.items()
    ]


def _none_of(family: str) -> str:
    page = f"spec/{family}.md"
    return f"it is judged as {family}, and the clauses asked for are not of {page} (see --family)"
