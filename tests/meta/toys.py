"""What extensions are made of: the files of a framework, a site, a format and a clause, as
texts.
"""

FRAMEWORK = '''\
"""A framework of its own: arrays that are not NumPy's, and functions of them."""

import numpy as np

from dropspec.core.framework import Fit, Framework
from dropspec.frameworks.functions import FunctionDriver
from dropspec.frameworks.streams import NumpyGenerator


class Grid:
    def __init__(self, numbers):
        self.numbers = numbers


class GridFramework(Framework):
    name, noun, arrays, modules = "grid", "a Grid", "Grid", ("gridlib",)

    def fit(self, thing, target):
        is_mine = callable(thing) and Grid in getattr(thing, "__globals__", {}).values()
        return Fit.LIKELY if is_mine else Fit.NO

    def drive(self, facts, site, guard):
        return FunctionDriver(facts, guard, self, site, NumpyGenerator)

    def native(self, x, differentiable=False):
        return Grid(super().native(x))

    def is_array(self, thing):
        return isinstance(thing, Grid)

    def array(self, native):
        return np.asarray(native.numbers)
'''
LAYERS = """\
import numpy as np
from gridlib import Grid


def dropout(x, rate, rng, training=True):
    if not 0 <= rate <= 1:
        raise ValueError(f"a rate lies between 0 and 1, but this is {rate}")
    if not isinstance(x.numbers.ravel()[:1].sum(), np.floating) and x.numbers.dtype.kind != "V":
        raise TypeError("floating numbers only")
    if not training or rate == 0:
        return Grid(x.numbers.copy())
    mask = rng.random(x.numbers.shape) >= rate
    with np.errstate(all="ignore"):
        scaled = x.numbers.astype(float) / (1 - rate or 1)
    return Grid(np.where(mask, scaled, 0).astype(x.numbers.dtype))


def unscaled(x, rate, rng):
    return Grid(np.where(rng.random(x.numbers.shape) >= rate, x.numbers, 0 * x.numbers))
"""
PAGE = """\
# Dropout of a bias

## drop

### drop-1 — Single biases are dropped and rescaled

In training each output MUST be 0 or bias / keep for an input of 0.

*Level:* MUST · *Since:* 1.0 · *Needs:* nothing

*Why.* The expected bias is then the bias.

*Effect when broken.* The layer is off by a constant.

*Tolerance.* None: 0 or bias / keep, bit for bit.

*Remedy.* The bias is not dropped: multiply it by a mask, and divide by keep.

*Example.* rate 0.5, bias 1 1: 0 2.

*Source.* This test.

### drop-2 — Biases are dropped at the rate

In training each bias MUST be dropped with probability rate.

*Level:* MUST · *Since:* 1.0 · *Needs:* nothing

*Why.* The rate is what the user asked for.

*Effect when broken.* The bias is regularised otherwise than asked.

*Tolerance.* That of small calls.

*Remedy.* Biases are dropped at another rate: compare uniforms with the rate itself.

*Diagnosis.* Topic: rate. An echo of: any call, zeros.

*Example.* rate 0.5: half of them.

*Source.* This test.
"""
REFERENCE = '''\
"""Dropout of a bias, beside spec/bias.md."""

import numpy as np


def biased(x, bias, rate, rng):
    """x plus the masked, rescaled bias."""
    return x + np.where(rng.random(bias.shape) >= rate, bias / (1 - rate or 1), 0).astype(x.dtype)
'''
FAMILY = '''\
"""Dropout of a bias: x + (mask · bias) / keep."""

import numpy as np

from dropspec.chance.plan import Look, Plan, small_campaign
from dropspec.core.implementation import Implementation
from dropspec.core.layer import Bound, Layer
from dropspec.core.signature import RATES, Signature
from dropspec.core.callables import parameters_of
from dropspec.families.base import Family


class BiasLayer(Layer):
    """A layer seen from its bias."""

    def __init__(self, impl, rate):
        self.impl, self.rate = impl, rate

    def of(self, x):
        """Inputs of 0, so that the output is what became of the bias."""
        return Bound(self.impl.driver.build(self.rate, {"bias": x}), np.zeros_like(x))

    def train(self, x, *, differentiable=False):
        """A new layer with this bias."""
        return self.of(x).train(differentiable=differentiable)


class OfBias(Implementation):
    """Dropout of a bias."""

    def layer(self, rate):
        """Seen from its bias."""
        return BiasLayer(self, rate)


class Bias(Family):
    """Dropout of a bias."""

    name = "bias"
    spec = ("dropspec.spec", "bias.md")
    tests = "dropspec.tests.conformance.test_bias"
    arrays = ("x", "bias")

    def recognises(self, thing, kind, declared):
        """A function whose second argument is a bias."""
        names = [p.name for p in parameters_of(thing)]
        return names[1:2] == ["bias"]

    def read_signature(self, target, thing, kind):
        """(x, bias, rate, rng)."""
        names = tuple(p.name for p in parameters_of(thing))
        return Signature(names, None, stream="rng", arrays=self.arrays)

    def implement(self, facts, driver):
        """Seen from its bias."""
        return OfBias(facts, driver)

    def plan(self, profile):
        """Small calls."""
        small = (small_campaign((17,), 0.5, profile.small_calls),)
        return Plan((), (), small, {"drop-2": (Look("rate", small),)}, {})
'''
PROPERTY = '''\
"""Chapter `drop`."""

from dropspec.core.arrays import nonzero
from dropspec.core.cases import Case
from dropspec.core.compare import require_rescaled
from dropspec.core.implementation import Implementation
from dropspec.core.notes import Notes
from dropspec.core.recipes import cases
from dropspec.properties import clause, given
from dropspec.session.judge import judge
from dropspec.session.run import Run


@clause("drop-2")
def test_biases_are_dropped_at_the_rate(run: Run, notes: Notes) -> None:
    """In small calls the share dropped is the rate."""
    judge(run, "drop-2", notes)


@clause("drop-1")
@given(case=cases(layouts=("contiguous",)))
def test_biases_are_dropped_and_rescaled(impl: Implementation, case: Case) -> None:
    """Each output is 0 or bias / keep."""
    y = impl.train(case.x, 0.5, case.seed).output
    require_rescaled(y, case.x, 0.5, nonzero(y))
'''
MUTANT = '''\
"""Mutants of the chapter drop."""

import numpy as np


def unscaled(x, bias, rate, rng):
    """Leaves the surviving biases as they are."""
    return x + np.where(rng.random(bias.shape) >= rate, bias, 0).astype(x.dtype)
'''
FORMAT = '''\
"""A report of one line a target."""

from dropspec.report.format import Format


class Lines(Format):
    """One line a target."""

    name = "lines"

    def text(self, answers, options):
        """Label and answer."""
        said = {True: "conforms", False: "does not conform"}
        return "".join(f"{a.label} {said[a.conformant(options.strict)]}\\n" for a in answers)
'''
CLAUSE = """\
### scale-5 — Ones come out as 0 or at least 1

In training an output for an input of 1 MUST be 0 or at least 1.

*Level:* MUST · *Since:* 1.0 · *Needs:* nothing

*Why.* keep is at most 1.

*Effect when broken.* Activations shrink.

*Tolerance.* None.

*Remedy.* Ones shrink: divide by keep, which is at most 1.

*Example.* rate 0.5: 0 or 2.

*Source.* This test.

"""
NEW_PROPERTY = '''\
"""Chapter `scale`, one clause more."""

import numpy as np

from dropspec.core.compare import require
from dropspec.core.implementation import Implementation
from dropspec.properties import clause


@clause("scale-5")
def test_ones_do_not_shrink(impl: Implementation) -> None:
    """Each output for 64 ones is 0 or at least 1."""
    y = impl.train(np.ones(64, np.float32), 0.25, 0).output
    require((y == 0) | (y >= 1), "an output for 1 must be 0 or at least 1", came=y)
'''
NEW_MUTANT = '''\
"""One mutant more."""

from torch import nn


class Shrinks(nn.Dropout):
    """Halves ones that survive."""

    def forward(self, x):
        y = super().forward(x)
        return y.where(x != 1, y / 2.5) if self.training else y
'''
