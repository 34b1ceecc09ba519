"""The sample this project began with, as its author wrote it in behaviour: it looks right at rate
0.5, where it was tried.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.tests.mutants.kit import breaks


@breaks("scale-1", "edge-1", "edge-3")
def dropout(X: Tensor, rate: float) -> Tensor:
    """Divides survivors by the rate instead of keep, and so by 0 at rate 0; lets NaN through;
    refuses other rates by a slip.
    """
    if rate < 0 or rate > 1:
        # the sample's own slip: this raises TypeError
        raise NotImplemented  # type: ignore[misc]  # noqa: F901
    if rate == 1:
        return torch.zeros_like(X)
    mask = torch.rand(X.shape) > rate
    return X * mask / rate
