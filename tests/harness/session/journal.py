"""The journal that a child process writes: every outcome as it comes, so that nothing is lost
with the child.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dropspec.core.faults import Fault, FaultKind
from dropspec.core.records import Record, Verdict

DEATHS = 30  # a layer that has ended so many processes is not run any further; the others are


@dataclass
class Journal:
    """What the children wrote: the targets, the tests planned, started and ended, and the
    records.
    """

    labels: dict[str, tuple[str, str]] = field(default_factory=dict)
    unusable: dict[str, tuple[str, str]] = field(default_factory=dict)
    planned: dict[str, list[str]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    open: list[str] = field(default_factory=list)
    loading: str = ""
    deaths: Counter[str] = field(default_factory=Counter)
    records: list[Record] = field(default_factory=list)

    def read(self, text: str) -> None:
        """Takes in the journal of one child."""
        for line in text.splitlines():
            try:
                event: dict[str, Any] = json.loads(line)
            except json.JSONDecodeError:
                continue  # the line that the child died in
            match event["event"]:
                case "loading":
                    self.loading = event["target"]
                case "targets":
                    self.loading = ""
                    self.labels.update(
                        {
                            label: (target, family)
                            for label, (target, family) in event["labels"].items()
                        }
                    )
                    self.unusable.update(
                        {label: (target, why) for label, (target, why) in event["unusable"].items()}
                    )
                case "planned":
                    self.planned.update(event["tests"])
                case "start":
                    self.open.append(event["test"])
                case "result":
                    self.records.append(Record.from_data(event["record"]))
                    self.ended.add(event["test"])
                case "end":
                    self.ended.add(event["test"])

    def join(self, other: Journal) -> None:
        """Takes in what another shard found."""
        self.labels.update(other.labels)
        self.unusable.update(other.unusable)
        self.records += other.records

    def lost(self, why: str) -> None:
        """Lays the end of a child to the tests that had begun and not ended."""
        self.deaths.update(
            self.planned[t][0] for t in self.open if t in self.planned and t not in self.ended
        )
        self.lose(self.open, why)
        self.open.clear()
        for label in (label for label, deaths in self.deaths.items() if deaths >= DEATHS):
            self.lose(
                [t for t, (owner, *_) in self.planned.items() if owner == label],
                f"not run: it ended {DEATHS} processes before",
            )

    def lose(self, tests: Iterable[str], why: str) -> None:
        """Records an error for those of these tests that have not ended."""
        for test in tests:
            if test in self.planned and test not in self.ended:
                label, clause, level, *again = self.planned[test]
                died, line = Fault(FaultKind.DIED), "".join(again)
                bad = Verdict.ERROR.value
                self.records.append(
                    Record(label, clause, level, bad, why, reproduce=line, fault=died)
                )
                self.ended.add(test)

    @property
    def left(self) -> int:
        """How many tests have still to be run."""
        return len(self.planned.keys() - self.ended)
