"""Hostile layers are survived: each is told as what it does, and harms nobody beside it.

All are judged in one run, beside a right layer and a wrong one; a few of them in the tests that
are always run.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from pathlib import Path

import pytest

from dropspec.tests.meta import hostile
from dropspec.tests.meta.hostile.kinds import Hostile, Late, Wrong

from .cli import Ran, check, only, processes_of

CLAUSES = ("scale-1", "edge-1", "eval-1", "gradient-1", "layout-1")
RIGHT, WRONG = "torch.nn:Dropout", f"{hostile.__name__}.kinds:Wrong"
AT_IMPORT = {  # what a file does when it is imported, and what must be said of it
    "ImportIsSlow": ("import time; time.sleep(2)", ""),
    "ImportHangs": ("import time; time.sleep(10**6)", "did not return within"),
    "ImportHangsAndCatches": (
        "import time\nwhile True:\n  try:\n    time.sleep(100)\n  except BaseException: pass",
        "hung",
    ),
    "ImportRaises": ("raise RuntimeError('no')", "raised RuntimeError: no"),
    "ImportRaisesMute": (
        "class M(Exception):\n  def __str__(self):\n    raise ValueError\nraise M",
        "raised M",
    ),
    "ImportSysExits": ("import sys; sys.exit(0)", "raised SystemExit"),
    "ImportExits0": ("import os; os._exit(0)", "exit code 0 while it was loaded"),
    "ImportSegfaults": ("import ctypes; ctypes.string_at(0)", "signal 11 while it was loaded"),
    "ImportPrompts": ("name = input('name? ')", "EOFError"),
    "ImportInterrupts": ("raise KeyboardInterrupt", "raised KeyboardInterrupt"),
    "ImportPrints100MB": ("for _ in range(20): print('x' * 5 * 10**6)", ""),
    "ImportClosesOutput": ("import os; os.close(1); os.close(2)", ""),
    "ImportChangesFolder": ("import os; os.chdir('/')", ""),
    "ImportSkips": ("import pytest; pytest.skip('no', allow_module_level=True)", "raised Skipped"),
    "ImportSurrogates": (r"raise RuntimeError('caf\udce9')", r"raised RuntimeError: caf\\udce9"),
    "ImportEscapes": (r"raise RuntimeError('\x1b[2J\n::error::owned')", r"RuntimeError: \\x1b"),
    "ImportPatchesSys": (
        "import sys; sys.argv[:] = []; sys.path[:] = []; sys.setrecursionlimit(10**6)",
        "",
    ),
}
FEW = (  # that take no time
    "LateSegfaults",
    "LateExitsWith0",
    "LeavesForks",
    "LeavesProcesses",
    "TerminatesParent",
    "RaisesNotClaimed",
    "RaisesEscapes",
    "RaisesSurrogates",
    "LateRaisesWhatCannotBeShown",
    "ClosesAllFiles",
    "ClearsEnvironment",
    "LeavesInferenceMode",
    "EmptiesModules",
    "EmptiesItsInput",
    "PatchesVerdicts",
    "DeletesFiles",
    "WritesIntoPipes",
    "ForgesVerdicts",
    "ImportPatchesSys",
    "ImportExits0",
)


def layers() -> dict[str, type[Hostile]]:
    """Every hostile layer by name."""
    found = {}
    for info in pkgutil.iter_modules(hostile.__path__, f"{hostile.__name__}."):
        for name, thing in vars(importlib.import_module(info.name)).items():
            if isinstance(thing, type) and issubclass(thing, Hostile):
                found[name] = thing
    return {name: kind for name, kind in found.items() if kind not in (Hostile, Late, Wrong)}


LAYERS = layers()
EVERY = (*LAYERS, *AT_IMPORT)
SAYS = {name: kind.says for name, kind in LAYERS.items()} | {
    name: says for name, (_, says) in AT_IMPORT.items()
}


class Judged:
    """A run over hostile layers, beside a right one and a wrong one, and what it left behind."""

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        files, here, temporary = folder / "files", folder / "here", folder / "t"
        for made in (files, here, temporary):
            made.mkdir()
        for name, (text, _) in AT_IMPORT.items():
            text += "\nfrom torch.nn import Dropout as Layer\n"
            (files / f"{name}.py").write_text(text, "utf-8")
        targets = [f"right={RIGHT}", f"wrong={WRONG}"]
        for name in names:
            own = f"{LAYERS[name].__module__}:{name}" if name in LAYERS else ""
            targets.append(f"{name}={own or files / f'{name}.py:Layer'}")
        self.mark = f"hostile {folder}"
        limits = ("--timeout", "1", "--import-timeout", "4", "-n", "2")
        self.ran: Ran = check(
            here, *targets, *limits, *only(*CLAUSES), TMPDIR=str(temporary), MARK=self.mark
        )
        self.names, self.temporary = names, temporary

    def said(self, name: str) -> str:
        """All that the report says of a layer."""
        found = self.ran.label(name)
        summaries = [c["summary"] for c in found["clauses"].values()]
        return "\n".join([found["unusable"], *summaries])

    def processes(self) -> list[int]:
        """The processes that are left of the run some seconds later."""
        until = time.monotonic() + 10
        while (left := processes_of(self.mark)) and time.monotonic() < until:
            time.sleep(0.1)
        return left


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """The few that take no time."""
    return Judged(tmp_path_factory.mktemp("few"), FEW)


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """All of them."""
    return Judged(tmp_path_factory.mktemp("every"), EVERY)


def check_run(judged: Judged) -> None:
    """The run came to its end, said all, and left nothing; others are judged as ever."""
    assert judged.ran.code == 2  # as some cannot be judged
    assert judged.ran.report["complete"], judged.ran.complaint
    assert set(judged.ran.report["labels"]) == {"right", "wrong", *judged.names}
    assert set(judged.ran.verdicts("right").values()) == {"HOLDS"}
    assert judged.ran.clause("wrong", "scale-1")["verdict"] == "VIOLATED"
    assert "Traceback" not in judged.ran.printed + judged.ran.complaint
    assert judged.processes() == []  # the run has its own, as it is given variables
    left = [path.name for path in judged.temporary.iterdir()]
    assert [name for name in left if not name.startswith("torchinductor")] == []  # torch's cache


def check_layer(judged: Judged, name: str) -> None:
    """A layer has a verdict a clause or one sentence, in its own words, and none of another's."""
    found, said = judged.ran.label(name), judged.said(name)
    assert found["unusable"] or set(found["clauses"]) == set(CLAUSES)
    assert re.search(SAYS[name], said), said
    assert "dropspec met" not in said
    assert "fault of dropspec" not in said
    assert said.isprintable() or set(said) - {"\n"} <= set(filter(str.isprintable, said))
    if name in LAYERS and not LAYERS[name].may_conform:
        assert not found["conformant"]


def check_printed(judged: Judged) -> None:
    """What is printed holds nothing that a terminal or a CI service would obey."""
    lines = judged.ran.printed.splitlines()
    assert not [line for line in lines if not line.isprintable()]
    assert not [line for line in lines if line.lstrip().startswith("::")]


def test_a_few_harm_nobody(few: Judged) -> None:
    """A right layer beside them conforms, a wrong one does not, and nothing is left behind."""
    check_run(few)
    check_printed(few)


@pytest.mark.parametrize("name", FEW)
def test_a_few_are_told(few: Judged, name: str) -> None:
    """Each is told as what it does."""
    check_layer(few, name)


@pytest.mark.whole
def test_they_harm_nobody(every: Judged) -> None:
    """The same of all of them."""
    check_run(every)
    check_printed(every)


@pytest.mark.whole
@pytest.mark.parametrize("name", EVERY)
def test_they_are_told(every: Judged, name: str) -> None:
    """Each of all of them is told as what it does."""
    check_layer(every, name)
