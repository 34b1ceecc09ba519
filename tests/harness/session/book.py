"""The book of a pytest session: it opens the session, keeps every record, and answers at the
end.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import pytest

from dropspec.core.clauses import Clause
from dropspec.core.faults import FaultKind
from dropspec.core.framework import Framework
from dropspec.core.notes import Notes
from dropspec.core.options import options_from
from dropspec.core.property import FIXTURES, Property
from dropspec.core.records import Answer, Record, Verdict
from dropspec.families.base import Family
from dropspec.session.answers import answers
from dropspec.session.item import is_property, label_of, place_of, property_of
from dropspec.session.known_failures import declared, known_failures
from dropspec.session.record import record_of
from dropspec.session.session import Session

PROPERTY = "dropspec"


class Book:
    """Collects records as reports come in, from this process or from xdist's workers."""

    def __init__(
        self,
        config: pytest.Config,
        targets: tuple[str, ...],
        frameworks: Sequence[Framework],
        families: Sequence[Family],
    ) -> None:
        self.config, self.option = config, config.option
        self.options = options_from(config.option, "dropspec_", targets)
        self.frameworks, self.families = frameworks, families
        self.clauses: dict[str, Clause] = {c.id: c for f in families for c in f.clauses()}
        self.complaints: list[str] = []  # of reports that could not be written
        self.records: list[tuple[list[Any], Record]] = []

    @cached_property
    def session(self) -> Session:
        """The session of this pytest run, with its targets loaded."""
        return Session(self.options, self.frameworks, self.families)

    @cached_property
    def known(self) -> list[dict[str, str]]:
        """The failures that --dropspec-known declares."""
        return known_failures(self.options.known, self.clauses) if self.options.known else []

    # collection

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Passes over the properties of other clauses, and over those that have no target."""
        asked = self.options.clauses or self.clauses
        ours = [item for item in items if is_property(item)]
        out = {i for i in ours if label_of(i) is None or self._property(i).clause not in asked}
        if out:
            self.config.hook.pytest_deselected(items=list(out))
            items[:] = [item for item in items if item not in out]

    def _property(self, item: pytest.Item) -> Property:
        return property_of(item, self.clauses)

    # running

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turns how a property ended into a record on its report, and a failure into a sentence."""
        label = label_of(item) if is_property(item) else None
        if label is None or (call.when != "call" and not call.excinfo):
            return (yield)
        error = call.excinfo.value if call.excinfo else None
        notes = getattr(item, "funcargs", {}).get(f"{FIXTURES}notes") or Notes()
        run = self.session.runs[label]
        record = record_of(run, self._property(item), error, notes, self.options)
        if record.verdict == Verdict.VIOLATED:
            record = replace(record, observations=record.observations + run.examined)
        if error is not None:  # pytest would print what the layer raised, whatever that does
            error.__cause__ = error.__context__ = None
        report = yield
        told = {"place": place_of(item), "record": record.as_data()}
        report.user_properties.append((PROPERTY, json.dumps(told)))
        said = f"{record.clause} {record.verdict}: {record.message}"
        said += f"\nreproduce: {record.reproduce}" if record.reproduce else ""
        excused = record.verdict == "DEPARTS" and not self.options.strict
        if record.verdict in ("VIOLATED", "DEPARTS") and self._declared(record):
            excused = True
        if record.verdict == "NOT CLAIMED" or excused:
            report.outcome, report.longrepr = "skipped", (str(item.path), 0, said)
            if excused:
                report.wasxfail = said
        elif record.verdict != "HOLDS":
            report.outcome = "failed"
            if record.fault is None or record.fault.kind is not FaultKind.OURS:
                report.longrepr = said
        return report

    def _declared(self, record: Record) -> bool:
        """Whether the user declared that this clause fails for this target."""
        text = self.session.targets[record.label].text
        return record.clause in declared(self.known, record.label, text)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps the record of a property."""
        for name, value in report.user_properties:
            if name == PROPERTY:
                told = json.loads(str(value))
                self.records.append((told["place"], Record.from_data(told["record"])))

    # the end

    @property
    def reports(self) -> bool:
        """Whether this process reports: not xdist's workers."""
        is_worker = hasattr(self.config, "workerinput")
        return bool(self.option.dropspec and not is_worker)

    def answers(self) -> list[Answer]:
        """The answers over all records so far."""
        opened = self.session
        asked = [c for c in self.clauses.values() if c.id in (self.options.clauses or self.clauses)]
        # whatever the order in which they came, as from several workers
        records = [record for _, record in sorted(self.records, key=lambda one: one[0])]
        return answers(records, opened.labels, opened.unusable, asked, self.known)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """An unusable target or a stale declaration fails the run, whatever the tests said."""
        if not self.reports:
            return
        found = self.answers()
        if any(a.unusable for a in found):
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif session.exitstatus == pytest.ExitCode.OK and not all(
            a.conformant(self.options.strict) for a in found
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
