"""Chapter `module`: what a torch layer is besides its forward."""

import copy
import io
import pickle

from dropspec.core.arrays import nonzero
from dropspec.core.cases import Case
from dropspec.core.compare import require, require_identical, require_rescaled
from dropspec.core.errors import NotClaimed, Violation
from dropspec.core.recipes import cases
from dropspec.frameworks.base import Adapter
from dropspec.properties import clause, given
from dropspec.properties.trials import ones, require_share
from dropspec.session.run import Run


@clause("module-1", should=True)
def test_it_has_no_parameters_or_buffers(impl: Adapter) -> None:
    """A dropout layer has nothing to learn and nothing to store: an empty state_dict."""
    module = impl.module(0.3)
    held = [name for name, _ in (*module.named_parameters(), *module.named_buffers())] + list(module.state_dict())
    if held:
        raise Violation(f"the layer holds {', '.join(sorted(set(held)))} as parameter or buffer; it should hold nothing")


@clause("module-2")
def test_copies_and_round_trips_keep_the_layer(impl: Adapter, run: Run) -> None:
    """A deep copy, a pickled one, and one that loaded the state_dict drop at the same rate and scale, in the same mode."""
    import torch

    module, x = impl.module(0.9), torch.ones(512)
    module.train()
    with impl.guard.call(f"copying {impl.spelled(0.9, '')}"):
        module(x.clone())  # it may work in place
        loaded = impl.module(0.9)
        file = io.BytesIO()
        torch.save(module.state_dict(), file)
        file.seek(0)
        loaded.load_state_dict(torch.load(file))
        others = {
            "copy.deepcopy": copy.deepcopy(module),
            "pickle": pickle.loads(pickle.dumps(module)),
            "a state_dict, saved and loaded": loaded,
        }
        if not impl.no_evaluation:
            evaluated = impl.module(0.9)
            evaluated.eval()
            others["copy.deepcopy in evaluation mode"] = copy.deepcopy(evaluated)
            others["pickle in evaluation mode"] = pickle.loads(pickle.dumps(evaluated))
        others["conversion to bfloat16 and back"] = impl.module(0.9).bfloat16().float()
        copied = others["copy.deepcopy"]
        copied.eval()
        if copied is module or not module.training:
            raise Violation("copy.deepcopy gives the layer itself, so what is done to the copy is done to the layer")
        copied.train()
    impl.reseed(run.seed_for("module-2"))
    for how, other in others.items():
        with impl.guard.call(f"a call of {impl.spelled(0.9, '')} after {how}"):
            y = other(x.clone())
        values = sorted(set(y.flatten().tolist()))
        right = values == [1.0] if "evaluation" in how else len(values) == 2 and values[0] == 0 and abs(values[1] - 10) < 1e-3
        if not right:
            raise Violation(
                f"after {how}, a layer of rate 0.9 gives {values[:3]} for ones, where {'1' if 'evaluation' in how else '0 and 10'} is right"
            )
        if "evaluation" not in how and not 300 < (y == 0).sum() < 512:  # chances .9^512 and, by Hoeffding's inequality, e^-101
            raise Violation(f"after {how}, a layer of rate 0.9 dropped {int((y == 0).sum())} of 512 units")


@clause("module-2")
def test_a_copy_keeps_the_rate_that_was_assigned(impl: Adapter, run: Run) -> None:
    """A deep copy of a layer whose rate was changed from 0.5 to 0.9 drops at 0.9, and scales so, if the layer itself does."""
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
    require_share(int(x.size - nonzero(y).sum()), x.size, 0.9, "by a copy of a layer whose rate was changed from 0.5 to 0.9")
    require_rescaled(y, x, 0.9, nonzero(y), what="output of the copy")


@clause("module-3", should=True)
def test_repr_shows_the_rate(impl: Adapter) -> None:
    """repr() should show the rate that the layer was built with."""
    shown = repr(impl.module(0.3125))
    if not any(text in shown for text in ("0.3125", "0.6875", "0.312", "31.25")):
        raise Violation(f"repr of a layer of rate 0.3125 should show it; it is {shown!r}")


@clause("module-4")
@given(case=cases())
def test_functional_and_module_forms_agree(impl: Adapter, case: Case) -> None:
    """Under one seed the functional form gives the same output as the module, where the class names one."""
    by_function = impl.functional(case.x, case.rate, case.seed).output
    by_module = impl.train(case.x, case.rate, case.seed).output
    message = f"the functional form must drop the same units as the module under one seed, at rate {case.rate:.6g}"
    require(nonzero(by_function) == nonzero(by_module), message, function=by_function, module=by_module)
    require_identical(by_function, by_module, f"the functional form must give what the module gives, at rate {case.rate:.6g}")
