"""The shape of the project: rooms, who may import whom, what stays light, what is named where."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
HARNESS = TESTS / "harness"
TOP = (
    *("spec", "reference", "tests", "conftest.py", "pyproject.toml", "README.md", "LICENSE"),
    *(".gitignore", ".ci", ".github"),
)
LINES, COLUMNS, AT_THE_TOP = 300, 100, 12
OF_A_MACHINE = re.compile(r"(?<![\w.:/])/(?:home|work|root|Users)/\w")  # not of an address
HEAVY = ("torch", "numpy", "scipy", "hypothesis", "ml_dtypes", "rich")

BELOW_FAMILIES = ("core", "targets", "frameworks", "chance", "diagnosis")
BELOW_PROPERTIES = (*BELOW_FAMILIES, "families", "session")
ROOMS = {  # each with the rooms that it may import, besides itself
    "core": (),
    "targets": ("core",),
    "frameworks": ("core",),
    "chance": ("core",),
    "diagnosis": ("core",),
    "families": BELOW_FAMILIES,
    "session": (*BELOW_FAMILIES, "families"),
    "properties": BELOW_PROPERTIES,
    "report": (*BELOW_PROPERTIES, "properties"),
}
DOORS = ("cli", "plugin", "api")
FRAMEWORKS = ("torch", "jax", "keras", "tensorflow")
FRAMEWORK_NAMES = ("torch", "numpy", "protocol", "jax", "keras", "tensorflow")


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


def modules() -> dict[str, Path]:
    """The files of the harness by module name."""
    found = {}
    for path in sources(HARNESS):
        parts = path.relative_to(HARNESS).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        found[".".join(("dropspec", *parts))] = path
    return found


@pytest.mark.parametrize("path", sources(HARNESS), ids=by_name)
def test_a_room_imports_only_the_rooms_below_it(path: Path) -> None:
    """Rooms import as the table says; doors import all; only doors import a door."""
    room = room_of(path)
    known = {n.split(".")[1] for n in ours(path) if len(n.split(".")) > 1} & {*ROOMS, *DOORS}
    if room in ROOMS:
        assert known <= {room, *ROOMS[room]}
    doors = {"cli": {"cli", "api"}, "api": {"api", "plugin"}, "__main__": {"cli"}}
    assert known & set(DOORS) <= doors.get(room, {room})  # api names the plugin of its children


@pytest.mark.parametrize("path", sources(HARNESS), ids=by_name)
def test_the_harness_is_handed_tests_and_pages_by_families(path: Path) -> None:
    """Only a family names its page and its properties; no room knows mutants or reference."""
    beyond = [n for n in ours(path) if within({n}, "dropspec.reference", "dropspec.tests")]
    pages = [n for n in ours(path) if within({n}, "dropspec.spec")]
    if room_of(path) == "families":
        assert within(set(beyond), "dropspec.tests.conformance")
    elif room_of(path) not in DOORS:
        assert not beyond
        assert not pages


def test_imports_go_round_in_no_circle() -> None:
    """No module of the harness imports itself by way of others, not even late or for types."""
    named = modules()
    graph = {}
    for name, path in named.items():
        found = {n if n in named else n.rpartition(".")[0] for n in ours(path)}
        graph[name] = (found & set(named)) - {name}
    for name in graph:  # a package is imported before its modules, and waits for none of them
        graph[name] = {n for n in graph[name] if not name.startswith(f"{n}.")}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_no_import_is_hidden_from_the_interpreter() -> None:
    """TYPE_CHECKING is used nowhere: it hides circles."""
    assert not [p for p in sources(HARNESS) if "TYPE_CHECKING" in p.read_text("utf-8")]


def test_the_package_has_few_parts() -> None:
    """At the top of the package lie at most 12 rooms and doors, all of them in the table."""
    apart = ("__init__.py", "__main__.py", "py.typed", "__pycache__")
    found = [p.stem for p in HARNESS.iterdir() if p.name not in apart]
    assert len(found) <= AT_THE_TOP
    assert set(found) == {*ROOMS, *(door for door in DOORS if door in found)}


def test_the_guard_knows_the_rooms() -> None:
    """Lines of code in these rooms are never laid to the user."""
    from dropspec.core import guard

    assert set(guard.ROOMS) == set(ROOMS) - {"report"}


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


@pytest.mark.parametrize("path", [*sources(HARNESS), *sources(TESTS / "conformance")], ids=by_name)
def test_a_framework_is_imported_in_its_room_only(path: Path) -> None:
    """No file outside frameworks/ imports a framework or asks for one by name."""
    if path.is_relative_to(HARNESS) and room_of(path) == "frameworks":
        return
    assert not {name for name in imported(path) if name.split(".")[0] in FRAMEWORKS}
    assert not [text for text in strings(path) if text in FRAMEWORK_NAMES]


def test_a_target_is_inspected_in_one_room() -> None:
    """Facts are made in targets/ alone, and what Python tells of a callable is read there."""
    makes = [
        path
        for path in sources(HARNESS)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Facts"
    ]
    assert {room_of(path) for path in makes} == {"targets"}


@pytest.mark.parametrize("path", sources(ROOT / "reference"), ids=by_name)
def test_the_reference_imports_nothing_of_ours(path: Path) -> None:
    """The reference can be read, and taken away, without the rest."""
    assert within(ours(path), "dropspec.reference")


@pytest.mark.parametrize("path", sources(TESTS / "conformance"), ids=by_name)
def test_conformance_tests_import_the_harness(path: Path) -> None:
    """Conformance tests import the harness, the reference and each other: no mutant, no test."""
    apart = ("dropspec.tests", "dropspec.spec")
    beyond = {name for name in ours(path) if within({name}, *apart)}
    assert within(ours(path), "dropspec")
    assert within(beyond, "dropspec.tests.conformance")


@pytest.mark.parametrize("path", sources(TESTS / "mutants"), ids=by_name)
def test_mutants_import_the_reference(path: Path) -> None:
    """Mutants are made from the reference and each other, and know nothing of the harness."""
    assert within(ours(path), "dropspec.reference", "dropspec.tests.mutants")


def test_the_plugin_is_light() -> None:
    """The plugin is loaded in every pytest run of a user's: importing it imports nothing heavy."""
    asked = f"import sys, dropspec.plugin; print([n for n in {HEAVY!r} if n in sys.modules])"
    clone = f"import runpy; runpy.run_path({str(ROOT / 'conftest.py')!r}); "  # works uninstalled
    command = [sys.executable, "-c", clone + asked]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_package_is_shipped() -> None:
    """pyproject lists every package of the tree, but for the tests of the suite itself."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    places = {"dropspec": HARNESS, "dropspec.tests": TESTS}
    places |= {f"dropspec.{name}": ROOT / name for name in ("spec", "reference")}
    assert {name: ROOT / path for name, path in listed["package-dir"].items()} == places
    found = {"dropspec.spec"}
    for name, top in places.items():
        for path in top.rglob("__init__.py"):
            inside = path.parent.relative_to(top).parts
            if not (name == "dropspec.tests" and inside[:1] in (("harness",), ("meta",))):
                found.add(".".join((name, *inside)))
    assert set(listed["packages"]) == found


@pytest.mark.parametrize("path", sources(ROOT), ids=by_name)
def test_a_file_can_be_read_in_a_sitting(path: Path) -> None:
    """A Python file has at most 300 lines of 100 columns, and begins by saying what it is for."""
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= LINES
    assert not [line for line in lines if len(line) > COLUMNS]
    assert ast.get_docstring(tree_of(path))


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
    """Every test and every public function, class and method has a docstring, mutants apart."""
    silent = []
    for path in sources(ROOT):
        if path.is_relative_to(TESTS / "mutants"):
            continue
        tops = [n for n in tree_of(path).body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
        classes = [n for n in tops if isinstance(n, ast.ClassDef)]
        methods = [n for c in classes for n in c.body if isinstance(n, ast.FunctionDef)]
        public = (n for n in (*tops, *methods) if not n.name.startswith("_"))
        silent += [f"{by_name(path)}: {n.name}" for n in public if not ast.get_docstring(n)]
    assert not silent
