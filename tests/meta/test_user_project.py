"""In a project of a user's own, its tests run as if the plugin were not there, and the
conformance tests run beside them when asked for.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .cli import Ran, check, only, run

FILES = {
    "mypkg/__init__.py": "from torch import nn\n\n\nclass Layer(nn.Dropout):\n    pass\n",
    "tests/__init__.py": "",
    "pytest.ini": "[pytest]\nmarkers = clause(id): a marker of the project's own\n",
    "backwards.py": (
        """\
import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.reverse()
"""
    ),
    "tests/conftest.py": (
        """\
import pytest


def pytest_addoption(parser):
    parser.addoption("--impl", default="own implementation")


@pytest.fixture
def run():
    return "own run"
"""
    ),
    "tests/test_own.py": (
        """\
import sys

import pytest

HEAVY = {"torch", "scipy", "rich", "dropspec.gauge"}


@pytest.fixture
def impl(request):
    return request.config.getoption("--impl")


@pytest.mark.clause("of a contract")
@pytest.mark.parametrize("notes", [1, 2])
def test_own_fixtures(impl, run, notes):
    assert (impl, run) == ("own implementation", "own run")


def test_nothing_heavy_is_imported(request):
    assert request.config.getoption("--dropspec", None) or not HEAVY & set(sys.modules)
"""
    ),
}
ONLY = (
    "--dropspec-profile",
    "quick",
    "--dropspec-clause",
    "scale-2",
    "--dropspec-clause",
    "edge-1",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a package, and tests of its own that use names which dropspec uses, too."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def judge(project: Path, *arguments: str) -> Ran:
    """Runs pytest over the project's layer, from the project's folder."""
    report = project / "report.json"
    return run(
        project,
        "pytest",
        *arguments,
        "--dropspec",
        "mypkg:Layer",
        *ONLY,
        "--dropspec-json",
        str(report),
        report=report,
    )


def outcomes(ran: Ran) -> list[str]:
    """What pytest printed, without its header and its times."""
    lines = [re.sub(r" in [0-9.]+s", "", line) for line in ran.printed.splitlines()]
    return [line for line in lines if not line.startswith("plugins: ")]


def test_own_tests_run_as_if_the_plugin_were_not_there(project: Path) -> None:
    """A plain `pytest` prints the same with the plugin and without it: own tests only, all
    passed, nothing of dropspec.
    """
    ran = run(project, "pytest", "-v", "-p", "no:cacheprovider")
    assert ran.code == 0
    assert "3 passed" in ran.printed
    assert not [line for line in outcomes(ran) if "dropspec" in line]
    assert outcomes(ran) == outcomes(
        run(project, "pytest", "-v", "-p", "no:cacheprovider", "-p", "no:dropspec.plugin")
    )


def test_own_tests_run_in_many_processes(project: Path) -> None:
    """With pytest-xdist the same tests pass."""
    ran = run(project, "pytest", "-p", "xdist", "-n", "2")
    assert ran.code == 0
    assert "3 passed" in ran.printed


def test_the_conformance_tests_run_from_the_project(project: Path) -> None:
    """`pytest --pyargs dropspec.tests --dropspec mypkg:Layer` finds the layer in the project,
    judges it and runs none of its tests.
    """
    ran = judge(project, "--pyargs", "dropspec.tests")
    assert ran.code == 0, ran.printed
    assert ran.verdicts("mypkg:Layer") == {"scale-2": "HOLDS", "edge-1": "HOLDS"}
    assert "mypkg:Layer conforms: 2 of 2 clauses claimed; 2 hold." in ran.printed
    assert "test_own" not in ran.printed


def test_both_kinds_of_test_run_together(project: Path) -> None:
    """The project's tests and the conformance tests pass in one run, where fixtures of one name
    stay apart.
    """
    ran = judge(project, "--import-mode=importlib", "--pyargs", "dropspec.tests", "tests")
    assert ran.code == 0, ran.printed
    assert ran.verdicts("mypkg:Layer") == {"scale-2": "HOLDS", "edge-1": "HOLDS"}
    assert "test_own.py ..." in ran.printed


def test_the_order_of_the_tests_changes_nothing(project: Path) -> None:
    """In many processes, and in another order, the report is the same to the last character:
    verdicts, counterexamples, certificates and lines to paste.
    """
    wrong = "dropspec.tests.mutants.dropout.rate.everywhere:TakesRateForKeep"
    clauses = (*ONLY, "--dropspec-clause", "scale-1", "--dropspec-clause", "gradient-1")
    reports = []
    for how in ((), ("-p", "xdist", "-n", "2"), ("-p", "backwards")):
        report = project / "report.json"
        also = ("--dropspec", wrong, "--dropspec-json", str(report))
        command = ("--pyargs", "dropspec.tests", "--dropspec", "mypkg:Layer", *also, *clauses)
        ran = run(project, "pytest", *how, *command, report=report, PYTHONPATH=str(project))
        assert ran.verdicts(wrong)["scale-1"] == "VIOLATED"
        reports.append(ran.report)
    assert reports[0] == reports[1] == reports[2]


def test_a_conftest_where_the_command_is_run_is_left_alone(tmp_path: Path) -> None:
    """`dropspec check` loads no conftest.py of the folder it is run in, and finds a target
    there.
    """
    (tmp_path / "conftest.py").write_text('raise RuntimeError("nobody asked for me")\n', "utf-8")
    (tmp_path / "mine.py").write_text("from torch.nn import Dropout\n", "utf-8")
    ran = check(tmp_path, "mine:Dropout", "file=mine.py:Dropout", *only("scale-2"))
    assert ran.code == 0, ran.complaint
    assert ran.verdicts("mine:Dropout") == ran.verdicts("file") == {"scale-2": "HOLDS"}
