"""What belongs to the whole process and any layer can change: it is put back between tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

import numpy as np

from dropspec.core.framework import Framework

_chdir = os.chdir  # a layer may replace it


class Ambient:
    """The folder, the modules, NumPy's error handling, and what frameworks hold, as they are when
    it is made.
    """

    def __init__(self, frameworks: Iterable[Framework]) -> None:
        self._folder, self._errors = os.getcwd(), np.geterr()
        self._modules, self._path, self._limit = (
            dict(sys.modules),
            list(sys.path),
            sys.getrecursionlimit(),
        )
        self._restores = [framework.ambient() for framework in frameworks]

    def restore(self) -> str:
        """Puts all of it back, so that no target is accused of what another one did.

        Returns what makes everything else fail, where that had to be put back; else nothing.
        """
        _chdir(self._folder)
        np.seterr(**self._errors)
        sys.setrecursionlimit(self._limit)
        sys.path[:] = [*sys.path, *(place for place in self._path if place not in sys.path)]
        gone = [name for name in self._modules if name not in sys.modules]
        sys.modules.update({name: self._modules[name] for name in gone})
        for restore in self._restores:
            restore()
        such = f"such as {gone[0]}" if gone else ""
        return f"it removed {len(gone)} modules, {such}, from sys.modules" if gone else ""
