"""What belongs to the whole process, and any layer can change: it is put back, so that no target is accused of what another one did."""

from __future__ import annotations

import os
import sys

import numpy as np


class Ambient:
    """The folder, NumPy's error handling, and torch's modes and threads, as they are when this is made; of a torch to come, its own."""

    def __init__(self) -> None:
        self._folder, self._errors = os.getcwd(), np.geterr()
        torch = sys.modules.get("torch")
        self._dtype = torch.get_default_dtype() if torch else None
        self._grad = not torch or torch.is_grad_enabled()
        self._deterministic = torch.are_deterministic_algorithms_enabled() if torch else False
        self._threads = torch.get_num_threads() if torch else 0

    def restore(self) -> None:
        """Puts them back, in some microseconds. Whether denormals are flushed torch does not tell; nobody means them to be."""
        os.chdir(self._folder)
        np.seterr(**self._errors)
        torch = sys.modules.get("torch")
        if not torch:
            return
        self._threads = self._threads or torch.get_num_threads()
        torch.set_default_dtype(self._dtype or torch.float32)
        torch.set_grad_enabled(self._grad)
        torch.set_flush_denormal(False)
        if torch.are_deterministic_algorithms_enabled() != self._deterministic:  # to set them takes long
            torch.use_deterministic_algorithms(self._deterministic)
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
