"""How frameworks spell arrays in lines to paste."""

from __future__ import annotations

from collections.abc import Container

from dropspec.core.arrays import QUADRANTS, Array
from dropspec.core.calls import Call


def numbers(x: Array) -> str:
    """The numbers of an array as nested lists in Python."""
    plain = x.astype(float) if x.dtype.kind not in "iu" else x
    return str(plain.tolist())


def can_be_spelled(call: Call, borrowed: Container[str]) -> bool:
    """Whether plain NumPy can say the arrays of a call: of contiguous memory, in a dtype of its
    own.
    """
    arrays = [array for array in call.arrays.values() if array is not None]
    return all(a.flags.c_contiguous and a.dtype.name not in borrowed for a in arrays)


def spelled_array(array: Array | None) -> str:
    """A NumPy array in Python."""
    if array is None:
        return "None"
    shape = f".reshape{array.shape}" if not array.size else ""
    return f"np.array({numbers(array)}, dtype=np.{array.dtype.name}){shape}"


def spelled_values(shape: tuple[int, ...]) -> str:
    """The input of a campaign, `core.arrays.values`, in Python."""
    drawn = f"np.random.default_rng({list(shape)}).integers(0, 4, {shape}, np.uint8)"
    return f"np.array({list(QUADRANTS)})[{drawn}]"
