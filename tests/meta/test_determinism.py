"""Two runs agree in everything they report, whatever they run on; another seed may find other
counterexamples, but no other verdict.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .cli import Ran, check, only

TARGETS = (
    "torch.nn:Dropout",
    "dropspec.tests.mutants.dropout.rate.everywhere:TakesRateForKeep",
    "dropspec.tests.mutants.dropout.scale:LiftsZeros",
)
# exact ones, found by search, and one by chance
CLAUSES = ("scale-1", "scale-4", "edge-7", "rate-5", "independence-5")
VERDICTS = {
    "torch.nn:Dropout": dict.fromkeys(CLAUSES, "HOLDS") | {"edge-7": "DEPARTS"},
    "dropspec.tests.mutants.dropout.rate.everywhere:TakesRateForKeep": (
        dict.fromkeys(CLAUSES, "HOLDS")
        | {
            "scale-1": "VIOLATED",
            "scale-4": "VIOLATED",
            "rate-5": "DEPARTS",
        }
    ),
    "dropspec.tests.mutants.dropout.scale:LiftsZeros": (
        dict.fromkeys(CLAUSES, "HOLDS") | {"scale-4": "VIOLATED"}
    ),
}


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One run in one process."""
    return check(tmp_path_factory.mktemp("serial"), *TARGETS, *only(*CLAUSES), PYTHONHASHSEED="0")


def test_the_verdicts_are_as_they_should_be(serial: Ran) -> None:
    """Each mutant is violated where it was made so, and torch.nn.Dropout departs in edge-7
    alone.
    """
    assert {label: serial.verdicts(label) for label in TARGETS} == VERDICTS


def test_a_run_in_ci_reports_the_same(serial: Ran, tmp_path: Path) -> None:
    """With CI=true, where Hypothesis chooses other settings, with another hash seed and another
    number of threads, the report is equal to the last character.
    """
    again = check(
        tmp_path,
        *TARGETS,
        *only(*CLAUSES),
        CI="true",
        GITHUB_ACTIONS="true",
        PYTHONHASHSEED="12345",
        OMP_NUM_THREADS="2",
    )
    assert again.code == serial.code == 1, again.complaint
    assert again.report == serial.report


@pytest.mark.parametrize("processes", ["2", "8"])  # a target in one, or over two
def test_a_run_in_many_processes_reports_the_same(
    serial: Ran, tmp_path: Path, processes: str
) -> None:
    """With `-n`, verdicts, sentences, certificates and reproductions are equal to the last
    character, and stand in the same order.
    """
    again = check(tmp_path, *TARGETS, *only(*CLAUSES), "-n", processes)
    assert again.printed == serial.printed
    assert again.code == serial.code == 1, again.complaint
    assert again.report == serial.report


def test_another_seed_gives_the_same_verdicts(tmp_path: Path) -> None:
    """A seed fixed here changes no verdict: over all seeds right code is accused with probability
    1e-9, and so large a defect never missed.
    """
    explored = check(tmp_path, *TARGETS, *only(*CLAUSES), "--seed", "20250101")
    assert explored.report["seed"] == 20250101
    assert {label: explored.verdicts(label) for label in TARGETS} == VERDICTS
