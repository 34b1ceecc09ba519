"""Layers that change what belongs to the whole process: output, folder, modules, settings."""

from __future__ import annotations

import builtins
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .kinds import Hostile, Wrong


def refuse(*_: Any, **__: Any) -> Any:
    """Raises."""
    raise RuntimeError("patched")


def nothing(*_: Any, **__: Any) -> None:
    """Does nothing."""


class DaemonThatPrints(Hostile):
    """Has a thread that prints all the time."""

    has_begun = False

    def act(self) -> None:
        if not DaemonThatPrints.has_begun:
            DaemonThatPrints.has_begun = True
            threading.Thread(target=self.chatter, daemon=True).start()

    def chatter(self) -> None:
        """Prints for ever."""
        while True:
            print("x" * 1000)


class Prints100MB(Hostile):
    """Prints 100 MB to both streams, once."""

    has_printed = False

    def act(self) -> None:
        if not Prints100MB.has_printed:
            Prints100MB.has_printed = True
            for _ in range(10):
                os.write(1, b"x" * 5_000_000)
                os.write(2, b"x" * 5_000_000)


class ClosesOutput(Hostile):
    """Closes standard output and errors."""

    def act(self) -> None:
        os.closerange(1, 3)


class ClosesAllFiles(Hostile):
    """Closes every descriptor, and so the pipe of its verdicts."""

    says = "closed the pipe|Bad file descriptor|exit code"

    def act(self) -> None:
        os.closerange(3, 256)


class TakesStdoutAway(Hostile):
    """Leaves no streams in Python."""

    def act(self) -> None:
        sys.stdout = sys.stderr = None


class ChangesFolder(Hostile):
    """Goes elsewhere."""

    def act(self) -> None:
        os.chdir("/")


class RemovesItsFolder(Hostile):
    """Goes into a folder and removes it."""

    def act(self) -> None:
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        os.rmdir(folder)


class DeletesFiles(Hostile):
    """Deletes all files where the command is run."""

    def act(self) -> None:
        for path in Path.cwd().iterdir():
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


class PatchesSeeding(Hostile):
    """Makes seeding do nothing."""

    def act(self) -> None:
        torch.manual_seed = np.random.seed = random.seed = nothing  # type: ignore[assignment]


class PatchesComparison(Wrong):
    """Makes NumPy and torch call everything equal."""

    def act(self) -> None:
        for name in ("array_equal", "allclose", "all"):
            setattr(np, name, lambda *_, **__: True)
        torch.equal = torch.allclose = lambda *_, **__: True


class PatchesOs(Hostile):
    """Makes the system's functions raise."""

    def act(self) -> None:
        os.chdir = os.getcwd = os._exit = refuse
        builtins.open = refuse
        json.dumps = refuse


class SetsThreads(Hostile):
    """Asks for 64 threads."""

    def act(self) -> None:
        torch.set_num_threads(64)


class SetsDefaultDtype(Hostile):
    """Makes float64 the default."""

    def act(self) -> None:
        torch.set_default_dtype(torch.float64)


class SetsDefaultDevice(Hostile):
    """Makes new tensors hold nothing."""

    def act(self) -> None:
        torch.set_default_device("meta")


class LeavesGradOff(Hostile):
    """Leaves gradients off."""

    def act(self) -> None:
        torch.set_grad_enabled(False)


class LeavesInferenceMode(Hostile):
    """Enters inference mode, and stays there."""

    def act(self) -> None:
        torch.inference_mode().__enter__()


class LeavesAutocast(Hostile):
    """Enters autocasting, and stays there."""

    def act(self) -> None:
        torch.autocast("cpu", torch.bfloat16).__enter__()  # type: ignore[no-untyped-call]


class SetsDeterministic(Hostile):
    """Asks for deterministic algorithms."""

    def act(self) -> None:
        torch.use_deterministic_algorithms(True)


class WarningsAreErrors(Hostile):
    """Makes warnings errors."""

    def act(self) -> None:
        warnings.simplefilter("error")
        np.seterr(all="raise")


class ClearsEnvironment(Hostile):
    """Leaves no environment, and no place to import from."""

    def act(self) -> None:
        os.environ.clear()
        sys.path.clear()


class EmptiesModules(Hostile):
    """Forgets what was imported."""

    def act(self) -> None:
        gone = ("numpy", "scipy", "hypothesis", "dropspec")
        for name in [n for n in sys.modules if n.split(".")[0] in gone]:
            del sys.modules[name]


class TracesEverything(Hostile):
    """Traces with functions that raise."""

    def act(self) -> None:
        sys.settrace(refuse)
        sys.setprofile(refuse)
