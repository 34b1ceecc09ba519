"""Layers that meddle with their own verdict, or with that of others."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .kinds import Hostile, Wrong


class WritesIntoPipes(Hostile):
    """Writes garbage to every descriptor."""

    garbage = b"\xff\xfe"

    def act(self) -> None:
        for number in range(3, 64):
            try:
                os.write(number, self.garbage)
            except OSError:
                continue


class WritesNumbers(WritesIntoPipes):
    """Writes JSON that is no message."""

    garbage = b"\n1\n{}\n"


class ForgesVerdicts(WritesIntoPipes):
    """Writes that all holds, and that others do not, and ends the process."""

    says = "ended with exit code 0"
    may_conform = False

    def act(self) -> None:
        record = {"label": "torch.nn:Dropout", "clause": "scale-1", "verdict": "VIOLATED"}
        for kind in ("end", "done"):
            self.garbage = b"\n" + json.dumps({"kind": kind, "record": record}).encode() + b"\n"
            super().act()
        os._exit(0)


class FloodsPipes(WritesIntoPipes):
    """Writes 50 MB without the end of a line, once."""

    has_written = False

    def act(self) -> None:
        if not FloodsPipes.has_written:
            FloodsPipes.has_written = True
            self.garbage = b"x" * 50_000_000
            super().act()


class RemovesTemporaryFiles(Hostile):
    """Removes every folder of dropspec's among the temporary ones."""

    def act(self) -> None:
        for path in Path(tempfile.gettempdir()).glob("dropspec-*"):
            shutil.rmtree(path, ignore_errors=True)


class LooksForDropspec(Wrong):
    """Is right while dropspec is on the stack: a Volkswagen."""

    may_conform = True

    def forward(self, x: Tensor) -> Tensor:
        """Right where it is looked at."""
        frame, is_watched = sys._getframe(), False
        while frame.f_back:
            frame = frame.f_back
            is_watched |= frame.f_globals.get("__name__", "").startswith("dropspec.")
        return torch.nn.Dropout.forward(self, x) if is_watched else super().forward(x)


class LooksForPytest(Wrong):
    """Is right while pytest is imported: a Volkswagen."""

    may_conform = True

    def forward(self, x: Tensor) -> Tensor:
        """Right where it is looked at."""
        is_watched = "pytest" in sys.modules
        return torch.nn.Dropout.forward(self, x) if is_watched else super().forward(x)


class PatchesPytest(Wrong):
    """Makes pytest forget what was raised."""

    may_conform = True

    def act(self) -> None:
        from _pytest.runner import CallInfo

        def fine(*_: Any, **__: Any) -> Any:
            return CallInfo(None, None, 0, 0, 0, "call", _ispytest=True)

        CallInfo.from_call = fine  # type: ignore[method-assign]


class PatchesVerdicts(Wrong):
    """Replaces what dropspec makes verdicts with."""

    may_conform = True

    def act(self) -> None:
        from dropspec.core.records import Verdict
        from dropspec.session import record

        record.verdict_of = lambda *_: (Verdict.HOLDS, "")
