"""Chapter `gradient`: the backward pass goes through the forward's own mask and scale."""

import numpy as np

from dropspec.core.arrays import DTYPES, doubled, nonzero
from dropspec.core.cases import LARGE, Case
from dropspec.core.compare import require, require_rescaled, rescaled, ulps_between
from dropspec.core.errors import NotClaimed, Violation
from dropspec.core.implementation import Implementation
from dropspec.core.recipes import cases
from dropspec.core.risk import require_negligible_probability
from dropspec.properties import assume, clause, given
from dropspec.properties.trials import require_own_backwards
from dropspec.session.run import Run


@clause("gradient-1")
@given(*(Case(LARGE, dtype) for dtype in DTYPES), case=cases())
def test_backward_uses_the_mask_of_its_forward(impl: Implementation, case: Case) -> None:
    """The gradient is nonzero just where the output is: the upstream gradient has no zeros."""
    run = impl.train(case.x, case.rate, case.seed, differentiable=True)
    mask = nonzero(run.output)
    assume(mask.any())
    g = run.gradient(case.upstream)
    message = (
        "the gradient must pass where the unit survived the forward, and only there, at rate"
        f" {case.rate:.6g}"
    )
    require(nonzero(g) == mask, message, x=case.x, output=run.output, gradient=g)


@clause("gradient-1")
@given(case=cases("special"))
def test_a_surviving_infinity_gets_its_gradient(impl: Implementation, case: Case) -> None:
    """Where an infinite input survived, which shows as infinity and not as NaN, the gradient passes
    as it does elsewhere.
    """
    run = impl.train(case.x, case.rate, case.seed, differentiable=True)
    survived = np.isinf(case.x) & np.isinf(run.output)
    assume(survived.any())
    g = run.gradient(case.upstream)
    require(
        ~survived | nonzero(g),
        "the gradient must pass where an infinite input survived",
        x=case.x,
        output=run.output,
        gradient=g,
    )


@clause("gradient-2")
@given(case=cases("plain", "wide"))
def test_backward_uses_the_scale_of_its_forward(impl: Implementation, case: Case) -> None:
    """Where a unit survived and its gradient passes, the gradient is upstream / keep."""
    run = impl.train(case.x, case.rate, case.seed, differentiable=True)
    upstream = case.wide_upstream
    g = run.gradient(upstream)
    # what overflows is another clause's
    survived = nonzero(run.output) & np.isfinite(rescaled(case.x, case.rate))
    assume((survived & nonzero(g)).any())
    require_rescaled(g, upstream, case.rate, survived, what="gradient (x: the upstream)")


@clause("gradient-2", should=True)
def test_the_scale_is_the_forwards_though_the_rate_changes(impl: Implementation, run: Run) -> None:
    """Where the layer's rate is assigned between forward and backward, the gradient should have the
    scale of the forward; one that recomputes the forward has that of the new rate.
    """
    impl.reseed(run.seed_for("gradient-2"))
    layer, x = impl.layer(0.5), np.ones(64, DTYPES[impl.dtypes[0]])
    recorded = layer.train(x, differentiable=True)
    layer.set_rate(0.9)
    require_rescaled(
        recorded.gradient(x),
        x,
        0.5,
        nonzero(recorded.output),
        what="gradient after the rate became 0.9 (x: the upstream)",
    )


@clause("gradient-1")
def test_backward_in_a_network_uses_the_mask_of_its_forward(impl: Implementation, run: Run) -> None:
    """Whatever upstream a network hands down, the gradient passes just where the unit survived."""
    seed = run.seed_for("gradient-1 in networks")
    for call in impl.driver.networks().backwards(0.5, seed, impl.dtypes):
        g, expected = call.gradient, call.expected
        ok = np.where(call.mask, g != 0, np.abs(g - expected) < 0.1)
        message = (
            f"with {call.name}, the gradient must pass where the unit survived, and only there"
        )
        require(ok, message, gradient=g, expected=expected)


@clause("gradient-2")
def test_backward_in_a_network_uses_the_scale_of_its_forward(
    impl: Implementation, run: Run
) -> None:
    """Whatever upstream a network hands down, the gradient has the forward's scale, to rounding."""
    seed = run.seed_for("gradient-2 in networks")
    for call in impl.driver.networks().backwards(0.5, seed, impl.dtypes):
        g, expected = call.gradient, call.expected
        near = np.abs(g - expected) <= 2.0**-5 * np.abs(expected)
        message = f"with {call.name}, the gradient must be that of the masked, rescaled output"
        require(near | ~call.mask, message, gradient=g, expected=expected)


@clause("gradient-3")
@given(case=cases("plain", "huge", "special"))
def test_dropped_units_get_no_gradient(impl: Implementation, case: Case) -> None:
    """The gradient of a dropped unit is exactly zero."""
    run = impl.train(case.x, case.rate, case.seed, differentiable=True)
    dropped = ~nonzero(run.output) & nonzero(case.x)
    assume(dropped.any())
    g = run.gradient(case.upstream)
    require(
        ~(dropped & nonzero(g)),
        f"a dropped unit's gradient must be exactly 0 at rate {case.rate:.6g}",
        output=run.output,
        gradient=g,
    )


@clause("gradient-4")
def test_the_mask_is_not_inferred_from_the_output(impl: Implementation, run: Run) -> None:
    """At inputs of 0, alone or in one row of many, half of the gradients pass at rate 0.5,
    rescaled, and the others are 0.
    """
    zeros = np.zeros((1, 128), DTYPES[impl.dtypes[0]])
    for x in (zeros[0], np.concatenate((zeros, zeros + 1))):
        g = impl.train(x, 0.5, run.seed_for("gradient-4"), differentiable=True).gradient(
            np.ones_like(x)
        )
        require_rescaled(
            g, np.ones_like(x), 0.5, nonzero(g), what="gradient at an input of 0 (x: the upstream)"
        )
        require_negligible_probability(128 * np.log(0.5))
        passed = nonzero(g)[x == 0]
        if not passed.any() or passed.all():
            which = "all" if passed.all() else "none"
            raise Violation(
                f"at 128 inputs of 0 and rate 0.5, {which} of the gradients passed: the mask cannot"
                " be read off a zero output"
            )


@clause("gradient-5")
@given(case=cases())
def test_a_second_backward_gives_the_same_gradient(impl: Implementation, case: Case) -> None:
    """Backward twice over one graph, and once more with twice the upstream: the same gradient, and
    twice that.
    """
    run = impl.train(case.x, case.rate, case.seed, differentiable=True)
    first, second, twice = (
        run.gradient(case.upstream),
        run.gradient(case.upstream),
        run.gradient(doubled(case.upstream)),
    )
    require(
        ulps_between(second, first) == 0,
        "a second backward over the same graph must give the same gradient",
        first=first,
        second=second,
    )
    require(
        ulps_between(twice, doubled(first)) == 0,
        "twice the upstream gradient must give twice the gradient",
        once=first,
        twice=twice,
    )


@clause("gradient-6")
@given(case=cases())
def test_double_backward_is_right(impl: Implementation, case: Case) -> None:
    """The gradient is linear in the upstream, so its own gradient is the mask and scale again."""
    run = impl.train(case.x, case.rate, case.seed, differentiable=True)
    mask = nonzero(run.output)
    assume(mask.any())
    weights = (1 + case.upstream**2).astype(case.upstream.dtype)
    gg = run.double_gradient(case.upstream, weights)
    require(
        nonzero(gg) == mask,
        "the double backward must go through the forward's mask",
        output=run.output,
        double_gradient=gg,
    )
    require_rescaled(gg, weights, case.rate, mask, what="double gradient (x: its weights)")


@clause("gradient-7")
@given(case=cases())
def test_each_backward_uses_its_own_mask(impl: Implementation, case: Case) -> None:
    """With three forwards of one layer before their backwards, each backward goes through the mask
    of its own forward.
    """
    require_own_backwards(impl, case)


@clause("gradient-7")
def test_backward_when_one_tensor_is_used_twice(impl: Implementation, run: Run) -> None:
    """Of two forwards on the very same tensor, as for a consistency loss, each has a backward of
    its own.
    """
    calls = impl.driver.networks().twice_on_one_input(0.5, run.seed_for("gradient-7"), 256)
    for which, (y, g) in enumerate(calls, 1):
        message = (
            f"of two forwards on one tensor, the backward of number {which} must use its own mask"
        )
        require(nonzero(g) == nonzero(y), message, output=y, gradient=g)


@clause("gradient-8")
@given(case=cases(layouts=("contiguous",)))
def test_gradients_agree_with_finite_differences(impl: Implementation, case: Case) -> None:
    """Under a fixed seed the output is linear in the input, so a difference of two outputs is the
    gradient exactly, up to rounding.
    """
    impl.driver.require_seedable()
    if "float64" not in impl.dtypes:
        raise NotClaimed("it takes no float64")
    x = case.x.astype(np.float64)
    step = np.full_like(x, 0.125)
    g = impl.train(x, case.rate, case.seed, differentiable=True).gradient(np.ones_like(x))
    above, below = (impl.train(x + s, case.rate, case.seed).output for s in (step, -step))
    difference = (above - below) / 0.25
    # far above rounding, far below the 1 that a missed mask costs
    near = np.abs(g - difference) <= 2.0**-20 * (1 + np.abs(difference))
    require(
        near,
        f"the gradient must agree with finite differences under one seed, at rate {case.rate:.6g}",
        difference=difference,
        gradient=g,
    )


@clause("gradient-9")
@given(case=cases(layouts=("contiguous",)))
def test_recomputation_replays_the_mask(impl: Implementation, case: Case) -> None:
    """Under activation checkpointing, the mask that the backward recomputes is the forward's."""
    run = impl.driver.checkpointed(case.x, case.rate, case.seed)
    mask = nonzero(run.output)
    assume(mask.any())
    g = run.gradient(case.upstream)
    require(
        nonzero(g) == mask,
        f"recomputation must replay the forward's mask, at rate {case.rate:.6g}",
        output=run.output,
        gradient=g,
    )
    require_rescaled(
        g, case.upstream, case.rate, mask, what="recomputed gradient (x: the upstream)"
    )


@clause("gradient-10")
def test_weights_of_a_dropped_unit_stay_where_they_were(impl: Implementation, run: Run) -> None:
    """In Linear 10→20, ReLU, dropout, Linear 20→1, one example at a time: a dropped unit's weights
    get no gradient, and SGD leaves them.
    """
    rng = np.random.default_rng(10)  # network and examples are fixed: only the masks are drawn
    shapes = ((20, 10), (1, 20), (24, 1, 10))
    numbers = (rng.choice([-1, 1], shape) * rng.uniform(0.1, 0.3, shape) for shape in shapes)
    into, out, examples = (a.astype(np.float32) for a in numbers)
    networks, seed = impl.driver.networks(), run.seed_for("gradient-10")
    dropped_units = active_units = 0
    for step in networks.sgd(0.3, seed, into, out, examples):
        on = step.active > 0.01  # a unit that ReLU switched off says nothing of dropout
        dropped = on & (step.hidden == 0)
        changed = (("incoming", step.incoming, into), ("outgoing", step.outgoing, out.T))
        for which, weights, old in changed:
            moved = (weights != old).any(1)
            if (moved & dropped).any():
                raise Violation(
                    f"plain SGD moved the {which} weights of {int((moved & dropped).sum())} of "
                    f"{int(dropped.sum())} dropped units"
                )
            if (left := on & ~dropped & ~moved).any():
                raise Violation(
                    f"plain SGD left the {which} weights of {int(left.sum())} surviving units "
                    "where they were"
                )
        dropped_units += int(dropped.sum())
        active_units += int(on.sum())
    require_negligible_probability(active_units * np.log(0.7))
    if dropped_units in (0, active_units):
        raise Violation(
            f"{dropped_units} of {active_units} active hidden units were dropped in 24 examples "
            "at rate 0.3"
        )
