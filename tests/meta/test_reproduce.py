"""The line under a failure shows that failure when it is pasted, or else it is the command; a
file's folder is where it imports from.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .cli import Ran, check, only

FILES = {
    "layers/helper.py": "FACTOR = 2\n",
    "layers/later.py": "",
    "layers/layers.py": (
        """\
import numpy as np
import torch
from torch import nn
from torch.autograd import Function
from helper import FACTOR

class Adds(nn.Dropout):
    def forward(self, x):
        x.data.add_(100)
        return super().forward(x)

class Doubles(nn.Dropout):
    def forward(self, x):
        import later
        return super().forward(x) * FACTOR

class Clips(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        return g.clamp(-1, 1)

class Clipped(nn.Dropout):
    def forward(self, x):
        return Clips.apply(super().forward(x)) if self.training else x

def borrowed(x, p, rng: np.random.Generator):
    return x * torch.from_numpy(rng.random(x.shape) >= p) / max(p, 1e-9)

class Constant(Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, g):
        return g.detach()

class Once(nn.Dropout):
    def forward(self, x):
        return Constant.apply(super().forward(x))
"""
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files above."""
    folder = tmp_path_factory.mktemp("reproduce")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def ran(folder: Path) -> Ran:
    """The layers of a file that imports its neighbours, now and later."""
    targets = [
        f"{name}=layers/layers.py:{name}"
        for name in ("Adds", "Doubles", "Once", "Clipped", "borrowed")
    ]
    return check(folder, *targets, *only("layout-3", "scale-1", "gradient-2", "gradient-6"))


def paste(line: str, folder: Path) -> str:
    """What a line of the report prints."""
    python, *arguments = shlex.split(line)
    assert python == "python"
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


def test_a_file_imports_what_lies_beside_it(ran: Ran, folder: Path) -> None:
    """As with `python layers/layers.py`, its neighbours are found when it is loaded and when it
    is called, and by the reproduction, too.
    """
    said = ran.clause("Doubles", "scale-1")
    assert said["verdict"] == "VIOLATED"
    assert "tensor([" in paste(said["reproduce"], folder)


def test_a_changed_input_is_shown(ran: Ran, folder: Path) -> None:
    """The line for layout-3 prints the input after the call, where 100 was added."""
    said = ran.clause("Adds", "layout-3")
    got = float(said["summary"].split("got = ")[1].split()[0])
    assert f"{got:.4f}" in paste(said["reproduce"], folder).split("tensor(")[-1]


def test_a_wrong_gradient_is_shown_by_its_own_upstream(ran: Ran, folder: Path) -> None:
    """Gradients cut off at 1 are right for an upstream of ones: the line gives the upstream for
    which they were wrong.
    """
    said = ran.clause("Clipped", "gradient-2")
    assert said["verdict"] == "VIOLATED"
    got = float(said["summary"].split("got = ")[1].split()[0])
    printed = paste(said["reproduce"], folder)
    assert f"{got:.4f}" in printed or f"{got:.4e}" in printed


def test_a_borrowed_generator_is_imported(ran: Ran, folder: Path) -> None:
    """A torch function that draws from NumPy's generator gets one in the line."""
    said = ran.clause("borrowed", "scale-1")
    assert "tensor([" in paste(said["reproduce"], folder)


def test_what_a_line_does_not_show_is_left_to_the_command(ran: Ran) -> None:
    """A double gradient is no output and no gradient of a call."""
    assert ran.verdicts("Once") == {
        "scale-1": "HOLDS",
        "gradient-2": "HOLDS",
        "gradient-6": "VIOLATED",
        "layout-3": "HOLDS",
    }
    assert ran.clause("Once", "gradient-6")["reproduce"].startswith(
        "dropspec check layers/layers.py:Once --clause gradient-6"
    )


def test_a_run_over_nothing_that_is_claimed_says_so(folder: Path) -> None:
    """Where no clause asked for is claimed, the target does not conform, and the last line says
    why.
    """
    ran = check(folder, "dropspec.reference.dropout:dropout", *only("gradient-1"))
    assert ran.code == 1
    printed = " ".join(ran.printed.split())
    assert (
        "does not conform: none of the 1 clauses asked for is claimed, so nothing was judged (it"
        " returns a NumPy array," in printed
    )
    assert "accuses a right implementation" not in printed
