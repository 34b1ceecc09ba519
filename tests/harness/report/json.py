"""The report for machines. `version` rises when a key changes its meaning or goes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from dropspec import __version__
from dropspec.core.options import Options
from dropspec.core.records import Answer
from dropspec.core.risk import ALPHA_RUN
from dropspec.core.target import read_targets
from dropspec.families import SPEC_VERSION
from dropspec.report.format import Format

FORMAT = 2


def as_data(answers: Sequence[Answer], options: Options) -> dict[str, Any]:
    """Everything that the terminal shows, by label and clause.

    `complete` is false where the run has not come to its end.
    """
    return {
        "version": FORMAT,
        "dropspec": __version__,
        "spec": SPEC_VERSION,
        "profile": options.profile,
        "seed": options.seed,
        "false_alarm_chance": ALPHA_RUN,
        "complete": len(answers) == len(read_targets(options.targets)),
        "labels": {
            a.label: {
                "target": a.target,
                "driven": a.driven,
                "conformant": a.conformant(options.strict),
                "unusable": a.unusable,
                "diagnosis": [asdict(cause) for cause in a.diagnosis],
                "clauses": {
                    c.clause: {k: v for k, v in asdict(c).items() if k != "clause"}
                    for c in a.clauses
                },
            }
            for a in answers
        },
    }


class Json(Format):
    """Everything that the terminal shows, for machines."""

    name = "json"

    def text(self, answers: Sequence[Answer], options: Options) -> str:
        """One object; `version` rises when a key changes its meaning or goes."""
        return json.dumps(as_data(answers, options), indent=1, ensure_ascii=False) + "\n"
