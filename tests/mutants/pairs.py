"""Layers with two faults, each in a stage of its own, so that one can be repaired and the other
left: whether a failure is an echo is seen by repairing its cause.

`both(fault, other)` is the name of the layer with the two.
"""

from __future__ import annotations

from itertools import combinations, count

import torch
from torch import Generator, Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import uniforms, with_backward

CALLS = count(20_241)


class Staged(Dropout):
    """The reference in stages, each of which a fault takes the place of; no fault by itself."""

    def rate(self) -> float:
        """The probability of being dropped."""
        return self.p

    def numbers(self, x: Tensor) -> Tensor:
        """The uniforms of a call."""
        return torch.rand_like(x, dtype=torch.float64)

    def scaled(self, x: Tensor) -> Tensor:
        """What a survivor becomes."""
        return x / (1 - self.p)

    def sent(self, upstream: Tensor, mask: Tensor) -> Tensor:
        """The gradient of the input."""
        return torch.where(mask, self.scaled(upstream), 0)

    def at_rate_1(self, x: Tensor) -> Tensor:
        """What comes of x at rate 1."""
        return with_backward(x, torch.zeros_like(x), torch.zeros_like)

    def at_rate_0(self, x: Tensor) -> Tensor:
        """What comes of x at rate 0."""
        return x

    def evaluated(self, x: Tensor) -> Tensor:
        """What comes of x in evaluation."""
        return x

    def leave(self, x: Tensor, y: Tensor) -> Tensor:
        """The output, after all else."""
        return y

    def trained(self, x: Tensor) -> Tensor:
        """What comes of x in training."""
        if self.p in (0, 1):
            return self.at_rate_1(x) if self.p else self.at_rate_0(x)
        mask = self.numbers(x) >= self.rate()
        y = torch.where(mask, self.scaled(x), 0)
        return with_backward(x, y, lambda upstream: self.sent(upstream, mask))

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_floating_point():
            raise TypeError("floating input only")
        return self.leave(x, self.trained(x)) if self.training else self.evaluated(x)


class TakesRateForKeep(Staged):
    """Drops where it should keep."""

    def rate(self) -> float:
        return 1 - self.p


class IgnoresRate(Staged):
    """Drops three in ten, whatever the rate."""

    def rate(self) -> float:
        return 0.3


class IgnoresSeeds(Staged):
    """Seeds each call by a number that no seed sets back."""

    def numbers(self, x: Tensor) -> Tensor:
        return uniforms(x, Generator().manual_seed(next(CALLS)))


class RepeatsEvery96(Staged):
    """Draws 96 uniforms a call, and repeats them."""

    def numbers(self, x: Tensor) -> Tensor:
        few = torch.rand(96, dtype=torch.float64)
        return few.repeat(x.numel() // 96 + 1)[: x.numel()].view(x.shape)


class SharesAmongSamples(Staged):
    """Draws one mask for all indices of the first axis."""

    def numbers(self, x: Tensor) -> Tensor:
        return torch.rand(x.shape[1:], dtype=torch.float64).expand(x.shape)


class DividesByRate(Staged):
    """Divides by the rate, in the backward pass too."""

    def scaled(self, x: Tensor) -> Tensor:
        return x / self.p


class LeavesSurvivors(Staged):
    """Does not rescale, in the backward pass neither."""

    def scaled(self, x: Tensor) -> Tensor:
        return x.clone()


class SendsNothing(Staged):
    """Sends no gradient."""

    def sent(self, upstream: Tensor, mask: Tensor) -> Tensor:
        return torch.zeros_like(upstream)


class RedrawsInBackward(Staged):
    """Draws another mask for the gradient."""

    def sent(self, upstream: Tensor, mask: Tensor) -> Tensor:
        return super().sent(upstream, self.numbers(upstream) >= self.rate())


class SendsHalf(Staged):
    """Sends half the gradient."""

    def sent(self, upstream: Tensor, mask: Tensor) -> Tensor:
        return super().sent(upstream, mask) / 2


class DividesByZeroAtRate1(Staged):
    """Divides by a keep of 0 at rate 1."""

    def at_rate_1(self, x: Tensor) -> Tensor:
        return x * 0 / 0


class SendsNanAtRate1(Staged):
    """Gives zeros at rate 1, and a gradient of NaN."""

    def at_rate_1(self, x: Tensor) -> Tensor:
        return with_backward(x, torch.zeros_like(x), lambda upstream: upstream * torch.nan)


class DropsAtRate0(Staged):
    """Drops one in a hundred at rate 0."""

    def at_rate_0(self, x: Tensor) -> Tensor:
        return torch.where(self.numbers(x) < 0.01, 0, x)


class StaysActive(Staged):
    """Drops in evaluation."""

    def evaluated(self, x: Tensor) -> Tensor:
        return self.trained(x)


class ScalesInEvaluation(Staged):
    """Multiplies by keep in evaluation."""

    def evaluated(self, x: Tensor) -> Tensor:
        return x * (1 - self.p)


class GivesFloat32(Staged):
    """Gives float32, whatever it gets."""

    def leave(self, x: Tensor, y: Tensor) -> Tensor:
        return y.float()


class WritesIntoItsInput(Staged):
    """Leaves its output in its input."""

    def leave(self, x: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad():
            x.copy_(y)
        return y


class TakesAnyRate(Staged):
    """Refuses no rate."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p


FAULTS = tuple(
    thing
    for thing in list(globals().values())
    if isinstance(thing, type) and issubclass(thing, Staged) and thing is not Staged
)


def stage_of(fault: type[Staged]) -> str:
    """The method that a fault takes the place of."""
    return next(name for name in vars(fault) if name == "__init__" or not name.startswith("__"))


def both(fault: type[Staged], other: type[Staged]) -> str:
    """The name of the layer with both faults."""
    return f"{fault.__name__}And{other.__name__}"


ONE_BUG = (  # two faults that are one known bug, and are repaired together
    (TakesRateForKeep, DividesByRate),  # keep in the rate's place throughout
    (LeavesSurvivors, ScalesInEvaluation),  # the classic form of 2012
)
PAIRS = [
    pair
    for pair in combinations(FAULTS, 2)
    if len(set(map(stage_of, pair))) == 2 and pair not in ONE_BUG
]
for one, other in PAIRS:
    globals()[both(one, other)] = type(both(one, other), (one, other), {})
