"""The page of adapters: each is a file that conforms."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .cli import check
from .tree import ROOT

PAGE = (ROOT / "tests" / "gallery" / "adapters.md").read_text("utf-8")
FILES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
TARGETS = re.findall(r"^    \$ dropspec check adapter\.py:(\w+)$", PAGE, re.MULTILINE)


def test_every_adapter_has_a_command() -> None:
    """There are three sizes."""
    assert len(FILES) == len(TARGETS) == 3


@pytest.mark.parametrize(("code", "name"), list(zip(FILES, TARGETS, strict=True)), ids=TARGETS)
def test_an_adapter_conforms(tmp_path: Path, code: str, name: str) -> None:
    """As it stands on the page, with nothing departed from but what plain NumPy does of itself."""
    (tmp_path / "adapter.py").write_text(code, "utf-8")
    found = check(tmp_path, f"adapter.py:{name}", "--profile", "quick")
    said = found.verdicts(f"adapter.py:{name}")
    assert found.code == 0, {c: v for c, v in said.items() if v not in ("HOLDS", "NOT CLAIMED")}
    assert {c for c, v in said.items() if v == "DEPARTS"} <= {"layout-5"}
