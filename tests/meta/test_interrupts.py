"""What a layer raises to end the process is told as its own doing; the user's Ctrl-C still ends
the run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropspec.core.errors import Hung, ImplementationError
from dropspec.core.guard import Guard, Interrupted

from .cli import SCRIPTS, check, only

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


@pytest.mark.usefixtures("listening")
def test_a_run_can_be_interrupted(tmp_path: Path) -> None:
    """Ctrl-C, which reaches the command and its children, ends a run that waits for a layer at
    once, with exit code 130 and a word.
    """
    (tmp_path / "layers.py").write_text(LAYERS, "utf-8")
    command = [
        sys.executable,
        str(SCRIPTS / "dropspec"),
        "check",
        "layers.py:Waits",
        "--timeout",
        "60",
        *only("scale-2"),
    ]
    child = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    since = time.monotonic()
    while not (tmp_path / "called").exists():
        assert time.monotonic() - since < 60
        time.sleep(0.1)
    os.killpg(child.pid, signal.SIGINT)
    _, complaint = child.communicate(timeout=30)
    assert (child.returncode, complaint) == (130, "dropspec: interrupted\n")
