"""The book of a pytest session: it opens the session, keeps every record, and answers at the
end.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Generator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from dropspec.core.clauses import Clause
from dropspec.core.faults import FaultKind
from dropspec.core.framework import Framework
from dropspec.core.options import options_from
from dropspec.core.records import Answer, Record
from dropspec.families.base import Family
from dropspec.session.answers import answers
from dropspec.session.item import clause_of, is_judged, label_of
from dropspec.session.known_failures import declared, known_failures
from dropspec.session.record import record_of
from dropspec.session.reproduce import command
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
        self.records: list[Record] = []
        self._is_open = False

    @cached_property
    def session(self) -> Session:
        """The session of this pytest run, with its targets loaded."""
        if self.option.dropspec_folder:
            os.chdir(self.option.dropspec_folder)
        self._is_open = True
        session = Session(self.options, self.frameworks, self.families)
        session.load(lambda target: self.write(event="loading", target=target))
        return session

    @cached_property
    def known(self) -> list[dict[str, str]]:
        """The failures that --dropspec-known declares."""
        return known_failures(self.options.known, self.clauses) if self.options.known else []

    def write(self, **event: Any) -> None:
        """Appends an event to the journal, where one is kept."""
        if self.option.dropspec_journal:
            with open(self.option.dropspec_journal, "a", encoding="utf-8") as journal:
                journal.write(json.dumps(event) + "\n")

    # collection

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Passes over other clauses, over what is done, and over other shards' tests."""
        marked = [item for item in items if item.get_closest_marker("clause")]
        judged = [item for item in marked if is_judged(item)]
        path = self.option.dropspec_done
        done = set(Path(path).read_text("utf-8").splitlines()) if path else set()
        part, parts = map(int, (self.option.dropspec_shard or "0/1").split("/"))
        # campaigns first, or one part would get all of them
        groups = sorted(dict.fromkeys(map(self._group, judged)), key=lambda group: not group[1])
        owners = {group: n % parts for n, group in enumerate(groups)}
        wanted = {
            item
            for item in judged
            if item.nodeid not in done
            and self._clause(item)[0] in (self.options.clauses or self.clauses)
            and owners[self._group(item)] == part
        }
        out = [item for item in marked if item not in wanted]
        if out:
            self.config.hook.pytest_deselected(items=out)
            items[:] = [item for item in items if item not in set(out)]

    def _clause(self, item: pytest.Item) -> tuple[str, str]:
        return clause_of(item, self.clauses)

    def _group(self, item: pytest.Item) -> tuple[str, bool]:
        """What stays in one process to be cheap: the properties of a label that share campaigns."""
        label = label_of(item)
        return label, self._clause(item)[0] in self.session.runs[label].plan.looks

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Journals the targets and the tests to come."""
        if not self.option.dropspec_journal or not self._is_open:
            return
        opened = self.session
        self.write(event="targets", labels=opened.labels, unusable=opened.unusable)
        gc.freeze()  # what was imported stays, and need not be searched for garbage again
        items = [item for item in session.items if item.get_closest_marker("clause")]
        self.write(event="planned", tests={item.nodeid: self._planned(item) for item in items})

    def _planned(self, item: pytest.Item) -> list[str]:
        clause, level = self._clause(item)
        again = command(self.session.targets[label_of(item)], clause, self.options)
        return [label_of(item), clause, level, again]

    # running

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Journals that a test begins: a crash is laid to it."""
        self.write(event="start", test=nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turns how a property ended into a record on its report, and a failure into a sentence."""
        report = yield
        if not item.get_closest_marker("clause") or (call.when != "call" and not call.excinfo):
            return report
        record = record_of(item, call, self.session, self._clause(item))
        report.user_properties.append((PROPERTY, json.dumps(record.as_data())))
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
        """Keeps and journals the record of a property."""
        for name, value in report.user_properties:
            if name == PROPERTY:
                self.records.append(Record.from_data(json.loads(str(value))))
                self.write(event="result", test=report.nodeid, record=json.loads(str(value)))
        if report.when == "teardown":
            self.write(event="end", test=report.nodeid)

    # the end

    @property
    def reports(self) -> bool:
        """Whether this process reports: not xdist's workers, nor the children of a supervisor."""
        is_worker = hasattr(self.config, "workerinput")
        return bool(self.option.dropspec and not is_worker and not self.option.dropspec_journal)

    def answers(self) -> list[Answer]:
        """The answers over all records so far."""
        opened = self.session
        asked = [c for c in self.clauses.values() if c.id in (self.options.clauses or self.clauses)]
        return answers(self.records, opened.labels, opened.unusable, asked, self.known)

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

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Ends a child of `dropspec check` at once: all is written, and leaving torch takes
        long.
        """
        if self.option.dropspec_journal:
            os._exit(0)
