"""Right layers that are written in an unusual way: how they are driven, and that what they do not offer is not held against them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dropspec.adapters import Adapter
from dropspec.outcomes import ImplementationError, NotClaimed
from dropspec.targets import adapt, parse_target

from .cli import check, only

LAYERS = """\
import torch
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from dropspec.reference.layers import Dropout, DropConnect

class ByProperty(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = p
    @property
    def p(self):
        return self._p
    @p.setter
    def p(self, value):
        self._p, self.scale = value, 1 / ((1 - value) or 1.0)
    def forward(self, x):
        return torch.where(torch.rand_like(x) >= self._p, x * self.scale, 0) if self.training else x

class ByAccident(Dropout):
    def __init__(self, p=0.5):
        nn.Module.__init__(self)
        self.temperature, self.p = 0.5, p

class FirstAndNow(Dropout):
    def __init__(self, start=0.5):
        nn.Module.__init__(self)
        self.initial_p = self.p = start

class ReadOnly(Dropout):
    p = property(lambda self: self._p)
    def __init__(self, p=0.5):
        nn.Module.__init__(self)
        self._p = p

class Twice(nn.Module):
    def __init__(self, amount=0.5):
        super().__init__()
        self.first = self.now = amount
    def forward(self, x):
        return nn.functional.dropout(x, self.now, self.training)

class ReturnsNone(Dropout):
    def train(self, mode=True):
        super().train(mode)

class LinearReturnsNone(DropConnect):
    def train(self, mode=True):
        super().train(mode)

class RefusesInPlace(nn.Dropout):
    def __init__(self, p=0.5, inplace=False):
        if inplace:
            raise NotImplementedError("in place is not supported")
        super().__init__(p)

class FailsInPlace(nn.Dropout):
    def __init__(self, p=0.5, inplace=False):
        if inplace:
            raise ZeroDivisionError("a slip")
        super().__init__(p)

class Masked(Function):
    @staticmethod
    def forward(ctx, x):
        mask = torch.rand_like(x) >= 0.5
        ctx.save_for_backward(mask)
        return x * mask * 2

class Own(nn.Module):
    function = None
    def __init__(self, p=0.5):
        super().__init__()
    def forward(self, x):
        return self.function.apply(x) if self.training else x

class Once(Own):
    class function(Masked):
        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            return g * ctx.saved_tensors[0] * 2

class Constant(Own):
    class function(Masked):
        @staticmethod
        def backward(ctx, g):
            return g.detach() * ctx.saved_tensors[0] * 2
"""
X = np.ones(64, np.float32)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all of them."""
    path = tmp_path_factory.mktemp("unusual") / "unusual.py"
    path.write_text(LAYERS, "utf-8")
    return path


def adapted(path: Path, name: str) -> Adapter:
    """The adapter of one of them."""
    return adapt(parse_target(f"{path}:{name}"), 5.0)


@pytest.mark.parametrize("name", ["ByProperty", "ByAccident", "FirstAndNow"])
def test_the_rate_is_assigned_where_it_is_held(path: Path, name: str) -> None:
    """By a property, beside a number alike by accident, or beside the first rate: a new rate of 1 drops all, and one of 0 nothing."""
    layer = adapted(path, name).layer(0.5)
    for rate, survive in ((1.0, 0), (0.0, 64), (1.0, 0)):
        layer.set_rate(rate)
        assert np.count_nonzero(layer.train(X).output) == survive


@pytest.mark.parametrize(("name", "why"), [("ReadOnly", "cannot be assigned to"), ("Twice", "several attributes hold the rate")])
def test_a_rate_that_cannot_be_assigned_is_not_claimed(path: Path, name: str, why: str) -> None:
    """An attribute without a setter, or two of which nothing says which counts, offer no new rate."""
    with pytest.raises(NotClaimed, match=why):
        adapted(path, name).layer(0.5).set_rate(0.9)


def test_train_may_return_nothing(path: Path) -> None:
    """A module whose train() returns None is driven like any other, under checkpointing and DropConnect's clauses, too."""
    assert adapted(path, "ReturnsNone").checkpointed(X, 0.5, 0).output.shape == X.shape
    ran = check(path.parent, "unusual.py:ReturnsNone", *only("scale-1", "eval-1", "gradient-9"))
    assert set(ran.verdicts("unusual.py:ReturnsNone").values()) == {"HOLDS"}
    ran = check(path.parent, "unusual.py:LinearReturnsNone", *only("product-1", "inference-1"))
    assert set(ran.verdicts("unusual.py:LinearReturnsNone").values()) == {"HOLDS"}


def test_an_in_place_mode_that_is_refused_is_not_claimed(path: Path) -> None:
    """NotImplementedError for `inplace=True` says that there is none; any other error is one."""
    with pytest.raises(NotClaimed, match="in place is not supported"):
        adapted(path, "RefusesInPlace").in_place(X, 0.5, 0)
    with pytest.raises(ImplementationError, match="ZeroDivisionError"):
        adapted(path, "FailsInPlace").in_place(X, 0.5, 0)


def test_once_differentiable_says_so(path: Path) -> None:
    """A backward marked as differentiable once offers no double backward; one that is silently constant has a double gradient of 0."""
    once, constant = (adapted(path, name).train(X, 0.5, 0, differentiable=True) for name in ("Once", "Constant"))
    assert np.count_nonzero(once.gradient(X)) in range(1, 64)
    with pytest.raises(NotClaimed, match="once_differentiable"):
        once.double_gradient(X, X)
    assert not constant.double_gradient(X, X).any()
