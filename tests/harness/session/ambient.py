"""What belongs to the whole process and any layer can change: it is put back between tests."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np

from dropspec.core.framework import Framework


class Ambient:
    """The folder, NumPy's error handling, and what frameworks hold, as they are when it is made."""

    def __init__(self, frameworks: Iterable[Framework]) -> None:
        self._folder, self._errors = os.getcwd(), np.geterr()
        self._restores = [framework.ambient() for framework in frameworks]

    def restore(self) -> None:
        """Puts all of it back, so that no target is accused of what another one did."""
        os.chdir(self._folder)
        np.seterr(**self._errors)
        for restore in self._restores:
            restore()
