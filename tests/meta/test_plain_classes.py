"""Plain classes over NumPy arrays: how each says whether it trains, and what comes of a class that
has no forward.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dropspec.core.errors import BadTarget, NotClaimed

from .cli import check, only
from .inspected import inspected

LAYERS = """\
import numpy as np
from dropspec.reference.dropout import apply_mask, check_rate

class Base:
    def __init__(self, p=0.5):
        self.p = check_rate(p)

    def masked(self, x, trains):
        if not trains or self.p == 0:
            self.mask = np.ones(x.shape, bool)
            return x.copy()
        self.mask = np.random.random_sample(x.shape) >= self.p
        return apply_mask(x, self.mask, self.p)

class ByFlag(Base):
    def forward(self, x, is_test=False):
        return self.masked(x, not is_test)

class ByMethods(Base):
    def train(self):
        self.trains = True

    def eval(self):
        self.trains = False

    def __call__(self, x):
        return self.masked(x, self.trains)

class ByAttribute(Base):
    training = True

    def forward(self, x):
        return self.masked(x, self.training)

class ByMode(Base):
    def __init__(self, p=0.5):
        super().__init__(p)
        self.mode = "train"

    def forward(self, x):
        return self.masked(x, self.mode == "train")

class KeepsMask(ByFlag):
    def backward(self, dout):
        return apply_mask(dout, self.mask, self.p)

class NeverRests(Base):
    def forward(self, x):
        return self.masked(x, True)

class HasNoForward(Base):
    pass
"""


def target(folder: Path, name: str) -> str:
    """A class of those above, as a target."""
    path = folder / "plain.py"
    path.write_text(LAYERS, "utf-8")
    return f"{path}:{name}"


@pytest.mark.parametrize("name", ["ByFlag", "ByMethods", "ByAttribute", "ByMode"])
def test_a_class_is_told_whether_it_trains(tmp_path: Path, name: str) -> None:
    """By a flag of forward, by train() and eval(), or by an attribute: it drops in training, and
    hands its input on in evaluation.
    """
    impl, x = inspected(target(tmp_path, name)), np.ones(64, np.float32)
    assert 0 < (impl.train(x, 0.5, seed=1).output == 0).sum() < 64
    assert (impl.evaluate(x, 0.5).output == 1).all()
    assert impl.facts.seedable


def test_a_class_that_is_never_told_claims_no_evaluation(tmp_path: Path) -> None:
    """Where nothing says whether it trains, there is no evaluation mode to judge."""
    impl = inspected(target(tmp_path, "NeverRests"))
    with pytest.raises(NotClaimed, match="no training flag"):
        impl.evaluate(np.ones(8, np.float32), 0.5)


def test_the_backward_of_a_class_is_its_own(tmp_path: Path) -> None:
    """A layer that keeps the mask of its last forward spoils the backward of the one before; the
    line to paste calls forward.
    """
    found = check(tmp_path, target(tmp_path, "KeepsMask"), *only("gradient-1", "gradient-7"))
    clauses = next(iter(found.report["labels"].values()))["clauses"]
    assert {c: one["verdict"] for c, one in clauses.items()} == {
        "gradient-1": "HOLDS",
        "gradient-7": "VIOLATED",
    }


def test_a_class_without_a_forward_cannot_be_judged(tmp_path: Path) -> None:
    """It is said what a class needs."""
    with pytest.raises(BadTarget, match="is a class, but not of a framework that dropspec drives"):
        inspected(target(tmp_path, "HasNoForward"))
