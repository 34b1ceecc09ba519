"""The line under a violated clause of chance draws the masks again, by the framework alone, and
prints what was asked and what was seen.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .cli import Ran, check, only

LAYERS = """\
import numpy as np
from torch import nn, where, rand_like

def rate_of(p):
    return 0.9 * p + 0.04

class Module(nn.Dropout):
    def forward(self, x):
        return where(rand_like(x) >= rate_of(self.p), x / (1 - self.p or 1), 0)

def by_torch(x, p, training=True):
    return Module(p)(x)

def masked(x, p, rng):
    return np.where(rng.random(x.shape) >= rate_of(p), x / (1 - p or 1), 0).astype(x.dtype)

def by_generator(x, rate, rng):
    return masked(x, rate, rng)

def by_seed(x, rate, seed):
    return masked(x, rate, np.random.default_rng(seed))

class Plain:
    def __init__(self, ratio):
        self.ratio = ratio

    def forward(self, x, train=True):
        return masked(x, self.ratio, np.random)

class Speaks:
    claims = {}

    def train(self, x, rate, seed):
        if seed is not None:
            np.random.seed(seed)
        return masked(x, rate, np.random)

    def evaluate(self, x, rate):
        return x

class Builds:
    claims = {}

    def reseed(self, seed):
        np.random.seed(seed)

    def layer(self, rate):
        layer = Plain(rate)
        layer.train = layer.forward
        return layer
"""
TARGETS = ("Module", "by_torch", "by_generator", "by_seed", "Plain", "Speaks", "Builds")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the layers above, which drop at 0.9 of the rate and 0.04 more."""
    folder = tmp_path_factory.mktemp("shown")
    (folder / "layers.py").write_text(LAYERS, "utf-8")
    return folder


@pytest.fixture(scope="module")
def ran(folder: Path) -> Ran:
    """All of them, judged by rate-1."""
    targets = [f"{name}=layers.py:{name}" for name in TARGETS]
    return check(folder, *targets, *only("rate-1"), "--profile", "quick")


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_asked_and_what_was_seen_is_printed(ran: Ran, folder: Path, name: str) -> None:
    """A class, functions with a stream and without, and both pairs of the protocol: the share
    that is dropped is the wrong one.
    """
    python, *arguments = shlex.split(ran.clause(name, "rate-1")["reproduce"])
    assert python == "python"
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    said = re.fullmatch(r"asked to drop (\S+) dropped (\S+)\n", done.stdout.replace(",", ""))
    assert said
    asked, seen = map(float, said.groups())
    assert abs(seen - (0.9 * asked + 0.04)) < 0.005
