"""What an extension costs: a framework, a site, a report format and a clause, each added once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from . import toys
from .cli import Ran, run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this project, laid out as a wheel lays it out."""
    site = tmp_path_factory.mktemp("house")
    forget = shutil.ignore_patterns("__pycache__", "harness", "meta", "benchmarks", "gallery")
    shutil.copytree(ROOT / "tests" / "harness", site / "dropspec", ignore=forget)
    for name in ("spec", "reference", "tests"):
        shutil.copytree(ROOT / name, site / "dropspec" / name, ignore=forget)
    return site


def write(top: Path, texts: dict[str, str]) -> None:
    """Writes these files, none of which may exist."""
    for name, text in texts.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert not path.exists()
        path.write_text(text, "utf-8")


def check(folder: Path, *arguments: str, path: Path | None = None) -> Ran:
    """`dropspec check` in the quick profile, with this folder before the installed packages."""
    report = folder / "report.json"
    quick = ("--profile", "quick", "--json", str(report))
    found = str(path or folder)
    return run(folder, "dropspec", "check", *arguments, *quick, report=report, PYTHONPATH=found)


def test_a_framework_is_another_package(tmp_path: Path) -> None:
    """A framework that another package brings by an entry point is judged, and is told apart."""
    entry = "[dropspec.frameworks]\ngrid = gridlib:GridFramework\n"
    write(
        tmp_path,
        {
            "gridlib.py": toys.FRAMEWORK,
            "gridlib-1.0.dist-info/METADATA": "Name: gridlib\nVersion: 1.0\n",
            "gridlib-1.0.dist-info/entry_points.txt": entry,
            "layers.py": toys.LAYERS,
        },
    )
    ran = check(tmp_path, "right=layers.py:dropout", "wrong=layers.py:unscaled")
    assert ran.report, ran.printed + ran.complaint
    right = ran.verdicts("right")
    assert not {c: v for c, v in right.items() if v in ("VIOLATED", "ERROR", "UNDECIDED")}
    assert list(right.values()).count("HOLDS") >= 30
    assert ran.clause("wrong", "scale-1")["verdict"] == "VIOLATED"
    assert "not rescaled in training" in ran.label("wrong")["diagnosis"][0]["sentence"]


def test_a_site_is_five_files(house: Path, tmp_path: Path) -> None:
    """A page, a reference, a family, its properties and its mutants are all that a site takes."""
    write(
        house / "dropspec",
        {
            "spec/bias.md": toys.PAGE,
            "reference/bias.py": toys.REFERENCE,
            "families/bias.py": toys.FAMILY,
            "tests/conformance/test_bias.py": toys.PROPERTY,
            "tests/mutants/bias.py": toys.MUTANT,
        },
    )
    right, wrong = "dropspec.reference.bias:biased", "dropspec.tests.mutants.bias:unscaled"
    ran = check(tmp_path, right, wrong, "torch.nn:Dropout", path=house)
    assert ran.report, ran.printed + ran.complaint
    assert ran.verdicts(right) == {"drop-1": "HOLDS", "drop-2": "HOLDS"}
    assert ran.verdicts(wrong) == {"drop-1": "VIOLATED", "drop-2": "HOLDS"}
    assert ran.label(wrong)["diagnosis"][0]["sentence"].startswith("The bias is not dropped")
    assert len(ran.verdicts("torch.nn:Dropout")) > 50


def test_a_report_format_is_one_file(house: Path, tmp_path: Path) -> None:
    """A format is found by its file, and named by --report."""
    write(house / "dropspec", {"report/lines.py": toys.FORMAT})
    target = "dropspec.reference.dropout:dropout"
    ran = check(tmp_path, target, "--clause", "scale-1", "--report", "lines=lines.txt", path=house)
    assert (tmp_path / "lines.txt").read_text("utf-8") == f"{target} conforms\n", ran.complaint


def test_a_clause_is_its_page_its_property_and_its_mutant(house: Path, tmp_path: Path) -> None:
    """A clause that is added in three places shows in the report, by --clause, in diagnosis."""
    page = house / "dropspec" / "spec" / "dropout.md"
    text = page.read_text("utf-8")
    after = '## <a id="rate"></a>rate\n'
    page.write_text(text.replace(after, f"{toys.CLAUSE}{after}", 1), "utf-8")
    write(
        house / "dropspec" / "tests",
        {
            "conformance/dropout/test_scale_more.py": toys.NEW_PROPERTY,
            "mutants/shrinks.py": toys.NEW_MUTANT,
        },
    )
    mutant = "dropspec.tests.mutants.shrinks:Shrinks"
    ran = check(tmp_path, mutant, "torch.nn:Dropout", "--clause", "scale-5", path=house)
    assert ran.report, ran.printed + ran.complaint
    assert ran.verdicts("torch.nn:Dropout") == {"scale-5": "HOLDS"}
    assert ran.verdicts(mutant) == {"scale-5": "VIOLATED"}
    assert (
        ran.label(mutant)["diagnosis"][0]["sentence"]
        == "Ones shrink: divide by keep, which is at most 1."
    )
    assert "Ones come out as 0 or at least 1" in ran.printed


def test_json_is_one_of_the_formats(tmp_path: Path) -> None:
    """`--json PATH` and `--report json=PATH` write the same."""
    ran = check(
        tmp_path,
        "dropspec.reference.dropout:dropout",
        "--clause",
        "scale-1",
        "--report",
        "json=again.json",
    )
    assert json.loads((tmp_path / "again.json").read_text("utf-8")) == ran.report
