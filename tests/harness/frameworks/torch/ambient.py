"""What any layer can change of torch for the whole process, and how it is put back."""

from __future__ import annotations

import sys
from collections.abc import Callable


def ambient() -> Callable[[], None]:
    """Restores torch's modes and threads to what they are now, in some microseconds.

    If torch is imported only later, it is restored to its own defaults. torch does not tell whether
    denormals are flushed; nobody means them to be, so they are not.
    """
    torch = sys.modules.get("torch")
    dtype = torch.get_default_dtype() if torch else None
    gradients = not torch or torch.is_grad_enabled()
    deterministic = torch.are_deterministic_algorithms_enabled() if torch else False
    threads = torch.get_num_threads() if torch else 0

    def restore() -> None:
        nonlocal threads
        torch = sys.modules.get("torch")
        if not torch:
            return
        threads = threads or torch.get_num_threads()
        torch.set_default_dtype(dtype or torch.float32)
        torch.set_grad_enabled(gradients)
        torch.set_flush_denormal(False)
        if torch.are_deterministic_algorithms_enabled() != deterministic:  # setting it takes long
            torch.use_deterministic_algorithms(deterministic)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)

    return restore
