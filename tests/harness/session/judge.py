"""The verdict of a clause of chance over all that the plan looks at for it; and one verdict a
clause over all records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dropspec.chance.conduct import Results
from dropspec.chance.judge import judge_lens, seldom
from dropspec.core.clauses import Clause
from dropspec.core.errors import Hung, ImplementationError, NotClaimed, Undecided, Violation
from dropspec.core.notes import Notes
from dropspec.core.observations import Seen
from dropspec.core.records import Judged, Record, Verdict
from dropspec.session.run import Raised, Run


def judge(run: Run, clause: str, notes: Notes) -> None:
    """The verdict of a clause by all that the plan looks at for it: raises what speaks against
    it, or notes the certificate.

    A violation comes first, then what the implementation raised in a campaign. Part of it may be
    not claimed, as where a lens is for a dtype that is not taken; all of it may not.
    """
    raised: list[Violation | Raised] = []
    certificates: list[str] = []
    for look in run.plan.looks[clause]:
        part = Notes(measured=notes.measured)
        results, errors = run.results(look.campaigns)
        raised += errors
        if look.lens == "rate":
            _note_rates(run, results, notes)
        try:
            judge_lens(results, look.lens, part)
            certificates.append(part.certificate)
        except (Violation, Undecided, NotClaimed) as error:
            raised.append(error)
            notes.telling = notes.telling or part.telling
    notes.certificate = "; ".join(filter(None, certificates))
    for kind in (Violation, Undecided, *(() if certificates else (NotClaimed,))):
        if kind is Undecided and (
            broken := [e for e in raised if isinstance(e, ImplementationError | Hung)]
        ):
            raise broken[0]
        if said := [str(error) for error in raised if isinstance(error, kind)]:
            raise kind("; ".join(dict.fromkeys(said)))


def judge_seldom(run: Run, clause: str) -> None:
    """Raises Violation where a lens of the clause saw what it must not see, but so seldom that the
    clause itself is not violated.
    """
    for look in run.plan.looks[clause]:
        results, _ = run.results(look.campaigns)
        for campaign, found in seldom(results, look.lens):
            raise Violation(
                f"{found.measured} at {campaign.name}; a generator of 31 bits that is seeded anew"
                " at each call does it as seldom: draw from one stream of a long period"
            )


def _note_rates(run: Run, results: list[Results], notes: Notes) -> None:
    for r in results:
        if r.campaign in run.plan.main:
            share, where = r.findings["rate"].share, r.campaign
            notes.observe(Seen.DROP_RATE, share, rate=where.rate, dtype=where.dtype)


def judge_clauses(
    records: Sequence[Record], clauses: Sequence[Clause], known: Mapping[str, str]
) -> tuple[Judged, ...]:
    """One verdict a clause over the records of one label: the worst of its tests. `known` are
    declared failures, clause to reason.

    A clause without any record is an ERROR: what was not run has not held.
    """
    judged = []
    for clause in clauses:
        mine = [r for r in records if r.clause == clause.id]
        if not mine:
            judged.append(
                Judged(
                    clause.id,
                    clause.title,
                    clause.level,
                    Verdict.ERROR,
                    "no test of this clause came to an end",
                    "",
                    "",
                )
            )
            continue
        worst = min(
            mine, key=lambda r: (list(Verdict).index(Verdict(r.verdict)), r.level != "MUST")
        )
        verdict, summary = Verdict(worst.verdict), worst.message
        if clause.id in known and verdict in (Verdict.VIOLATED, Verdict.DEPARTS):
            verdict, summary = Verdict.KNOWN, f"declared: {known[clause.id]} ({summary})"
        elif clause.id in known and verdict is Verdict.HOLDS:
            verdict, summary = (
                Verdict.STALE,
                f"declared as failing ({known[clause.id]}), but it holds: remove the declaration",
            )
        level = worst.level if verdict not in (Verdict.HOLDS, Verdict.NOT_CLAIMED) else clause.level
        certificate = "; ".join(
            dict.fromkeys(
                r.certificate for r in mine if r.certificate and r.verdict == Verdict.HOLDS
            )
        )
        judged.append(
            Judged(
                clause.id,
                clause.title,
                level,
                verdict,
                summary,
                certificate,
                worst.reproduce,
                worst.fault,
            )
        )
    return tuple(judged)
