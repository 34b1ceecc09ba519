"""The pytest door: options, and what is loaded where a target is given.

It is loaded in every pytest run of a user's, so it imports the rest late, and only if asked.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from dropspec.core.options import add_options
from dropspec.core.property import MARKER

PREFIX = "--dropspec-"
BOOK = "dropspec-book"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, all with the prefix --dropspec, so that they do not collide with others."""
    group = parser.getgroup("dropspec", "conformance of dropout layers")
    target = "[label=]module:attr or [label=]path/file.py:attr; may be repeated"
    group.addoption("--dropspec", action="append", metavar="TARGET", help=target)
    add_options(group.addoption, PREFIX)
    parser.addini("dropspec_targets", "targets where no --dropspec is given", "linelist", [])


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker, and the rest where there is a target."""
    said = f"{MARKER}(id, should=False): the clause of dropout's specification that a test judges"
    config.addinivalue_line("markers", said)
    pytest.register_assert_rewrite("dropspec.core.compare")
    targets = tuple(config.option.dropspec or config.getini("dropspec_targets"))
    if not targets:
        return
    if config.option.dropspec and all(a.startswith("dropspec.") for a in config.args):
        # or a checkout's package `tests` and a user's own would be taken for one
        config.option.importmode = "importlib"
    from dropspec.families import all_families
    from dropspec.frameworks import all_frameworks
    from dropspec.session.book import Book

    try:
        book = Book(config, targets, all_frameworks(), all_families())
        book.options.check()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(book, BOOK)
    config.pluginmanager.import_plugin("dropspec.properties.fixtures")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --dropspec, of dropspec's own tests only the properties are collected."""
    if not config.option.dropspec:
        return None
    from dropspec.families import all_families

    path = collection_path.resolve()
    ours = _folder("dropspec.tests")
    properties = [_folder(family.tests) for family in all_families()]
    if ours is None or not path.is_relative_to(ours) or path == ours:
        return None
    on_the_way = any(p and (path.is_relative_to(p) or p.is_relative_to(path)) for p in properties)
    return None if on_the_way else True


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes the reports that were asked for."""
    book = session.config.pluginmanager.get_plugin(BOOK)
    if book and book.reports:
        from dropspec.report import close_all, open_reports, write_all

        try:
            opened = open_reports(book.options)
            book.complaints += write_all(opened, book.answers(), book.options)
            close_all(opened)
        except ValueError as error:
            book.complaints.append(str(error))
        if book.complaints:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Prints the report that `dropspec check` prints."""
    book = config.pluginmanager.get_plugin(BOOK)
    if book and book.reports:
        from dropspec.report.terminal import show, terminal

        terminalreporter.section("dropspec")
        for complaint in book.complaints:
            terminalreporter.write_line(f"dropspec: {complaint}")
        sys.stdout.flush()
        console = terminal()
        for answer in book.answers():
            show(answer, book.options, console)


def _folder(package: str) -> Path | None:
    """The folder of a package, or the file of a module; None where it is not installed."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        return None
    places = spec.submodule_search_locations or [spec.origin or ""]
    return Path(next(iter(places))).resolve()
