"""Hands each property the implementation under test, one after another, and the run it is in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dropspec.core.implementation import Implementation
from dropspec.core.notes import Notes
from dropspec.core.property import FIXTURES, MARKER
from dropspec.session.book import Book
from dropspec.session.item import is_property
from dropspec.session.run import Run

RUN = f"{FIXTURES}run"


def _book(config: pytest.Config) -> Book:
    book = config.pluginmanager.get_plugin("dropspec-book")
    assert isinstance(book, Book)
    return book


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every property once for every label of its family."""
    marks = list(metafunc.definition.iter_markers(MARKER))
    if RUN in metafunc.fixturenames and marks:
        book = _book(metafunc.config)
        clause = book.clauses.get(marks[0].args[0])  # the book complains of an unknown one
        labels = book.session.labels.items()
        mine = [name for name, about in labels if not clause or about.family == clause.family]
        metafunc.parametrize(RUN, mine, indirect=True, scope="session")


@pytest.fixture(scope="session")
def dropspec_run(request: pytest.FixtureRequest) -> Run:
    """The run over the implementation of this label; all properties share its campaigns."""
    return _book(request.config).session.runs[request.param]


@pytest.fixture
def dropspec_impl(dropspec_run: Run) -> Implementation:
    """The implementation under test."""
    dropspec_run.impl.guard.reset()
    return dropspec_run.impl


@pytest.fixture
def dropspec_notes() -> Notes:
    """What the property finds beyond its verdict."""
    return Notes()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """What a layer changes for the whole process is put back before each property and after it."""
    if not is_property(item):
        return (yield)
    ambient = _book(item.config).session.ambient
    ambient.restore()
    try:
        return (yield)
    finally:
        ambient.restore()
