"""Processes that are kept apart: forked from a template, heard through a pipe, and ended."""

from __future__ import annotations

import json
import os
from multiprocessing import Pipe
from pathlib import Path

import pytest

from dropspec.session import processes
from dropspec.session.messages import LONGEST, Receiver
from dropspec.session.processes import memory_of_each, processor_time

from .cli import check, only

LAYERS = """\
import torch
from torch import nn

class Parallel(nn.Dropout):
    def forward(self, x):
        torch.set_num_threads(2)
        torch.ones(1 << 20).exp().sum()
        return super().forward(x)

class Config(nn.Dropout):
    def __init__(self, config):
        super().__init__(config.settings.value)

def refuses(x, p):
    raise ValueError("not today")
"""


def test_a_child_may_use_many_threads(tmp_path: Path) -> None:
    """The template runs no operation, so a child that it forks may run one in several threads."""
    (tmp_path / "layers.py").write_text(LAYERS, "utf-8")
    ran = check(tmp_path, "layers.py:Parallel", "--timeout", "5", *only("scale-2", "edge-1"))
    assert ran.verdicts("layers.py:Parallel") == {"scale-2": "HOLDS", "edge-1": "HOLDS"}


def test_what_never_ran_is_not_judged(tmp_path: Path) -> None:
    """Of a constructor that wants something else, and of a function that refuses everything, no
    clause holds and none is violated; and the target beside them is judged.
    """
    (tmp_path / "layers.py").write_text(LAYERS, "utf-8")
    targets = ("layers.py:Config", "layers.py:refuses", "torch.nn:Dropout")
    ran = check(tmp_path, *targets, *only("edge-3", "scale-2"))
    assert ran.code == 2
    assert ran.verdicts("torch.nn:Dropout")["scale-2"] == "HOLDS"
    for label, why in zip(targets, ("has no attribute", "not today"), strict=False):
        assert ran.verdicts(label) == {}
        assert why in ran.label(label)["unusable"]


def heard(*pieces: bytes) -> list[str]:
    """The kinds of the messages that are taken in when these bytes come one after another."""
    ear, mouth = Pipe(duplex=False)
    receiver, kinds = Receiver(ear, "nonce"), []
    for piece in pieces:
        os.write(mouth.fileno(), piece)
        kinds += [message["kind"] for message in receiver.receive()]
    mouth.close()
    receiver.receive()
    assert receiver.is_closed
    return kinds


def line(nonce: str = "nonce", kind: str = "end") -> bytes:
    """A line of a child."""
    return f"\n{json.dumps({'nonce': nonce, 'kind': kind})}\n".encode()


@pytest.mark.parametrize(
    "noise",
    [
        b"\xff\xfe",
        b"1",
        b"{}",
        b'{"nonce": "nonce"',
        b'"nonce"',
        b"[" * 20_000 + b'"nonce"',
        line("another"),
    ],
)
def test_noise_in_the_pipe_is_passed_over(noise: bytes) -> None:
    """A line without the nonce is nobody's, and what comes after it is heard."""
    assert heard(line(kind="begin"), noise, line(), line(kind="done")) == ["begin", "end", "done"]


def test_a_line_may_come_in_pieces() -> None:
    """A line counts when its end has come."""
    assert heard(line()[:9], line()[9:-1], b"\n") == ["end"]


def test_a_line_without_end_is_not_kept() -> None:
    """What is kept of a line is bounded."""
    ear, mouth = Pipe(duplex=False)
    receiver = Receiver(ear, "nonce")
    receiver._rest = b"x" * (LONGEST + 1000)
    os.write(mouth.fileno(), b"x")
    receiver.receive()
    assert len(receiver._rest) == LONGEST


def test_the_processor_time_of_a_process_is_known() -> None:
    """Of this process it is some seconds, of none it is not told."""
    own = processor_time(os.getpid())
    assert own is not None
    assert 0 < own < 1e6
    assert processor_time(1 << 30) is None


def test_the_memory_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All processes together get half of the memory of the machine, or of its container."""
    whole = memory_of_each(1)
    (tmp_path / "memory.max").write_text("1000000", "ascii")
    monkeypatch.setattr(processes, "CGROUPS", str(tmp_path))
    assert memory_of_each(2) == 250_000 < whole
    (tmp_path / "memory.max").write_text("max", "ascii")
    assert memory_of_each(1) == whole
