"""What an extension costs: a framework, a site, a report format and a clause, each added once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from .cli import Ran, run

ROOT = Path(__file__).resolve().parents[2]

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

*Why.* The expected bias is then the bias.

*Effect when broken.* The layer is off by a constant.

*Tolerance.* None: 0 or bias / keep, bit for bit.

*Remedy.* The bias is not dropped: multiply it by a mask, and divide by keep.

*Example.* rate 0.5, bias 1 1: 0 2.

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
from dropspec.core.recipes import cases
from dropspec.properties import clause, given


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


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this project, laid out as a wheel lays it out."""
    site = tmp_path_factory.mktemp("house")
    forget = shutil.ignore_patterns("__pycache__", "harness", "meta", "benchmarks", "gallery")
    shutil.copytree(ROOT / "tests" / "harness", site / "dropspec", ignore=forget)
    for name in ("spec", "reference", "tests"):
        shutil.copytree(ROOT / name, site / "dropspec" / name, ignore=forget)
    return site


def write(top: Path, texts: dict[str, str]) -> None:
    """Writes these files, none of which may exist."""
    for name, text in texts.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert not path.exists()
        path.write_text(text, "utf-8")


def check(folder: Path, *arguments: str, path: Path | None = None) -> Ran:
    """`dropspec check` in the quick profile, with this folder before the installed packages."""
    report = folder / "report.json"
    quick = ("--profile", "quick", "--json", str(report))
    found = str(path or folder)
    return run(folder, "dropspec", "check", *arguments, *quick, report=report, PYTHONPATH=found)


def test_a_framework_is_another_package(tmp_path: Path) -> None:
    """A framework that another package brings by an entry point is judged, and is told apart."""
    entry = "[dropspec.frameworks]\ngrid = gridlib:GridFramework\n"
    write(
        tmp_path,
        {
            "gridlib.py": FRAMEWORK,
            "gridlib-1.0.dist-info/METADATA": "Name: gridlib\nVersion: 1.0\n",
            "gridlib-1.0.dist-info/entry_points.txt": entry,
            "layers.py": LAYERS,
        },
    )
    ran = check(tmp_path, "right=layers.py:dropout", "wrong=layers.py:unscaled")
    assert ran.report, ran.printed + ran.complaint
    right = ran.verdicts("right")
    assert not {c: v for c, v in right.items() if v in ("VIOLATED", "ERROR", "UNDECIDED")}
    assert list(right.values()).count("HOLDS") >= 30
    assert ran.clause("wrong", "scale-1")["verdict"] == "VIOLATED"
    assert "not rescaled in training" in ran.label("wrong")["diagnosis"][0]["sentence"]


def test_a_site_is_five_files(house: Path, tmp_path: Path) -> None:
    """A page, a reference, a family, its properties and its mutants are all that a site takes."""
    write(
        house / "dropspec",
        {
            "spec/bias.md": PAGE,
            "reference/bias.py": REFERENCE,
            "families/bias.py": FAMILY,
            "tests/conformance/test_bias.py": PROPERTY,
            "tests/mutants/bias.py": MUTANT,
        },
    )
    right, wrong = "dropspec.reference.bias:biased", "dropspec.tests.mutants.bias:unscaled"
    ran = check(tmp_path, right, wrong, "torch.nn:Dropout", path=house)
    assert ran.report, ran.printed + ran.complaint
    assert ran.verdicts(right) == {"drop-1": "HOLDS"}
    assert ran.verdicts(wrong) == {"drop-1": "VIOLATED"}
    assert ran.label(wrong)["diagnosis"][0]["sentence"].startswith("The bias is not dropped")
    assert len(ran.verdicts("torch.nn:Dropout")) > 50


def test_a_report_format_is_one_file(house: Path, tmp_path: Path) -> None:
    """A format is found by its file, and named by --report."""
    write(house / "dropspec", {"report/lines.py": FORMAT})
    target = "dropspec.reference.dropout:dropout"
    ran = check(tmp_path, target, "--clause", "scale-1", "--report", "lines=lines.txt", path=house)
    assert (tmp_path / "lines.txt").read_text("utf-8") == f"{target} conforms\n", ran.complaint


def test_a_clause_is_its_page_its_property_and_its_mutant(house: Path, tmp_path: Path) -> None:
    """A clause that is added in three places shows in the report, by --clause, in diagnosis."""
    page = house / "dropspec" / "spec" / "dropout.md"
    text = page.read_text("utf-8")
    page.write_text(text.replace("## rate\n", f"{CLAUSE}## rate\n", 1), "utf-8")
    write(
        house / "dropspec" / "tests",
        {
            "conformance/dropout/test_scale_more.py": NEW_PROPERTY,
            "mutants/shrinks.py": NEW_MUTANT,
        },
    )
    mutant = "dropspec.tests.mutants.shrinks:Shrinks"
    ran = check(tmp_path, mutant, "torch.nn:Dropout", "--clause", "scale-5", path=house)
    assert ran.report, ran.printed + ran.complaint
    assert ran.verdicts("torch.nn:Dropout") == {"scale-5": "HOLDS"}
    assert ran.verdicts(mutant) == {"scale-5": "VIOLATED"}
    assert ran.label(mutant)["diagnosis"][0]["sentence"] == (
        "Ones shrink: divide by keep, which is at most 1."
    )
    assert "Ones come out as 0 or at least 1" in ran.printed


def test_json_is_one_of_the_formats(tmp_path: Path) -> None:
    """`--json PATH` and `--report json=PATH` write the same."""
    ran = check(
        tmp_path,
        "dropspec.reference.dropout:dropout",
        "--clause",
        "scale-1",
        "--report",
        "json=again.json",
    )
    assert json.loads((tmp_path / "again.json").read_text("utf-8")) == ran.report
