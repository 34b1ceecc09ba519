"""Chapter `module`: state, copies, repr and functional form of a torch layer."""

import numpy as np

from dropspec.core.arrays import DTYPES, nonzero
from dropspec.core.cases import Case
from dropspec.core.compare import require, require_identical, require_rescaled
from dropspec.core.errors import NotClaimed, Violation
from dropspec.core.implementation import Implementation
from dropspec.core.networks import Networks
from dropspec.core.recipes import cases
from dropspec.properties import clause, given
from dropspec.properties.trials import ones, require_share, violation_if_raises
from dropspec.session.run import Run


@clause("module-1", should=True)
def test_a_layer_has_no_parameters_or_buffers(impl: Implementation) -> None:
    """A dropout layer should have no parameters, no buffers and an empty state_dict.

    The named parameters and buffers and the keys of the state_dict of a new layer are listed.
    """
    held = impl.driver.networks().held(0.3)
    if held:
        raise Violation(
            f"the layer holds {', '.join(held)} as parameter or buffer; it should hold nothing"
        )


@clause("module-2")
def test_copies_and_round_trips_keep_the_layer(impl: Implementation, run: Run) -> None:
    """A deep copy, a pickle, a loaded state_dict and a cast keep rate, scale and mode.

    A layer at rate 0.9 that was called once, with an input that wants a gradient, is deep-copied,
    pickled, and rebuilt at that rate with its saved state_dict; a new one is cast to bfloat16 and
    back. For 512 ones each result has to give 0 and 10. A deep copy and a pickle of a layer in
    evaluation mode have to give ones. Switching a copy to evaluation has to leave the original in
    training.
    """
    networks = impl.driver.networks()
    with violation_if_raises("copying, pickling and loading"):
        _require_round_trips(impl, networks, run.seed_for("module-2"))


def _require_round_trips(impl: Implementation, networks: Networks, seed: int) -> None:
    x, has_evaluation = np.ones(512, DTYPES["float32"]), not impl.facts.no_evaluation
    if networks.copy_is_itself(0.9):
        raise Violation(
            "copy.deepcopy gives the layer itself, so a change of the copy changes the layer"
        )
    for how, is_evaluated, y in networks.round_trips(0.9, seed, x, has_evaluation):
        values = [float(v) for v in np.unique(y)]
        is_dropped = len(values) == 2 and values[0] == 0 and abs(values[1] - 10) < 1e-3
        if not (values == [1.0] if is_evaluated else is_dropped):
            raise Violation(
                f"after {how}, a layer of rate 0.9 gives {values[:3]} for ones, "
                f"expected {'1' if is_evaluated else '0 and 10'}"
            )
        # probabilities .9^512 and, by Hoeffding's inequality, e^-101
        if not is_evaluated and not 300 < (dropped := int((y == 0).sum())) < 512:
            raise Violation(f"after {how}, a layer of rate 0.9 dropped {dropped} of 512 units")


@clause("module-2")
def test_a_copy_keeps_the_rate_that_was_assigned(impl: Implementation, run: Run) -> None:
    """A deep copy of a layer whose rate was changed from 0.5 to 0.9 drops and scales at 0.9.

    The property is not claimed if the layer itself keeps its old rate. A share of 4,096 units with
    a probability below 10^-18 is a violation.
    """
    impl.reseed(run.seed_for("module-2 assigned"))
    layer, x = impl.layer(0.5), ones(impl, 1 << 12)
    layer.train(x)
    layer.set_rate(0.9)
    y = layer.train(x).output
    try:
        require_share(int(x.size - nonzero(y).sum()), x.size, 0.9, "")
        require_rescaled(y, x, 0.9, nonzero(y))
    except Violation as error:
        raise NotClaimed("its rate cannot be changed by assignment (rate-5)") from error
    y = layer.copy().train(x).output
    require_share(
        int(x.size - nonzero(y).sum()),
        x.size,
        0.9,
        "by a copy of a layer whose rate was changed from 0.5 to 0.9",
    )
    require_rescaled(y, x, 0.9, nonzero(y), what="output of the copy")


@clause("module-3", should=True)
def test_repr_shows_the_rate(impl: Implementation) -> None:
    """repr() should show the rate that the layer was built with.

    The rate is 0.3125; its keep, its percentage and three of its decimals are right, too.
    """
    shown = impl.driver.networks().shown(0.3125)
    if not any(text in shown for text in ("0.3125", "0.6875", "0.312", "31.25")):
        raise Violation(f"repr of a layer of rate 0.3125 should show it; it is {shown!r}")


@clause("module-4")
@given(case=cases())
def test_functional_and_module_forms_agree(impl: Implementation, case: Case) -> None:
    """Under one seed the functional form gives the same output as the module.

    The property is claimed by a class that names a functional form, or for which one is declared.
    """
    by_function = impl.driver.functional(case.x, case.rate, case.seed).output
    by_module = impl.train(case.x, case.rate, case.seed).output
    message = (
        "the functional form must drop the same units as the module under one seed, at rate"
        f" {case.rate:.6g}"
    )
    require(
        nonzero(by_function) == nonzero(by_module), message, function=by_function, module=by_module
    )
    require_identical(
        by_function,
        by_module,
        f"the functional form must give what the module gives, at rate {case.rate:.6g}",
    )
