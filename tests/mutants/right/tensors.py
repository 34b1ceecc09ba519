"""Dropouts that are right, of a small package whose layers take and give its own tensors."""

from __future__ import annotations

import numpy as np

from dropspec.reference.dropout import apply_mask
from dropspec.tests.mutants.arrays import Tensor


class OverTensors:
    """Takes rates of [0, 1) and says so by an assertion; its mode is an attribute. It knows neither
    inputs without an axis nor integers.
    """

    def __init__(self, p: float = 0.5) -> None:
        assert 0 <= p < 1
        self.p, self.training = p, True

    def forward(self, x: Tensor) -> Tensor:
        """A masked tensor."""
        (_, *_), kind = x.data.shape, x.data.dtype.kind
        assert kind == "f"
        if not self.training or self.p == 0:
            return Tensor(x.data.copy(order="K"))
        mask = np.asarray(np.random.random_sample(x.data.shape) >= self.p)
        return Tensor(apply_mask(x.data, mask, self.p))
