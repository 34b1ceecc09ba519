"""What is named where: families, clauses, frameworks, machines; and that all has a docstring."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from .tree import (
    HARNESS,
    ROOT,
    TESTS,
    by_name,
    files,
    imported,
    ours,
    room_of,
    sources,
    strings,
    tree_of,
)

OF_A_MACHINE = re.compile(r"(?<![\w.:/])/(?:home|work|root|Users)/\w")  # not of an address
FRAMEWORKS = ("torch", "jax", "keras", "tensorflow")
FRAMEWORK_NAMES = ("torch", "numpy", "protocol", "jax", "keras", "tensorflow")


@pytest.mark.parametrize("path", sources(HARNESS), ids=by_name)
def test_a_family_is_named_in_its_room_only(path: Path) -> None:
    """In code, no file outside families/ names a family."""
    from dropspec.core.signature import RATES
    from dropspec.families import all_families

    names = [family.name for family in all_families()]
    if room_of(path) != "families":
        vocabulary = RATES if path.name == "signature.py" else ()  # a rate may be called dropout
        assert not [text for text in strings(path) if text in names and text not in vocabulary]
        used = {n.id for n in ast.walk(tree_of(path)) if isinstance(n, ast.Name)}
        assert not [n for n in used | ours(path) for name in names[1:] if name in n.lower()]


@pytest.mark.parametrize("path", sources(HARNESS), ids=by_name)
def test_a_clause_is_named_by_the_plan_of_its_family_only(path: Path) -> None:
    """In code, no file outside families/ names a clause: what is said of one stands on its page."""
    from dropspec.families import all_clauses

    if room_of(path) != "families":
        assert not [text for text in strings(path) if text in all_clauses()]


@pytest.mark.parametrize("path", [*sources(HARNESS), *sources(TESTS / "conformance")], ids=by_name)
def test_a_framework_is_imported_in_its_room_only(path: Path) -> None:
    """No file outside frameworks/ imports a framework or asks for one by name."""
    if path.is_relative_to(HARNESS) and room_of(path) == "frameworks":
        return
    assert not {name for name in imported(path) if name.split(".")[0] in FRAMEWORKS}
    assert not [text for text in strings(path) if text in FRAMEWORK_NAMES]


def test_no_file_names_a_machine() -> None:
    """No text file has the path of somebody's folder."""
    named = []
    for path in files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # not a text
        lines = (line for line in text.splitlines() if OF_A_MACHINE.search(line))
        named += [f"{by_name(path)}: {line}" for line in lines]
    assert not named


def test_every_test_and_module_says_what_it_does() -> None:
    """Every test and every public function, class and method has a docstring; of mutants and
    hostile layers, what their class says is enough.
    """
    silent = []
    for path in sources(ROOT):
        if any(path.is_relative_to(TESTS / name) for name in ("mutants", "meta/hostile")):
            continue
        tops = [n for n in tree_of(path).body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
        classes = [n for n in tops if isinstance(n, ast.ClassDef)]
        methods = [n for c in classes for n in c.body if isinstance(n, ast.FunctionDef)]
        public = (n for n in (*tops, *methods) if not n.name.startswith("_"))
        silent += [f"{by_name(path)}: {n.name}" for n in public if not ast.get_docstring(n)]
    assert not silent
