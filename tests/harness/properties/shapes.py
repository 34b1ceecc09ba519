"""What any shape and dtype of the input is held to."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from dropspec.core.arrays import DTYPES, nonzero
from dropspec.core.cases import Case
from dropspec.core.compare import require, require_rescaled
from dropspec.core.errors import NotClaimed, Violation
from dropspec.core.implementation import Implementation
from dropspec.core.notes import Notes
from dropspec.core.observations import Seen
from dropspec.properties.trials import violation_if_raises


def require_right_in_shape(impl: Implementation, case: Case, shape: tuple[int, ...]) -> None:
    """In training an input of this shape gives an output and a gradient of its shape: 0 or x /
    keep.
    """
    x = np.full(shape, 1.5, DTYPES[case.dtype])
    impl.guard.reset()
    with violation_if_raises():
        run = impl.train(x, case.rate, case.seed, differentiable=True)
        mask = nonzero(run.output)
        require_rescaled(run.output, x, case.rate, mask)
        with suppress(NotClaimed):
            g = run.gradient(np.ones_like(x))
            if g.shape != shape:
                raise Violation(f"input of shape {shape} got a gradient of shape {g.shape}")
            require(
                nonzero(g) == mask,
                f"the gradient of input of shape {shape} must have the output's mask",
                output=run.output,
                gradient=g,
            )
            what = f"gradient for input of shape {shape} (x: the upstream)"
            require_rescaled(g, np.ones_like(x), case.rate, mask, what=what)


def require_every_rank(impl: Implementation) -> None:
    """Inputs of one to five axes are all taken."""
    refused = impl.facts.ranks_refused
    if refused:
        missing = ", ".join(map(str, refused))
        raise Violation(
            f"inputs of {missing} axes are refused, where any number should be taken:"
            f" {next(iter(refused.values()))}"
        )


def require_no_cast(impl: Implementation, notes: Notes) -> None:
    """No floating dtype comes back as another one: the other clauses are judged in those that come
    back as they are.
    """
    if impl.facts.cast:
        casts = [f"{name} as {got}" for name, got in impl.facts.cast.items()]
        said = " and ".join(casts)
        for one in casts:
            notes.observe(Seen.CAST, 1, lens=one)
        raise Violation(
            f"{said} came back, where the dtype of the input must. If a policy casts them, claim"
            f" the others: --claim dtypes={','.join(impl.dtypes)}"
        )
