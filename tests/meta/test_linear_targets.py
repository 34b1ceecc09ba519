"""How DropConnect is pointed at: by the names of what a class or function takes, by --family, by
claims, and by a user's own adapter.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dropspec.core.arrays import values
from dropspec.core.errors import BadTarget, NotClaimed
from dropspec.core.implementation import Implementation
from dropspec.families.dropconnect.linear import Linear

from .cli import check, only
from .inspected import inspected

LAYERS = """\
import functools
import types
import numpy as np
import torch
from torch import nn
from torch.nn import functional
from dropspec.reference.dropconnect import draw_masks, forward, gradients, mean_field
from dropspec.reference.dropout import apply_mask, check_rate, draw_mask
from dropspec.reference.layers import DropConnect

class ByName(DropConnect):
    def __init__(self, drop_prob=0.5, bias=True, *, n_out, n_in):
        super().__init__(n_in, n_out, drop_prob, bias)

class ByPlace(DropConnect):
    def __init__(self, a, b, c):
        super().__init__(a, b, c)

class OfLinear(nn.Linear):
    def __init__(self, *args, weight_dropout=0.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.rate = weight_dropout
    def forward(self, x):
        masked = functional.dropout(self.weight, self.rate, self.training)
        return functional.linear(x, masked, self.bias)

class Claiming(ByPlace):
    claims = {"family": "dropconnect", "mask_per": "example"}

class WithoutWeight(nn.Module):
    def __init__(self, in_features, out_features, p):
        super().__init__()
    def forward(self, x):
        return x

class Deep(nn.Module):
    def __init__(self, in_features, out_features, p):
        super().__init__()
        self.inside = DropConnect(in_features, out_features, p)
        self.hidden = nn.Linear(out_features, out_features)
    def forward(self, x):
        return self.hidden(self.inside(x))

def function(x, weight, bias, p, training=True):
    return functional.linear(x, functional.dropout(weight, p, training), bias)

def needs_bias(x, weight, bias, p, training, **options):
    return function(x, weight, bias, p, training) if bias.shape else 0

def optional_bias(x, weight, bias: "torch.Tensor | None", p, training):
    return function(x, weight, bias, p, training)

def of_numpy(x: np.ndarray, weight, bias: np.ndarray, p, training, rng: np.random.Generator):
    mask = draw_mask(weight.shape, check_rate(p), rng)
    return x @ (apply_mask(weight, mask, p) if training else weight).T + bias

partly = functools.partial(DropConnect, bias=True)

class Own:
    claims = {"family": "dropconnect", "mask_per": "example", "bias": "kept"}
    rng = np.random.default_rng(0)
    def train(self, x, weight, bias, rate, seed):
        if not 0 <= rate <= 1:
            raise ValueError("no rate")
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        mask = draw_masks(len(x), weight, rate, self.rng)
        def backward(upstream):
            g = gradients(upstream, x, weight, mask, rate)
            return g.x, g.weight, None if bias is None else g.bias
        y = forward(x, weight, bias, mask, rate)
        return types.SimpleNamespace(output=y, gradients=backward)
    def evaluate(self, x, weight, bias, rate):
        def backward(upstream):
            g = gradients(upstream, x, weight, np.ones(weight.shape, bool), 0.0)
            return g.x, g.weight, None if bias is None else g.bias
        return types.SimpleNamespace(output=mean_field(x, weight, bias), gradients=backward)

class NoWeightThere(nn.Module):
    claims = {"masked_weight": "lstm.weight_hh_l0"}
    def __init__(self, in_features, out_features, p):
        super().__init__()
        self.other = nn.Linear(in_features, out_features)
"""


@pytest.fixture
def layers(tmp_path: Path) -> str:
    """The file of the layers above."""
    (tmp_path / "layers.py").write_text(LAYERS, "utf-8")
    return str(tmp_path / "layers.py")


def implementation(layers: str, name: str, family: str = "") -> Implementation:
    """The implementation that one of them is."""
    return inspected(f"{layers}:{name}", 60.0, family)


@pytest.mark.parametrize(
    "name",
    ["ByName", "OfLinear", "function", "Claiming", "Own", "needs_bias", "of_numpy", "partly"],
)
def test_a_dropconnect_is_recognised(layers: str, name: str) -> None:
    """By the names of the sizes, by being a linear layer, by a weight after the input, or by a
    claim.
    """
    found = implementation(layers, name)
    assert isinstance(found, Linear)
    assert found.mask_per == (
        "example" if name in ("ByName", "Claiming", "Own", "partly") else "call"
    )
    assert found.bias == "kept"


def test_a_family_can_be_asked_for(layers: str) -> None:
    """Where names say nothing, --family does; without it a class of three arguments is no
    dropout layer that could be built.
    """
    assert isinstance(implementation(layers, "ByPlace", "dropconnect"), Linear)
    with pytest.raises(BadTarget, match="can only call it as"):
        implementation(layers, "ByPlace")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("WithoutWeight", "has no parameter of shape"),
        ("NoWeightThere", "has no parameter named after 'weight_hh_l0'"),
    ],
)
def test_a_layer_without_the_weight_is_refused(layers: str, name: str, why: str) -> None:
    """Where there is nothing to set, the sentence says what was looked for."""
    with pytest.raises(BadTarget, match=why):
        implementation(layers, name)


def test_a_layer_with_weights_out_of_reach_claims_nothing(layers: str) -> None:
    """A layer that owns more than the weight that is set: nothing is said of its masks, and why
    is.
    """
    found = implementation(layers, "Deep")
    with pytest.raises(NotClaimed, match="it owns weights that cannot be reached from outside"):
        found.masks(0.5).train(values((16, 256)).astype("float32"))


def test_a_users_own_adapter_is_judged(layers: str, tmp_path: Path) -> None:
    """An object with the protocol for DropConnect conforms, with gradients, if it is right."""
    ran = check(tmp_path, "layers.py:Own")
    assert ran.code == 0, ran.printed
    verdicts = ran.verdicts("layers.py:Own")
    assert verdicts["backprop-1"] == verdicts["weights-2"] == verdicts["product-2"] == "HOLDS"


def test_the_command_line_asks_for_a_family(layers: str, tmp_path: Path) -> None:
    """--family decides which clauses are judged; a clause of the other family is refused."""
    ran = check(tmp_path, "layers.py:ByPlace", "--family", "dropconnect", *only("weights-1"))
    assert ran.code == 0, ran.printed
    assert ran.verdicts("layers.py:ByPlace") == {"weights-1": "HOLDS"}
    ran = check(tmp_path, "layers.py:function", *only("scale-1"))
    assert ran.code == 2
    assert (
        "it is judged as dropconnect, and the clauses asked for are not of spec/dropconnect.md"
        in " ".join(ran.printed.split())
    )


def test_a_failure_is_spelled_out(tmp_path: Path) -> None:
    """The reproduction of a failure in a linear layer sets its weight and bias, and runs as it
    stands.
    """
    target = "dropspec.tests.mutants.dropconnect.limits:WantsAnExample"
    ran = check(tmp_path, target, *only("limits-9"))
    shown = ran.clause(target, "limits-9")["reproduce"]
    assert 'layer.get_parameter("weight").data = torch.tensor(' in shown
    assert "from dropspec.tests.mutants.dropconnect.limits import WantsAnExample" in shown


@pytest.mark.parametrize(
    ("name", "given"),
    [("needs_bias", True), ("of_numpy", True), ("optional_bias", False), ("Own", False)],
)
def test_a_bias_that_is_required_is_given(layers: str, name: str, given: bool) -> None:
    """A function that requires a bias, and does not say that None will do, gets zeros of the
    weight's dtype where the suite wants none.
    """
    found = implementation(layers, name)
    assert isinstance(found, Linear)
    layer = found.connect(0.5, np.ones((3, 2), np.float16))
    bias = layer.parameters["bias"]
    assert (bias is not None) == given
    assert bias is None or (bias.dtype == np.float16 and bias.tolist() == [0, 0, 0])
    assert layer.train(np.ones((4, 2), np.float16)).output.shape == (4, 3)


def test_a_required_bias_costs_no_verdict(layers: str, tmp_path: Path) -> None:
    """No clause errs for want of a bias, and a reproduction spells the zeros out."""
    names = [f"layers.py:{name}" for name in ("needs_bias", "of_numpy")]
    ran = check(tmp_path, *names)
    assert [
        v
        for name in names
        for v in ran.verdicts(name).values()
        if v in ("ERROR", "VIOLATED", "UNDECIDED")
    ] == []
    # torch raises RuntimeError at a rate that is no number
    shown = ran.clause("layers.py:needs_bias", "limits-3")
    assert shown["verdict"] == "DEPARTS"
    assert "bias = torch.tensor([0.0, " in shown["reproduce"]


def test_without_a_signature_there_is_no_dropconnect() -> None:
    """A compiled function is refused by what can be done about it."""
    with pytest.raises(
        BadTarget,
        match=(
            r"has no signature that Python can read: wrap it in a function of \(x, weight, bias,"
            r" rate\)"
        ),
    ):
        inspected("torch:dropout", family="dropconnect")
