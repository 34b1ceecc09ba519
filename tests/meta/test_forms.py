"""Forms of targets: what is read off a function, a constructor or an instance, what is said in one
expression, and what is said of those that cannot be driven.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dropspec.core.errors import BadTarget
from dropspec.core.guard import Guard
from dropspec.core.target import parse_target
from dropspec.targets.expressions import expressed
from dropspec.tests.mutants.right import forms

from .cli import only, run
from .inspected import inspected

HERE = forms.__name__
DRIVEN = {
    "FromConfig": "FromConfig(_Config(dropout=rate))",
    "FromDictionary": 'FromDictionary({"drop_rate": rate})',
    "generator_first": "generator_first(generator, rate, x)",
    "rate_first": "rate_first(rate, x, training)",
    "keywords_only": "keywords_only(inputs=x, drop_prob=rate, training=training)",
    "dropout_forward": ('dropout_forward(x, {"p": keep, "mode": "train" if training else "test"})'),
    "an_instance": "type(an_instance)(rate)",
    "keyword_seed": "",
    "a_lambda": "",
}
OTHERS = """\
import numpy as np
from torch import nn
from dropspec.reference.dropout import dropout as reference

class Wide(nn.Module):
    def __init__(self, width, depth, rate):
        super().__init__()
        self.inner = nn.Dropout(rate)

    def forward(self, x):
        return self.inner(x)

class Attends(nn.Module):
    def __init__(self, dropout=0.1):
        super().__init__()

    def forward(self, query, key, value):
        return query

def masked(x, mask, scale, p):
    return x * mask * scale

def by_options(x, options):
    training = options["is_active"]
    return reference(x, 1 - options["retain"], np.random.default_rng(3), training)
"""


@pytest.fixture
def others(tmp_path: Path) -> str:
    """A file of targets of which something has to be said."""
    path = tmp_path / "others.py"
    path.write_text(OTHERS, "utf-8")
    return str(path)


@pytest.mark.parametrize("name", DRIVEN)
def test_a_form_is_read_off_the_target(name: str) -> None:
    """By parameters' names, by keys and attributes that are read, and by the class of an instance;
    a target that can be driven as it is stays as it is.
    """
    impl = inspected(f"{HERE}:{name}")
    assert impl.facts.target.driven == DRIVEN[name]
    y = impl.train(np.ones(4096, np.float32), 0.25, seed=1).output
    assert 0.2 < (y == 0).mean() < 0.3


def test_the_backward_beside_a_forward_is_used() -> None:
    """It gets the upstream gradient and what the forward returned second."""
    run = inspected(f"{HERE}:dropout_forward").train(np.ones(64, np.float32), 0.5, seed=1)
    assert ((run.gradient(np.ones(64, np.float32)) == 0) == (run.output == 0)).all()


def test_an_expression_says_how_a_layer_is_built(tmp_path: Path, others: str) -> None:
    """--build drives what could not be driven; the line to paste and the command hold it, and the
    report says it.
    """
    target, said = f"{others}:Wide", "Wide(3, 4, rate=rate)"
    bare = run(tmp_path, "dropspec", "smoke", target)
    assert bare.code == 2
    assert "--build 'Wide(..., ..., rate)'" in " ".join(bare.printed.split())
    report = tmp_path / "report.json"
    asked = ("check", target, "--build", said, *only("edge-7"), "--json", str(report))
    found = run(tmp_path, "dropspec", *asked, report=report)
    assert f"driven as {said}" in found.printed
    assert found.label(target)["driven"] == said
    assert said in found.clause(target, "edge-7")["reproduce"]


def test_an_expression_says_how_a_function_is_called(tmp_path: Path, others: str) -> None:
    """--call fills in what no name tells: a key that nobody knows."""
    said = 'by_options(x, {"retain": keep, "is_active": training})'
    found = run(tmp_path, "dropspec", "smoke", f"{others}:by_options", "--call", said)
    assert found.code == 0
    assert "rate       the probability of keeping" in found.printed


@pytest.mark.parametrize("name", ["masked", "Attends"])
def test_what_cannot_be_driven_is_not_judged(tmp_path: Path, others: str, name: str) -> None:
    """Exit code 2 and a sentence; where an expression may help, with it."""
    found = run(tmp_path, "dropspec", "check", f"{others}:{name}")
    assert found.code == 2
    assert "cannot be checked" in found.printed
    hint = "--call 'masked(x, ..., ..., rate)'"
    assert (hint in " ".join(found.printed.split())) is (name == "masked")


@pytest.mark.parametrize(
    ("form", "said", "why"),
    [
        ("call", "f(x, rate", "is no expression of Python"),
        ("call", "f(x)", "has neither `rate` nor `keep`"),
        ("call", "f(x, rate, keep)", "has both `rate` and `keep`"),
        ("call", "f(rate)", "has no `x`"),
        ("call", "f(x, rate, seed, rng)", "has seed and rng: write one of them"),
        ("build", "f(x, rate)", "has 'x', but a layer is built before its calls"),
        ("build", "1 / (rate - rate)", "nothing can be built by"),
        ("build", "rate", "gave float, and no layer"),
    ],
)
def test_an_expression_that_is_none_is_refused(form: str, said: str, why: str) -> None:
    """With what it lacks."""
    with pytest.raises(BadTarget, match=why):
        expressed(parse_target("m:f"), form, said, {"f": len}, Guard(5.0))


def test_build_and_call_are_not_given_both(tmp_path: Path) -> None:
    """The command line is wrong, and it is said which is for what."""
    both = ("--build", "Dropout(rate)", "--call", "dropout(x, rate)")
    found = run(tmp_path, "dropspec", "check", "torch.nn:Dropout", *both)
    assert found.code == 2
    assert "give --build for a layer" in found.complaint


def test_smoke_says_what_a_target_is_taken_for(tmp_path: Path) -> None:
    """Its kind, mode, seed, dtypes and axes, what it claims, and what one call of it does."""
    found = run(tmp_path, "dropspec", "smoke", "torch.nn:Dropout", "--claim", "always_active")
    assert found.code == 0
    for said in ("a class of torch", "torch.manual_seed(0)", "bfloat16", "always_active=True"):
        assert said in found.printed
    assert "dropped, survivors times 1.333" in found.printed
