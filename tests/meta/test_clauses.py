"""`dropspec clauses` prints the specification as a list, and as data that its schema describes."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dropspec.cli import main
from dropspec.core.clauses import read_clauses
from dropspec.families import SPEC_VERSION, all_clauses, all_families

from .cli import check, only


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What `dropspec clauses` prints."""
    assert main(["clauses", *arguments]) == 0
    return capsys.readouterr().out


def as_data(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """What `dropspec clauses --json` prints."""
    found: dict[str, Any] = json.loads(listed(capsys, "--json", *arguments))
    return found


def test_the_clauses_as_data_keep_their_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """All clauses of all families are printed, and the published schema describes them."""
    schema = json.loads((files("dropspec.spec") / "clauses.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    found = as_data(capsys)
    Draft202012Validator(schema).validate(found)
    assert found["spec"] == SPEC_VERSION
    assert [clause["id"] for clause in found["clauses"]] == list(all_clauses())


def test_the_data_of_a_clause(capsys: pytest.CaptureFixture[str]) -> None:
    """Rule, sources and incidents stand apart, and the anchor leads to the clause."""
    (scale,) = as_data(capsys, "--clause", "scale-1")["clauses"]
    assert "x / keep" in scale["rule"]
    assert scale["levels"] == ["MUST", "SHOULD"]
    assert scale["incidents"] == ["dlordinal#138"]
    assert len(scale["sources"]) > 2
    assert scale["anchor"] == "dropout.md#scale-1"


def test_the_clauses_as_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    """Each clause has its id, its levels and its title; a chapter or a family can be asked for."""
    found = " ".join(listed(capsys, "--clause", "edge").split())
    assert "edge-3 MUST, SHOULD A rate outside [0, 1] is refused" in found
    assert "scale-1" not in found
    last = all_families()[-1]
    ids = {line.split()[0] for line in listed(capsys, "--family", last.name).splitlines() if line}
    assert {clause.id for clause in last.clauses()} <= ids
    assert "scale-1" not in ids


def test_a_clause_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong id ends the command with code 2 and names what was meant."""
    with pytest.raises(SystemExit, match="2"):
        main(["clauses", "--clause", "scale-11"])
    assert "did you mean 'scale-1'" in capsys.readouterr().err


def test_a_report_names_the_version_of_the_specification(tmp_path: Path) -> None:
    """The JSON report says which specification its verdicts speak of."""
    ran = check(tmp_path, "dropspec.reference.dropout:dropout", *only("scale-2"))
    assert ran.report["spec"] == SPEC_VERSION


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("It MUST hold.", "no line"),
        ("*Level:* MUST · *Since:* 1.0 · *Needs:* nothing", "neither MUST nor"),
        ("It MUST hold.\n\n*Level:* MUST · *Since:* 1.0 · *Needs:* nothing", "no [*]Remedy"),
    ],
)
def test_an_incomplete_clause_is_refused(text: str, complaint: str) -> None:
    """A page whose clause lacks its terms, its level or its remedy is refused by a sentence."""
    with pytest.raises(ValueError, match=complaint):
        list(read_clauses(f"### a-1 — Title\n\n{text}\n", "a"))
