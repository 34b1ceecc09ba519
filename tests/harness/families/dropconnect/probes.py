"""Numbers that make a DropConnect layer spell its masks, without access to its inside.

Each product of an input and a weight is a power of two of its own, so one output number, divided
by the scale, is the mask of its weights in binary. Negative products are added back, and their
bits turned round. How many inputs a dtype can tell apart follows from its fraction: scale,
products and sum may all be rounded, and what is left over must stay well below one half; that is
checked for every row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropspec.core.arrays import Array, Bits, thue_morse_signs
from dropspec.core.compare import number
from dropspec.core.errors import Unreadable

# that a campaign uses: they fill words
INPUTS = {"float64": 32, "float32": 16, "float16": 8, "bfloat16": 4}
MOST = {"float64": 48, "float32": 20, "float16": 8, "bfloat16": 4}  # that can be told apart
# the smallest product, so small that a thousand times the sum of all is a number in float16, too
UNIT = 2.0**-8
RESIDUAL = 0.25  # half of what would turn a bit


@dataclass(frozen=True)
class Probe:
    """Inputs (examples, inputs), the same for every example, and a weight (outputs, inputs), whose
    products are ± powers of two.
    """

    x: Array
    weight: Array

    def read(self, y: Array, scale: float) -> Bits:
        """The masks (examples, outputs, inputs) that outputs of shape (examples, outputs) spell,
        given the scale of survivors.

        Raises Unreadable where an output is no sum of some of its products.
        """
        inputs = self.weight.shape[1]
        negative = (self.weight < 0) != (self.x[0] < 0)
        turned = (negative * 2 ** np.arange(inputs, dtype=np.uint64)).sum(1, dtype=np.uint64)
        spelled = y.astype(np.float64) / (scale * UNIT) + turned.astype(np.float64)
        words = np.rint(spelled)
        with np.errstate(invalid="ignore"):
            # also where it is NaN
            wrong = ~((np.abs(spelled - words) < RESIDUAL) & (words >= 0) & (words < 2.0**inputs))
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise Unreadable(
                f"no mask over the {inputs} weights of output {at[1]} explains its value"
                f" {number(y[at])} for example {at[0]}, where survivors are scaled by {scale:.6g}"
                f" ({int(wrong.sum())} of {wrong.size} outputs)"
            )
        return _bits(words.astype(np.uint64) ^ turned, inputs)


def probe(examples: int, signs: Array, dtype: np.dtype[np.float64]) -> Probe:
    """A probe for a layer of signs.shape = (outputs, inputs), whose weights have these signs.

    The sizes of inputs and weights differ from column to column, too: inputs are 1/2, 1 and 2.
    """
    at = np.arange(signs.shape[1])
    size = 2.0 ** (at % 3 - 1)
    x = np.broadcast_to(thue_morse_signs(len(at)) * size, (examples, len(at)))
    return Probe(
        x.astype(dtype), (np.sign(signs.astype(np.float64)) * UNIT * 2.0**at / size).astype(dtype)
    )


def _bits(words: NDArray[np.uint64], count: int) -> Bits:
    width = next(w for w in (1, 2, 4, 8) if count <= 8 * w)
    raw = np.ascontiguousarray(words.astype(f"<u{width}"))[..., None].view(np.uint8)
    return np.unpackbits(raw, axis=-1, bitorder="little", count=count).view(bool)
