"""What one pytest session knows: the targets, the options, and the runs made so far."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .outcomes import BadTarget
from .plan import PROFILES
from .run import Run
from .targets import Target, adapt, parse_target
from .verdicts import Answer, Record, judge_clauses

DEFAULT_TARGETS = ("torch.nn:Dropout", "dropspec.reference:Dropout", "numpy-reference=dropspec.reference.dropout:dropout")


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    targets: tuple[str, ...] = DEFAULT_TARGETS
    profile: str = "standard"
    seed: int = 0
    strict: bool = False
    timeout_s: float = 10.0
    clauses: tuple[str, ...] = ()
    known: str = ""


@dataclass
class Session:
    """The targets by label, those that cannot be used with the reason, and a run for each of the others."""

    options: Options
    targets: dict[str, Target] = field(default_factory=dict)
    unusable: dict[str, tuple[str, str]] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)

    def load(self) -> None:
        """Loads every target once; what cannot be loaded is noted, and the others go on."""
        for text in self.options.targets if not self.targets and not self.unusable else ():
            label = text
            try:
                target = parse_target(text)
                label = target.label
                if label in self.targets:
                    raise BadTarget(f"two targets have the label {label!r}: give each its own by label=target")
                self.runs[label] = Run(adapt(target, self.options.timeout_s), PROFILES[self.options.profile], self.options.seed)
                self.targets[label] = target
            except BadTarget as error:
                self.unusable[label if label not in self.targets else text] = (text.rpartition("=")[2], str(error))

    def run(self, label: str) -> Run:
        """The run over the implementation of that label."""
        return self.runs[label]


def known_failures(path: str) -> list[dict[str, str]]:
    """Reads declared failures: TOML with [[known]] tables of `clause`, `reason` and, for one target only, `target`.

    Raises ValueError with what is missing where.
    """
    try:
        tables = tomllib.loads(Path(path).read_text("utf-8")).get("known", [])
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"the known failures in {path} cannot be read: {error}") from error
    for number, table in enumerate(tables, 1):
        missing = [key for key in ("clause", "reason") if not table.get(key)]
        if missing:
            raise ValueError(f"[[known]] number {number} in {path} lacks {' and '.join(missing)}: every declared failure names its clause and a reason")
    return list(tables)


def answers(
    records: Sequence[Record],
    labels: dict[str, str],
    unusable: dict[str, tuple[str, str]],
    clause_ids: Sequence[str],
    known: Sequence[dict[str, str]],
) -> list[Answer]:
    """One answer a label, in the order given; `labels` maps label to target, `clause_ids` are those that were to be judged."""
    from .clauses import all_clauses
    from .diagnosis import diagnose

    clauses = [c for c in all_clauses().values() if c.id in clause_ids]
    found = []
    for label, target in labels.items():
        mine = [r for r in records if r.label == label]
        declared = {k["clause"]: k["reason"] for k in known if k.get("target", target) in (target, label)}
        judged = judge_clauses(mine, clauses, declared)
        seen = {name: value for r in mine for name, value in r.observations.items()}
        found.append(Answer(label, target, judged, diagnose(judged, seen)))
    return found + [Answer(label, target, unusable=why) for label, (target, why) in unusable.items()]
