"""The pytest side: options, one record a test, and the report at the end. Loaded in every pytest run of a user's, so it imports late."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Generator
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dropspec.core.records import Record
    from dropspec.session.session import Session

SESSION = pytest.StashKey["Session"]()
BOOK = pytest.StashKey["Book"]()
PROPERTY = "dropspec"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, all with the prefix --dropspec, so that they collide with nobody's."""
    group = parser.getgroup("dropspec", "conformance of dropout layers")
    group.addoption(
        "--dropspec", action="append", metavar="TARGET", help="[label=]module:attr or [label=]path/file.py:attr; may be repeated"
    )
    group.addoption("--dropspec-profile", default="standard", choices=("quick", "standard", "deep"), help="how much to look at")
    group.addoption("--dropspec-seed", type=int, default=0, metavar="N", help="another seed explores; the same one gives the same verdicts")
    group.addoption("--dropspec-strict", action="store_true", help="a departure from a SHOULD fails, too")
    group.addoption("--dropspec-timeout", type=float, default=10.0, metavar="SECONDS", help="how long one call may take")
    group.addoption("--dropspec-clause", action="append", default=[], metavar="ID", help="judge this clause only; may be repeated")
    group.addoption("--dropspec-known", default="", metavar="FILE", help="TOML with declared failures: [[known]] clause, reason, target")
    group.addoption("--dropspec-json", default="", metavar="PATH", help="write the verdicts as JSON")
    group.addoption(
        "--dropspec-journal", default="", metavar="PATH", help="append every outcome to this file as it comes (for `dropspec check`)"
    )
    group.addoption(
        "--dropspec-done", default="", metavar="PATH", help="pass over the tests whose ids are in this file (for `dropspec check`)"
    )
    group.addoption("--dropspec-family", default="", choices=("", "dropout", "dropconnect"), help="what to judge a target as")
    group.addoption("--dropspec-folder", default="", metavar="PATH", help="load targets from this folder (for `dropspec check`)")
    group.addoption("--dropspec-shard", default="0/1", metavar="I/N", help="run part I of N (for `dropspec check`)")


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker; everything else waits until a conformance test is collected."""
    config.addinivalue_line("markers", "clause(id, should=False): the clause of the specification that a test judges")
    pytest.register_assert_rewrite("dropspec.compare")
    if config.option.dropspec and all(argument.startswith("dropspec.") for argument in config.args):
        config.option.importmode = "importlib"  # or a checkout's package `tests` and a user's own would be taken for one
    book = Book(config)
    config.stash[BOOK] = book
    config.pluginmanager.register(book, "dropspec-book")


def session_of(config: pytest.Config) -> Session:
    """The session of this pytest run, with its targets loaded."""
    from dropspec.core.options import DEFAULT_TARGETS, Options
    from dropspec.session.session import Session

    if SESSION not in config.stash:
        option = config.option
        if option.dropspec_folder:
            os.chdir(option.dropspec_folder)
        config.stash[SESSION] = Session(
            Options(
                tuple(option.dropspec or DEFAULT_TARGETS),
                option.dropspec_profile,
                option.dropspec_seed,
                option.dropspec_strict,
                option.dropspec_timeout,
                tuple(option.dropspec_clause),
                option.dropspec_known,
                option.dropspec_family,
            )
        )
        config.stash[SESSION].load(lambda target: config.stash[BOOK].write(event="loading", target=target))
    return config.stash[SESSION]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --dropspec, of dropspec's own tests only the conformance tests are collected; nobody else's are touched."""
    own = Path(__file__).resolve().parent.parent  # tests/ in a checkout, dropspec/ where installed
    tests = own if own.name == "tests" else own / "dropspec" / "tests"
    path = collection_path.resolve()
    ours = path.is_relative_to(tests) and path != tests
    return True if config.option.dropspec and ours and not path.is_relative_to(tests / "conformance") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Passes over the clauses that were not asked for, and over the other shards' tests: those of one campaign stay together."""
    marked = [item for item in items if item.get_closest_marker("clause")]
    if not marked:
        return
    ours = [item for item in marked if is_judged(item)]
    option = config.option
    wanted = set(option.dropspec_clause)
    done = set(Path(option.dropspec_done).read_text("utf-8").splitlines()) if option.dropspec_done else set()
    part, parts = map(int, option.dropspec_shard.split("/"))
    costly_first = sorted(dict.fromkeys(map(group_of, ours)), key=lambda group: not group[1])  # or one part would get all campaigns
    groups = {group: n % parts for n, group in enumerate(costly_first)}
    out = {item for item in ours if item.nodeid in done or (wanted and clause_of(item)[0] not in wanted) or groups[group_of(item)] != part}
    out |= set(marked) - set(ours)
    if out:
        config.hook.pytest_deselected(items=list(out))
        items[:] = [item for item in items if item not in out]


def is_judged(item: pytest.Item) -> bool:
    """Whether there is an implementation to judge: pytest makes one empty item of a test whose family no target belongs to."""
    return isinstance(vars(item)["callspec"].params["run"], str)


def group_of(item: pytest.Item) -> tuple[str, bool]:
    """What must stay in one process to be cheap: the tests of one label that share its campaigns, and the others."""
    return label_of(item), item.path.stem in ("test_rate", "test_expectation", "test_independence", "test_weights")


def clause_of(item: pytest.Item) -> tuple[str, str]:
    """The id of the clause that a test judges, and the level of the part it judges."""
    from dropspec.core.clauses import all_clauses

    mark = item.get_closest_marker("clause")
    assert mark is not None
    clause = all_clauses().get(mark.args[0])
    if clause is None:
        raise pytest.UsageError(f"{item.nodeid} judges the clause {mark.args[0]}, which the specification does not have")
    return clause.id, "SHOULD" if mark.kwargs.get("should") else clause.level


def again(item: pytest.Item, known: Session) -> str:
    """The command that judges the clause of a test again."""
    from dropspec.session.reproduce import command

    return command(known.targets[label_of(item)], clause_of(item)[0], known.options)


def label_of(item: pytest.Item) -> str:
    """The label of the implementation that a test is run on."""
    return str(vars(item)["callspec"].params["run"])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns the outcome of a conformance test into a record on its report, and its failure into the sentence that was raised."""
    report = yield
    if not item.get_closest_marker("clause") or (call.when != "call" and not call.excinfo):
        return report
    from dropspec.session.record import record_of

    record = record_of(item, call, session_of(item.config))
    report.user_properties.append((PROPERTY, json.dumps(asdict(record))))
    said = f"{record.clause} {record.verdict}: {record.message}" + (f"\nreproduce: {record.reproduce}" if record.reproduce else "")
    excused = record.verdict == "DEPARTS" and not item.config.option.dropspec_strict
    if record.verdict in ("VIOLATED", "DEPARTS") and item.config.stash[BOOK].declared(record.label).get(record.clause):
        excused = True
    if record.verdict == "NOT CLAIMED" or excused:
        report.outcome, report.longrepr = "skipped", (str(item.path), 0, said)
        if excused:
            report.wasxfail = said
    elif record.verdict != "HOLDS":
        report.outcome = "failed"
        if "fault of dropspec" not in record.message:
            report.longrepr = said
    return report


class Book:
    """Collects the records as reports come in, from this process or from xdist's workers, and reports at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.records: list[Record] = []
        self.is_worker = hasattr(config, "workerinput")

    def write(self, **event: Any) -> None:
        """Appends an event to the journal, where one is kept."""
        path = self.config.option.dropspec_journal
        if path:
            with open(path, "a", encoding="utf-8") as journal:
                journal.write(json.dumps(event) + "\n")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Journals the targets and the tests to come; refuses a run whose targets cannot be used at all."""
        if not self.config.option.dropspec or SESSION not in self.config.stash:
            return
        known = self.config.stash[SESSION]
        self.write(event="targets", labels=known.labels, unusable=known.unusable)
        if self.config.option.dropspec_journal:
            gc.freeze()  # what was imported stays, and need not be searched for garbage again and again
        planned = {i.nodeid: [label_of(i), *clause_of(i), again(i, known)] for i in session.items if i.get_closest_marker("clause")}
        self.write(event="planned", tests=planned)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Ends a child of `dropspec check` at once: all is written, and taking torch down takes a third of a second."""
        if self.config.option.dropspec_journal:
            os._exit(0)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Journals that a test begins: the one that a crash will be laid to."""
        self.write(event="start", test=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps and journals the record of a conformance test."""
        for name, value in report.user_properties:
            if name == PROPERTY:
                from dropspec.core.records import Record

                self.records.append(Record(**json.loads(str(value))))
                self.write(event="result", test=report.nodeid, record=json.loads(str(value)))
        if report.when == "teardown":
            self.write(event="end", test=report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """An unusable target or a stale declaration fails the run, whatever the tests said."""
        if self.is_worker or not self.config.option.dropspec or self.config.option.dropspec_journal:
            return
        found = self.answers()
        if any(a.unusable for a in found):
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif session.exitstatus == pytest.ExitCode.OK and not all(a.conformant(self.config.option.dropspec_strict) for a in found):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self.config.option.dropspec_json:
            from dropspec.report.json import write

            write(Path(self.config.option.dropspec_json), found, session_of(self.config).options)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Prints the report that `dropspec check` prints."""
        if self.config.option.dropspec and not self.config.option.dropspec_journal:
            from dropspec.report.terminal import show

            terminalreporter.section("dropspec")
            sys.stdout.flush()
            show(self.answers(), session_of(self.config).options)

    @cached_property
    def known(self) -> list[dict[str, str]]:
        """The failures that --dropspec-known declares."""
        from dropspec.session.known_failures import known_failures

        path = self.config.option.dropspec_known
        return known_failures(path) if path else []

    def declared(self, label: str) -> dict[str, str]:
        """Those that concern the target of this label, clause to reason."""
        from dropspec.session.known_failures import declared

        return declared(self.known, label, session_of(self.config).targets[label].text)

    def answers(self) -> list[Any]:
        """The answers over all records so far."""
        from dropspec.core.clauses import all_clauses
        from dropspec.session.answers import answers

        session = session_of(self.config)
        ids = self.config.option.dropspec_clause or list(all_clauses())
        return answers(self.records, session.labels, session.unusable, ids, self.known)
