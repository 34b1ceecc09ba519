"""Dropout in a network: the model this project began with trains and evaluates, and the weights
of copied inputs even out.

Seeds are fixed, so every number here comes again. Over the seeds 0 to 99 of the weights the loss
always fell below 1 % of its first value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dropspec.reference.dropout import apply_mask
from dropspec.reference.layers import Dropout

LAYERS = pytest.mark.parametrize(
    "layer", [nn.Dropout, Dropout], ids=["torch.nn.Dropout", "the reference layer"]
)
Layer = Callable[[float], nn.Module]
Fractions = list[list[Fraction]]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small are slower with two threads, and much slower where others keep the
    second core busy.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def model(layer: Layer) -> nn.Sequential:
    """Linear 10→20, ReLU, dropout of 0.3, Linear 20→1, with weights from seed 0."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(10, 20), nn.ReLU(), layer(0.3), nn.Linear(20, 1))


def examples() -> tuple[Tensor, Tensor]:
    """256 inputs, and as targets the sum of three of their features."""
    x = torch.randn(256, 10, generator=torch.Generator().manual_seed(1))
    return x, x[:, :3].sum(1, keepdim=True)


def trained(layer: Layer, steps: int = 200) -> tuple[nn.Sequential, list[float]]:
    """The model after so many steps of Adam on the mean squared error, and its losses in
    evaluation before and after.
    """
    net, (x, t), losses = model(layer), examples(), []
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for step in range(steps + 1):
        if step in (0, steps):
            with torch.no_grad():
                losses.append(float(nn.functional.mse_loss(net.eval()(x), t)))
        optimizer.zero_grad()
        nn.functional.mse_loss(net.train()(x), t).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return net, losses


@LAYERS
def test_the_model_trains(layer: Layer) -> None:
    """In 200 steps its loss in evaluation falls below half of what it was."""
    _, (before, after) = trained(layer)
    assert after < before / 2


@LAYERS
def test_training_is_replayed_by_its_seed(layer: Layer) -> None:
    """Trained twice from one seed, the weights are the same bit for bit; without dropout they
    are others.
    """
    once, again, without = (
        trained(kind, 20)[0].state_dict() for kind in (layer, layer, lambda rate: nn.Identity())
    )
    assert all(torch.equal(once[name], again[name]) for name in once)
    assert not any(torch.equal(once[name], without[name]) for name in once)


@LAYERS
def test_the_trained_model_evaluates_without_dropout(layer: Layer) -> None:
    """In evaluation it equals the same network without a dropout layer bit for bit, twice the
    same; in training no two calls agree.
    """
    net, _ = trained(layer, 20)
    bare = nn.Sequential(net[0], net[1], net[3])
    x, _ = examples()
    evaluated = net.eval()(x)
    assert torch.equal(evaluated, bare(x))
    assert torch.equal(evaluated, net(x))
    net.train()
    assert not torch.equal(net(x), net(x))
    assert torch.equal(net.eval()(x), evaluated)


@LAYERS
def test_only_survivors_learn_from_an_example(layer: Layer) -> None:
    """One example, one backward pass: the weights into and out of a dropped unit get no
    gradient, those of an active survivor do.
    """
    net, (x, t) = model(layer), examples()
    hidden: list[Tensor] = []
    net[2].register_forward_hook(
        lambda module, args, output: hidden.extend((args[0][0], output[0]))
    )
    nn.functional.mse_loss(net.train()(x[:1]), t[:1]).backward()  # type: ignore[no-untyped-call]
    active, (into, out) = hidden[0] > 0, (net[0].weight.grad, net[3].weight.grad)
    assert isinstance(into, Tensor)
    assert isinstance(out, Tensor)
    dropped, survived = active & (hidden[1] == 0), active & (hidden[1] != 0)
    assert dropped.any()
    assert survived.any()
    assert not into[dropped].any()
    assert not out[0, dropped].any()
    assert into[survived].any(1).all()
    assert out[0, survived].all()


def normal_equations(
    x: list[list[int]], t: list[int], rate: Fraction
) -> tuple[Fractions, list[Fraction]]:
    """Those of the mean loss of a linear layer behind dropout, over all masks of its inputs,
    each row by its own mask.
    """
    units = len(x[0])
    a, b = [[Fraction(0)] * units for _ in range(units)], [Fraction(0)] * units
    for row, target in zip(x, t, strict=True):
        for bits in product((False, True), repeat=units):
            chance = rate ** (units - sum(bits)) * (1 - rate) ** sum(bits)
            y = [
                Fraction(v)
                for v in apply_mask(np.array(row, float), np.array(bits), float(rate)).tolist()
            ]
            for i in range(units):
                b[i] += chance * y[i] * target
                for j in range(units):
                    a[i][j] += chance * y[i] * y[j]
    return a, b


def solved(a: Fractions, b: list[Fraction]) -> list[Fraction]:
    """The solution of a w = b by elimination, in fractions; raises ZeroDivisionError where a is
    singular.
    """
    rows = [[*row, right] for row, right in zip(a, b, strict=True)]
    for i in range(len(rows)):
        pivot = next((r for r in range(i, len(rows)) if rows[r][i]), i)
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [v / rows[i][i] for v in rows[i]]
        for r in range(len(rows)):
            if r != i:
                rows[r] = [v - rows[r][i] * p for v, p in zip(rows[r], rows[i], strict=True)]
    return [row[-1] for row in rows]


# three copies of one input, and another
X, T = [[1, 1, 1, 4], [2, 2, 2, -3], [-1, -1, -1, 1], [3, 3, 3, 2]], [9, -1, 0, 13]


@pytest.mark.parametrize("rate", [Fraction(1, 4), Fraction(1, 2), Fraction(7, 8)])
def test_copied_inputs_get_the_same_weight(rate: Fraction) -> None:
    """The minimiser of the mean loss over all masks gives three copies of an input equal
    weights: none of them is relied on alone.
    """
    # multiples of 3: x / keep is exact at keep 3/4, too
    a, b = normal_equations([[3 * v for v in row] for row in X], T, rate)
    weights = solved(a, b)
    assert weights[0] == weights[1] == weights[2] != 0
    assert weights[3] != 0


def test_without_dropout_any_split_fits_as_well() -> None:
    """At rate 0 the equations of copied inputs have no single solution, so nothing keeps one
    copy from carrying all the weight.
    """
    a, b = normal_equations(X, T, Fraction(0))
    with pytest.raises(ZeroDivisionError):
        solved(a, b)


@pytest.mark.parametrize("rate", [Fraction(1, 4), Fraction(1, 2), Fraction(7, 8)])
def test_the_minimiser_is_that_of_ridge_regression(rate: Fraction) -> None:
    """The equations over all masks are (XᵀX + rate/keep · diag(XᵀX)) w = Xᵀt: a ridge scaled by
    each input's size.
    """
    x = [[3 * v for v in row] for row in X]
    a, b = normal_equations(x, T, rate)
    gram = [[Fraction(sum(row[i] * row[j] for row in x)) for j in range(4)] for i in range(4)]
    assert a == [
        [g * (1 + rate / (1 - rate) * (i == j)) for j, g in enumerate(row)]
        for i, row in enumerate(gram)
    ]
    assert b == [sum(row[i] * t for row, t in zip(x, T, strict=True)) for i in range(4)]


def test_gradient_descent_evens_out_lopsided_weights() -> None:
    """From weights 6, 0, 0 on three copies of an input, descent on the mean loss at rate 1/2
    ends at equal ones; at rate 0 not.
    """
    found = {}
    for rate in (Fraction(0), Fraction(1, 2)):
        a, b = (np.array(part, float) for part in normal_equations(X, T, rate))
        w = np.array([6.0, 0.0, 0.0, 1.0])
        for _ in range(2000):
            w -= 0.01 * (a @ w - b)
        found[rate] = w[:3]
    assert np.ptp(found[Fraction(1, 2)]) < 1e-9  # it shrinks by 1 - 0.01 · 15 a step
    # the gradient of copies is the same
    assert np.ptp(found[Fraction(0)]) == pytest.approx(6, abs=1e-9)
