"""The reference implementation: NumPy beside the spec in `dropout` and `dropconnect`, torch layers
of the same in `layers`.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    """The torch layers by their bare names, imported on first use: reading the NumPy reference
    needs no torch.
    """
    if name in ("Dropout", "DropConnect"):
        from . import layers

        return getattr(layers, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
