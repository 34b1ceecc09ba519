"""The files of the project, and what each imports and says, read without importing them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
HARNESS = TESTS / "harness"
TOP = (
    *("spec", "reference", "tests", "conftest.py", "pyproject.toml", "README.md", "LICENSE"),
    *(".gitignore", ".ci", ".github"),
)


def files() -> Iterator[Path]:
    """Every file of the project itself: nothing built, cached or installed beside it."""
    for name in TOP:
        path = ROOT / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        hidden = ("__pycache__", ".hypothesis")
        yield from (p for p in found if p.is_file() and not set(hidden) & set(p.parts))


def sources(folder: Path) -> list[Path]:
    """The Python files of a folder, at any depth."""
    return [p for p in files() if p.suffix == ".py" and p.is_relative_to(folder)]


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"))


def strings(path: Path) -> list[str]:
    """The string constants of a file that are not docstrings, nor parts of f-strings."""
    apart: set[int] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            apart.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            apart |= {id(value) for value in node.values}
    constants = (n for n in ast.walk(tree_of(path)) if isinstance(n, ast.Constant))
    return [n.value for n in constants if isinstance(n.value, str) and id(n) not in apart]


def imported(path: Path) -> set[str]:
    """The absolute names of all that a file imports, late, for type checkers, or by a string."""
    names = {name for name in strings(path) if re.fullmatch(r"dropspec(\.[a-z_]+)+", name)}
    for node in ast.walk(tree_of(path)):
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
    inside = path.relative_to(HARNESS if path.is_relative_to(HARNESS) else ROOT)
    return ".".join(("dropspec", *inside.parts[:-level]))


def ours(path: Path) -> set[str]:
    """What a file imports of this project."""
    tops = ("dropspec", "tests", "reference", "spec", "conftest")
    return {name for name in imported(path) if name.split(".")[0] in tops}


def within(names: set[str], *packages: str) -> bool:
    """Whether all names lie in these packages."""
    return all(any(f"{name}.".startswith(f"{p}.") for p in packages) for name in names)


def room_of(path: Path) -> str:
    """The room of a file of the harness, or the door that it is."""
    return path.relative_to(HARNESS).with_suffix("").parts[0]


def by_name(path: Path) -> str:
    """How a test names a file."""
    return str(path.relative_to(ROOT))
