"""Hands each property the implementation under test, one after another, and the run it is part of."""

import pytest

from dropspec.adapters import Adapter
from dropspec.plugin import session_of
from dropspec.run import Notes, Run


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every property once for every label."""
    if "run" in metafunc.fixturenames:
        metafunc.parametrize("run", list(session_of(metafunc.config).targets), indirect=True, scope="session")


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Run:
    """The run over the implementation of this label; its campaigns are shared by all properties."""
    return session_of(request.config).run(request.param)


@pytest.fixture
def impl(run: Run) -> Adapter:
    """The implementation under test."""
    run.adapter.guard.reset()
    return run.adapter


@pytest.fixture
def notes() -> Notes:
    """What the property finds beyond its verdict; the plugin reads it when the property has ended."""
    return Notes()
