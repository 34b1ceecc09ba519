"""What a layer changes for the whole process is put back: the layer beside it is not accused of
it.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from dropspec.frameworks import all_frameworks
from dropspec.session.ambient import Ambient

from .cli import check, only

LAYERS = """\
import os
import numpy as np
import torch
from torch import nn

def pollute():
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(True)
    np.seterr(all="raise")
    os.chdir("/")

class AtConstruction(nn.Dropout):
    def __init__(self, p=0.5):
        pollute()
        super().__init__(p)

class AtCalls(nn.Dropout):
    def forward(self, x):
        pollute()
        return super().forward(x)
"""


def test_all_of_it_is_put_back(tmp_path: Path) -> None:
    """The folder, NumPy's error handling, and torch's default dtype, gradient mode, denormals,
    deterministic mode and threads.
    """
    ambient, folder, errors, threads = (
        Ambient(all_frameworks()),
        os.getcwd(),
        np.geterr(),
        torch.get_num_threads(),
    )
    os.chdir(tmp_path)
    np.seterr(all="raise")
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(threads + 1)
    ambient.restore()
    assert (os.getcwd(), np.geterr(), torch.get_num_threads()) == (folder, errors, threads)
    assert torch.get_default_dtype() is torch.float32
    assert torch.is_grad_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    assert (torch.tensor([1e-40]) * 0.5).item() > 0


def test_the_layer_beside_is_not_accused(tmp_path: Path) -> None:
    """A right layer that is judged after two which change everything keeps what it keeps alone;
    a file in the folder is still found.
    """
    (tmp_path / "layers.py").write_text(LAYERS, "utf-8")
    targets = ("layers.py:AtConstruction", "layers.py:AtCalls", "right=layers.py:nn.Dropout")
    ran = check(tmp_path, *targets, *only("gradient-1", "gradient-10", "numerics-1", "module-2"))
    assert set(ran.verdicts("right").values()) == {"HOLDS"}
    assert ran.clause("layers.py:AtCalls", "gradient-1")["verdict"] != "HOLDS"
