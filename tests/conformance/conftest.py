"""Hands each property the implementation under test, one after another, and the run it is part of."""

from collections.abc import Iterator

import pytest

from dropspec.core.clauses import all_clauses
from dropspec.frameworks.base import Adapter
from dropspec.plugin import session_of
from dropspec.session.run import Notes, Run


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every property once for every label of its family."""
    if "run" in metafunc.fixturenames:
        (mark,) = metafunc.definition.iter_markers("clause")
        labels = session_of(metafunc.config).labels
        clause = all_clauses().get(mark.args[0])  # of one that does not exist the plugin complains
        mine = [label for label, (_, family) in labels.items() if clause is None or family == clause.family]
        metafunc.parametrize("run", mine, indirect=True, scope="session")


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Run:
    """The run over the implementation of this label; its campaigns are shared by all properties."""
    return session_of(request.config).run(request.param)


@pytest.fixture(autouse=True)
def settled(request: pytest.FixtureRequest, run: Run) -> Iterator[None]:
    """Whatever a layer changes for the whole process, such as torch's default dtype, is put back before its next test and after it."""
    ambient = session_of(request.config).ambient
    ambient.restore()
    yield
    ambient.restore()


@pytest.fixture
def impl(run: Run) -> Adapter:
    """The implementation under test."""
    run.adapter.guard.reset()
    return run.adapter


@pytest.fixture
def notes() -> Notes:
    """What the property finds beyond its verdict; the plugin reads it when the property has ended."""
    return Notes()
