"""How far the children of one target have come: what they said, and what was lost with them.

What is lost to a time-out or a death is tried once more in a fresh process before it is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dropspec.core.faults import Fault, FaultKind
from dropspec.core.observations import Observation
from dropspec.core.records import Record, Verdict
from dropspec.core.target import Target
from dropspec.core.text import clean

DEATHS = 30  # a layer that has ended so many processes is not run any further
CONFIRMED = 2  # losses that came a second time: from then on the first time is enough


@dataclass
class Progress:
    """One part of a target's properties: planned, begun and ended over all of its children.

    `planned` has for each property its clause, its level and a line that reproduces it; `seen` is
    what an examination saw, where something failed.
    """

    target: Target
    part: int
    family: str = ""
    driven: str = ""
    unusable: str = ""
    planned: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    seen: tuple[Observation, ...] = ()
    hung: dict[str, Record] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)
    begun: str = ""
    stage: str = ""
    deaths: int = 0
    confirmed: int = 0
    is_finished: bool = False
    is_complete: bool = False

    def start(self) -> frozenset[str]:
        """A new child begins; returns what it need not do."""
        self.begun, self.stage, self.is_finished = "", "before it was loaded", False
        return frozenset(self.records)

    def hear(self, message: Mapping[str, Any]) -> None:
        """Takes in a message of the child. Raises KeyError and the like for a malformed one."""
        match message["kind"]:
            case "begun":
                self.stage = "while it was loaded"
            case "loaded":
                self.stage = "at its first calls"
            case "unusable":
                self._give_up(clean(message["why"]), is_sure=not message["hung"])
            case "planned":
                self.family, self.driven = str(message["family"]), str(message["driven"])
                self.stage = ""
                self.planned = {t: (c, lv, again) for t, (c, lv, again) in message["tests"].items()}
            case "begin":
                self.begun = str(message["test"])
            case "end":
                self._ended(message["test"], Record.from_data(message["record"]))
            case "examined":
                self.seen = tuple(Observation.from_data(one) for one in message["seen"])
            case "failed":
                self._give_up(f"dropspec met {clean(message['why'])} when it judged it", True)
            case "done":
                self.is_finished = True
                self.is_complete = bool(self.unusable) or bool(self.family and not self.left)

    def _ended(self, test: str, record: Record) -> None:
        """Keeps a record; that of a first time-out aside."""
        clause, level, _ = self.planned.get(test, ("", "", ""))
        if test in self.records or (record.clause, record.level) != (clause, level):
            return
        self.begun, record = "", replace(record, label=self.target.label)
        if record.fault is None or record.fault.kind is not FaultKind.HUNG:
            self.records[test] = record
            self.hung.pop(test, None)
        elif test not in self.hung and self.confirmed < CONFIRMED:
            self.hung[test] = record
        else:
            self.hung.pop(test, None)
            self._confirm(test, record)

    def _confirm(self, test: str, record: Record) -> None:
        self.records[test] = record
        self.confirmed += 1
        if self.confirmed >= CONFIRMED:
            self.records.update(self.hung)
            self.hung.clear()

    def _give_up(self, why: str, is_sure: bool) -> None:
        """It cannot be judged; a possible accident is tried once more."""
        self.lost[""] += 1
        if is_sure or self.lost[""] > 1:
            self.unusable, self.is_complete = why, True

    def died(self, why: str) -> None:
        """Lays the end of a child to the property that had begun, at the second time."""
        if self.stage:
            self._give_up(f"{why} {self.stage}", is_sure=False)
            return
        self.deaths += 1
        if self.begun:
            self.lost[self.begun] += 1
            if self.lost[self.begun] > 1 or self.confirmed >= CONFIRMED:
                self._confirm(self.begun, self._error(self.begun, why))
        if self.deaths >= DEATHS:
            for test in self.left:
                self.records[test] = self._error(
                    test, f"not run: it ended {DEATHS} processes before"
                )
        self.is_complete = not self.left

    def found(self) -> list[Record]:
        """The records in the order of the plan; a failure carries what the examination saw."""
        records = [self.records[test] for test in self.planned if test in self.records]
        for place, one in enumerate(records):
            if one.verdict == Verdict.VIOLATED:
                records[place] = replace(one, observations=one.observations + self.seen)
                break
        return records

    @property
    def left(self) -> list[str]:
        """What has still to be run."""
        return [test for test in self.planned if test not in self.records]

    def _error(self, test: str, why: str) -> Record:
        clause, level, again = self.planned[test]
        died, bad = Fault(FaultKind.DIED), Verdict.ERROR.value
        return Record(self.target.label, clause, level, bad, why, reproduce=again, fault=died)
