"""What a layer raises to end the process is told as its own doing; the user's Ctrl-C still ends
the run.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dropspec.core.calls import Call
from dropspec.core.errors import Hung, ImplementationError
from dropspec.core.guard import Guard, Interrupted

from .cli import SCRIPTS, check, only, processes_of

LAYERS = """\
import sys
import time
from pathlib import Path
from torch import nn

class Interrupts(nn.Dropout):
    def forward(self, x):
        if self.p == 1:
            raise KeyboardInterrupt
        return super().forward(x)

class Exits(nn.Dropout):
    def forward(self, x):
        if self.p == 1:
            sys.exit(0)
        return super().forward(x)

class Waits(nn.Dropout):
    def forward(self, x):
        Path("called").touch()
        time.sleep(60)
        return x
"""


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit("bye")], ids=repr
)
def test_whatever_the_code_raises_is_named(error: BaseException) -> None:
    """KeyboardInterrupt, SystemExit and the like, raised by the code itself, are what it raised,
    and end nothing.
    """
    with (
        pytest.raises(ImplementationError, match=f"a call raised {type(error).__name__}"),
        Guard(5.0).call("a call"),
    ):
        raise error


@pytest.fixture
def listening() -> Iterator[None]:
    """Ctrl-C is heard, here and by children, though the tests may have been started where it is
    ignored, as behind a shell.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening")
def test_the_users_own_interrupt_goes_through() -> None:
    """A signal from outside during a call is no error of the code: it ends the run as ever, and
    its handler is put back.
    """
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted), Guard(5.0).call("a call"):
        signal.raise_signal(signal.SIGINT)
    assert issubclass(Interrupted, KeyboardInterrupt)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_call_inside_another_leaves_its_limit() -> None:
    """After a call within a call, as of a constructor within a forward, the outer one is still
    limited, and named.
    """
    guard = Guard(0.2)

    def outer() -> None:
        with guard.call("the outer call"):
            with guard.call("the inner call"):
                pass
            time.sleep(30)

    with pytest.raises(Hung, match=r"the outer call did not return within 0\.2 s"):
        outer()


def test_a_timer_of_somebody_else_goes_on() -> None:
    """A guarded call leaves the timer as it was, as pytest-timeout has one."""
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 60)
    try:
        with Guard(5.0).call("a call"):
            pass
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_call_that_works_is_not_hung_on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that gets 5 % of a processor has used a small part of its limit when the clock has
    passed it, and goes on; one that waits has used none, and is ended.
    """
    clock = time.monotonic
    monkeypatch.setattr("dropspec.core.guard.process_time", lambda: clock() * 0.05)
    with Guard(0.1).call("a call"):
        until = clock() + 0.5
        while clock() < until:
            pass
    monkeypatch.setattr("dropspec.core.guard.process_time", lambda: 0.0)
    with pytest.raises(Hung), Guard(0.1).call("a call"):
        time.sleep(30)


def test_the_first_call_of_a_shape_may_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call of each mode, shape and dtype may work three times as long as others, as a
    framework may compile it; one that waits may not, nor one more call of that kind.
    """
    worked = [0.0]

    def process_time() -> float:
        worked[0] += 0.01
        return worked[0]

    guard = Guard(0.1)

    def call(columns: int, works_s: float, waits_s: float = 0.3) -> None:
        guard.record(Call("training", {"x": np.ones((2, columns))}, 0.5, 0, differentiable=False))
        with guard.call("a call"):
            worked[0] += works_s
            time.sleep(waits_s)

    monkeypatch.setattr("dropspec.core.guard.process_time", process_time)
    for columns in (1, 2):
        call(columns, works_s=0.12)
    with pytest.raises(Hung):
        call(1, works_s=0.12)
    monkeypatch.setattr("dropspec.core.guard.process_time", lambda: 0.0)
    with pytest.raises(Hung):
        call(3, works_s=0.0, waits_s=30)


def test_no_import_is_ended_half_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that passes inside an import ends the call after it: a half-imported module would
    spoil whatever comes later.
    """
    (tmp_path / "slow_to_import.py").write_text("import time; time.sleep(0.5); done = 1\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def imports_and_sleeps() -> None:
        with Guard(0.1).call("a call"):
            importlib.import_module("slow_to_import")
            time.sleep(30)

    with pytest.raises(Hung):
        imports_and_sleeps()
    assert sys.modules["slow_to_import"].done


def test_the_report_says_what_was_raised(tmp_path: Path) -> None:
    """At rate 1 one layer raises KeyboardInterrupt and one leaves by sys.exit: the report says
    so, and other clauses are judged.
    """
    (tmp_path / "layers.py").write_text(LAYERS, "utf-8")
    ran = check(tmp_path, "layers.py:Interrupts", "layers.py:Exits", *only("edge-1", "edge-2"))
    assert ran.code == 1
    for label, said in (
        ("layers.py:Interrupts", "raised KeyboardInterrupt (layers.py"),
        ("layers.py:Exits", "raised SystemExit: 0 (layers.py"),
    ):
        assert said in ran.clause(label, "edge-2")["summary"]
        assert ran.clause(label, "edge-1")["verdict"] == "HOLDS"


def ended_by(number: signal.Signals, folder: Path) -> tuple[int, str, str]:
    """The exit code, the output and the errors of a run that a signal ends while it waits for its
    second layer; nothing of it is left some seconds later.
    """
    (folder / "layers.py").write_text(LAYERS, "utf-8")
    targets = ("torch.nn:Dropout", "layers.py:Waits")
    options = ("--timeout", "60", "--profile", "quick", "--json", "r.json", *only("scale-2"))
    child = subprocess.Popen(
        [str(SCRIPTS / "dropspec"), "check", *targets, *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"MARK": str(folder)},
        start_new_session=True,
    )
    since = time.monotonic()
    while not (folder / "called").exists():
        assert time.monotonic() - since < 60
        time.sleep(0.1)
    os.kill(child.pid, number)
    printed, complaint = child.communicate(timeout=30)
    while processes_of(str(folder)):
        assert time.monotonic() - since < 90
        time.sleep(0.1)
    return child.returncode, printed, complaint


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "ended by a signal"),
        (signal.SIGHUP, 129, "ended by a signal"),
    ],
)
def test_a_run_can_be_ended(tmp_path: Path, number: signal.Signals, code: int, said: str) -> None:
    """A signal ends a run at once, with a word and an exit code of its own; what was judged is
    printed, the report says that it is incomplete, and no process is left.
    """
    ended, printed, complaint = ended_by(number, tmp_path)
    assert (ended, complaint) == (code, f"dropspec: {said}: 1 of 2 targets are judged\n")
    assert "torch.nn:Dropout conforms" in printed
    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert not report["complete"]
    assert list(report["labels"]) == ["torch.nn:Dropout"]


def test_no_process_outlives_the_command(tmp_path: Path) -> None:
    """Where the command is killed, its children end with it."""
    assert ended_by(signal.SIGKILL, tmp_path)[0] == -signal.SIGKILL
