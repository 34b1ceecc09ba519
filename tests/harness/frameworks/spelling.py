"""How frameworks spell arrays in lines to paste."""

from __future__ import annotations

from dropspec.core.arrays import Array


def numbers(x: Array) -> str:
    """The numbers of an array as nested lists in Python."""
    plain = x.astype(float) if x.dtype.kind not in "iu" else x
    return str(plain.tolist())
