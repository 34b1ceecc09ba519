"""The shape of the project: who may import whom, what stays light, how long a file may be, and what no file may name."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
TOP = ("spec", "reference", "tests", "conftest.py", "pyproject.toml", "README.md", "LICENSE", ".gitignore", ".ci", ".github")
LINES = 300
OF_A_MACHINE = re.compile(r"(?<![\w.:/])/(?:home|work|root|Users)/\w")  # the path of somebody's folder, but not that of an address
HEAVY = ("torch", "numpy", "scipy", "hypothesis", "ml_dtypes", "rich")


def files() -> Iterator[Path]:
    """Every file of the project itself: nothing built, cached or installed beside it."""
    for name in TOP:
        path = ROOT / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (p for p in found if p.is_file() and "__pycache__" not in p.parts and ".hypothesis" not in p.parts)


def sources(folder: Path) -> list[Path]:
    """The Python files of a folder, at any depth."""
    return [p for p in files() if p.suffix == ".py" and p.is_relative_to(folder)]


def imported(path: Path) -> set[str]:
    """The absolute names of all that a file imports, also inside functions, but not for type checkers only."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, (package(path, node.level), node.module)))
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def package(path: Path, level: int) -> str:
    """The package that a relative import of so many dots starts from; for none, nothing."""
    if not level:
        return ""
    inside = path.relative_to(TESTS / "harness") if path.is_relative_to(TESTS / "harness") else path.relative_to(ROOT)
    return ".".join(("dropspec", *inside.parts[:-level]))


def ours(path: Path) -> set[str]:
    """What a file imports of this project."""
    return {name for name in imported(path) if name.split(".")[0] in ("dropspec", "tests", "reference", "spec", "conftest")}


def within(names: set[str], *packages: str) -> bool:
    """Whether all names lie in these packages."""
    return all(any(f"{name}.".startswith(f"{package}.") for package in packages) for name in names)


@pytest.mark.parametrize("path", sources(ROOT / "reference"), ids=lambda p: p.name)
def test_the_reference_imports_nothing_of_ours(path: Path) -> None:
    """The reference can be read, and taken away, without the rest."""
    assert within(ours(path), "dropspec.reference")


@pytest.mark.parametrize("path", sources(TESTS / "harness"), ids=lambda p: p.name)
def test_the_harness_imports_only_itself(path: Path) -> None:
    """The harness knows neither the reference nor the tests, and torch only in the adapter for it."""
    beyond = {name for name in ours(path) if within({name}, "dropspec.reference", "dropspec.tests", "dropspec.spec")}
    assert not beyond
    assert within(ours(path), "dropspec")
    torch = {name for name in imported(path) if name.split(".")[0] == "torch"}
    drivers = ("torch", "torch_connect", "torch_modes", "torch_run", "torch_stream", "stored")
    assert not torch or path in [TESTS / "harness" / "adapters" / f"{name}.py" for name in drivers]


@pytest.mark.parametrize("path", sources(TESTS / "conformance"), ids=lambda p: p.name)
def test_conformance_tests_import_the_harness(path: Path) -> None:
    """Conformance tests import the harness and at most the reference: no mutant, no other test."""
    assert within(ours(path), "dropspec")
    assert not {name for name in ours(path) if within({name}, "dropspec.tests", "dropspec.spec")}


@pytest.mark.parametrize("path", sources(TESTS / "mutants"), ids=lambda p: p.name)
def test_mutants_import_the_reference(path: Path) -> None:
    """Mutants are made from the reference and each other, and know nothing of the harness that is to catch them."""
    assert within(ours(path), "dropspec.reference", "dropspec.tests.mutants")


def test_the_plugin_is_light() -> None:
    """The plugin is loaded in every pytest run of a user's, so importing it imports nothing heavy."""
    asked = f"import sys, dropspec.plugin; print([name for name in {HEAVY!r} if name in sys.modules])"
    clone = f"import runpy; runpy.run_path({str(ROOT / 'conftest.py')!r}); "  # so that it works uninstalled
    done = subprocess.run([sys.executable, "-c", clone + asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", sources(ROOT), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_can_be_read_in_a_sitting(path: Path) -> None:
    """No Python file has more than 300 lines, and every one begins by saying what it is for."""
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= LINES
    assert ast.get_docstring(ast.parse(text))


def test_no_file_names_a_machine() -> None:
    """No text file has the path of somebody's folder."""
    named = []
    for path in files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # no text
        named += [f"{path.relative_to(ROOT)}: {line}" for line in text.splitlines() if OF_A_MACHINE.search(line)]
    assert not named


def test_every_test_and_module_says_what_it_does() -> None:
    """Every test function and every public function, class and method outside the mutants has a docstring."""
    silent = []
    for path in sources(ROOT):
        if path.parent == TESTS / "mutants":
            continue
        tree = ast.parse(path.read_text("utf-8"))
        outer = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        methods = [n for c in outer if isinstance(c, ast.ClassDef) for n in c.body if isinstance(n, ast.FunctionDef)]
        silent += [
            f"{path.relative_to(ROOT)}: {n.name}" for n in (*outer, *methods) if not n.name.startswith("_") and not ast.get_docstring(n)
        ]
    assert not silent
