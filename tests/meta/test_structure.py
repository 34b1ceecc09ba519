"""The shape of the project: rooms, who may import whom, what stays light, what is named where."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from .tree import (
    HARNESS,
    ROOT,
    TESTS,
    by_name,
    ours,
    room_of,
    sources,
    tree_of,
    within,
)

LINES, COLUMNS, AT_THE_TOP = 300, 100, 12
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
    """pyproject lists every package of the tree, except the tests of the suite itself."""
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
