"""Right layers that are written in an unusual way: how they are driven, and that what they do
not offer is not held against them.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from dropspec.core.errors import Hung, ImplementationError, NotClaimed
from dropspec.core.guard import Guard
from dropspec.core.implementation import Implementation

from .cli import check, only
from .inspected import inspected

LAYERS = """\
import functools
import numpy as np
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

def annotated(x: np.ndarray, p: float) -> np.ndarray:
    return x * (np.random.rand(*x.shape) >= p) / (1 - p)

def in_words(x: "NDArray", p: "float") -> "NDArray":
    return annotated(x, p)

def by_state(x, p):
    return annotated(x, p)

def by_seed(x, p, seed=None):
    return x * (np.random.default_rng(seed).random(x.shape) >= p) / (1 - p)

def by_int(x, p, seed):
    return by_seed(x, p, seed)

def of_torch(x, p):
    return x * (torch.rand(x.shape) >= p) / (1 - p)

def of_tensors(x: torch.Tensor, p: float):
    return x * (np.random.rand(*x.shape) >= p) / (1 - p)

def of_either(x: "np.ndarray | torch.Tensor", p):
    if isinstance(x, np.ndarray):
        return x * np.random.rand(*x.shape)
    return nn.functional.dropout(x, p)

class Channels(nn.Module):
    claims = {"rate_is_keep": True}
    def __init__(self, channels, p, flag=True):
        super().__init__()
        self.channels, self.p = channels, p
    def forward(self, x, training):
        return nn.functional.dropout(x, 1 - self.p, training)

wide, named = functools.partial(Channels, 16), functools.partial(Channels, channels=16)
"""
X = np.ones(64, np.float32)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all of them."""
    path = tmp_path_factory.mktemp("unusual") / "unusual.py"
    path.write_text(LAYERS, "utf-8")
    return path


def implementation(path: Path, name: str) -> Implementation:
    """The implementation that one of them is."""
    return inspected(f"{path}:{name}")


@pytest.mark.parametrize("name", ["ByProperty", "ByAccident", "FirstAndNow"])
def test_the_rate_is_assigned_where_it_is_held(path: Path, name: str) -> None:
    """By a property, beside a number alike by accident, or beside the first rate: a new rate of
    1 drops all, and one of 0 nothing.
    """
    layer = implementation(path, name).layer(0.5)
    for rate, survive in ((1.0, 0), (0.0, 64), (1.0, 0)):
        layer.set_rate(rate)
        assert np.count_nonzero(layer.train(X).output) == survive


@pytest.mark.parametrize(
    ("name", "why"),
    [("ReadOnly", "cannot be assigned to"), ("Twice", "several attributes hold the rate")],
)
def test_a_rate_that_cannot_be_assigned_is_not_claimed(path: Path, name: str, why: str) -> None:
    """An attribute without a setter, or two of which nothing says which counts, offer no new
    rate.
    """
    with pytest.raises(NotClaimed, match=why):
        implementation(path, name).layer(0.5).set_rate(0.9)


def test_train_may_return_nothing(path: Path) -> None:
    """A module whose train() returns None is driven like any other, under checkpointing and
    DropConnect's clauses, too.
    """
    assert (
        implementation(path, "ReturnsNone").driver.checkpointed(X, 0.5, 0).output.shape == X.shape
    )
    names = ("unusual.py:ReturnsNone", "unusual.py:LinearReturnsNone")
    clauses = ("scale-1", "eval-1", "gradient-9", "product-1", "inference-1")
    ran = check(path.parent, *names, *only(*clauses))
    assert [len(ran.verdicts(name)) for name in names] == [3, 2]
    assert {verdict for name in names for verdict in ran.verdicts(name).values()} == {"HOLDS"}


def test_an_in_place_mode_that_is_refused_is_not_claimed(path: Path) -> None:
    """NotImplementedError for `inplace=True` says that there is none; any other error is one."""
    with pytest.raises(NotClaimed, match="in place is not supported"):
        implementation(path, "RefusesInPlace").driver.in_place(X, 0.5, 0)
    with pytest.raises(ImplementationError, match="ZeroDivisionError"):
        implementation(path, "FailsInPlace").driver.in_place(X, 0.5, 0)


def test_once_differentiable_says_so(path: Path) -> None:
    """A backward marked as differentiable once offers no double backward; one that is silently
    constant has a double gradient of 0.
    """
    once, constant = (
        implementation(path, name).train(X, 0.5, 0, differentiable=True)
        for name in ("Once", "Constant")
    )
    assert np.count_nonzero(once.gradient(X)) in range(1, 64)
    with pytest.raises(NotClaimed, match="once_differentiable"):
        once.double_gradient(X, X)
    assert not constant.double_gradient(X, X).any()


@pytest.mark.parametrize(
    ("name", "framework"),
    [
        ("annotated", "numpy"),
        ("in_words", "numpy"),
        ("by_state", "numpy"),
        ("by_seed", "numpy"),
        ("by_int", "numpy"),
        ("of_torch", "torch"),
        ("of_tensors", "torch"),
        ("of_either", "torch"),
    ],
)
def test_a_function_beside_torch_is_driven_as_what_it_is(
    path: Path, name: str, framework: str
) -> None:
    """In a module that imports torch, a function of arrays, by its annotation or because NumPy's
    seed alone replays it, is NumPy's.
    """
    impl = implementation(path, name)
    assert impl.facts.framework == framework
    if framework == "numpy":
        impl.driver.require_seedable()
        first, again = (impl.train(X, 0.5, 1).output for _ in range(2))
        assert np.array_equal(first, again)


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("wide", "wide(0.25)(x, training=True)"), ("named", "named(p=0.25)(x, training=True)")],
)
def test_a_partial_of_a_class_is_the_class(path: Path, name: str, spelled: str) -> None:
    """A functools.partial of a module class is built at each rate, with what it fills in and
    with the class's own claims and flags.
    """
    impl = implementation(path, name)
    assert impl.driver.spelled(0.75, "training") == spelled
    assert impl.at_construction
    assert np.count_nonzero(impl.train(X, 0.0, 0).output) == 64
    ran = check(path.parent, f"unusual.py:{name}", *only("scale-1", "eval-1", "module-4"))
    assert "ERROR" not in ran.verdicts(f"unusual.py:{name}").values()
    assert ran.verdicts(f"unusual.py:{name}")["scale-1"] == "HOLDS"


def test_a_second_hang_names_the_limit_it_met() -> None:
    """After a first hang the limit is a quarter, at least 0.25 s unless it was less, and the
    sentence says which it was, and why.
    """
    for limit_s, said in (
        (0.4, "within 0.25 s (cut from 0.4 s, as it hung before)"),
        (0.1, "within 0.1 s"),
    ):
        guard, sentences = Guard(limit_s), []
        for _ in range(2):
            with pytest.raises(Hung) as hung, guard.call("it"):
                time.sleep(30)
            sentences.append(str(hung.value))
        assert sentences == [f"it did not return within {limit_s:g} s", f"it did not return {said}"]
