"""Chapter `layout`: shape, dtype and memory of inputs and outputs."""

from contextlib import suppress

import numpy as np

from dropspec.core.arrays import DTYPES, doubled, nonzero
from dropspec.core.cases import LARGE, Case
from dropspec.core.compare import require, require_identical, require_rescaled
from dropspec.core.errors import BadReply, NotClaimed, Violation
from dropspec.core.implementation import Implementation
from dropspec.core.notes import Notes
from dropspec.core.recipes import cases
from dropspec.core.risk import require_negligible_probability
from dropspec.properties import assume, clause, given
from dropspec.properties.refusals import accepted_rates
from dropspec.properties.shapes import require_no_cast
from dropspec.properties.trials import ones, require_share
from dropspec.session.run import Run


@clause("layout-1")
@given(*(Case(LARGE, dtype) for dtype in DTYPES), case=cases())
def test_shape_and_dtype_are_kept(impl: Implementation, case: Case) -> None:
    """The output has the input's shape and dtype.

    One case in each dtype has the shape 257×257. An output that is no tensor or array is a
    violation. All runs on the CPU, so the device of the output is not judged.
    """
    x = case.x
    try:
        y = impl.train(x, case.rate, case.seed).output
    except BadReply as error:
        raise Violation(f"{error}; it must keep type, shape and dtype") from error
    if y.dtype != x.dtype:
        raise Violation(f"input of dtype {x.dtype} gave output of dtype {y.dtype}")


@clause("layout-1")
def test_no_dtype_comes_back_as_another(impl: Implementation, notes: Notes) -> None:
    """The dtypes float16, bfloat16, float32 and float64 are kept, where the layer accepts them.

    A user who means a dtype to be cast can claim the other dtypes instead.
    """
    require_no_cast(impl, notes)


@clause("layout-2")
@given(
    Case(shape=LARGE, layout="transposed"),
    case=cases(layouts=("transposed", "strided", "expanded", "channels-last"), ranks=(1, 2, 4)),
)
def test_any_layout_gets_a_right_mask_on_the_right_elements(
    impl: Implementation, case: Case
) -> None:
    """Each output is 0 or x / keep of the element at its own index, whatever the strides.

    Inputs of one, two and four axes are transposed, strided, expanded and channels-last; one of
    them is 257×257 and transposed. Outputs that are not 0 are compared. A case without survivors
    decides nothing.
    """
    x = case.x
    y = impl.train(x, case.rate, case.seed).output
    mask = nonzero(y)
    assume(mask.any())
    require_rescaled(y, x, case.rate, mask, what=f"output ({case.layout} input)")


@clause("layout-2")
def test_a_view_may_begin_anywhere(impl: Implementation, run: Run) -> None:
    """A tensor that begins in the middle of its memory gives 0 or x / keep of its own numbers.

    A torch layer is called at rate 0.5 with a slice of 512 numbers, with one of a 32×16 table, and
    with a slice of the transposed table.
    """
    for view, x, y in impl.driver.on_views(0.5, run.seed_for("layout-2")):
        require_rescaled(y, x, 0.5, nonzero(y), what=f"output for {view}")


@clause("layout-3")
@given(Case(shape=LARGE), case=cases("plain", "special"))
def test_the_input_is_not_changed(impl: Implementation, case: Case) -> None:
    """A call leaves its input as it was, bit for bit.

    Inputs of plain and special values in every layout, one of them 257×257, are compared with a
    copy after training calls, at rates 0 and 1 as well where 1 is accepted, and after an
    evaluation.
    """
    x = case.x
    for rate in (case.rate, 0.0, *accepted_rates(impl, 1.0)):
        message = f"a training call at rate {rate:.6g} must not change its input"
        require_identical(impl.train(x, rate, case.seed).input_after, x, message)
    with suppress(NotClaimed):
        require_identical(
            impl.evaluate(x, case.rate).input_after, x, "an evaluation must not change its input"
        )


@clause("layout-3")
@given(case=cases(layouts=("contiguous",), ranks=(1,)))
def test_an_earlier_output_is_not_changed(impl: Implementation, case: Case) -> None:
    """Later calls leave the output of an earlier one as it was.

    The output for 4,096 units is compared with its copy after three more calls, of as many units
    or fewer, in training and in evaluation.
    """
    impl.reseed(case.seed)
    layer, x = impl.layer(case.rate), np.ones(4096, DTYPES[case.dtype])
    calls = [layer.train] if impl.facts.no_evaluation else [layer.train, layer.evaluate]
    for call in calls:
        first = call(x).output
        kept = first.copy()
        for later in (doubled(x), x[:100], doubled(x)):
            call(later)
        require_identical(first, kept, "a later call must not change the output of an earlier one")


@clause("layout-4")
@given(case=cases(layouts=("contiguous", "transposed")))
def test_in_place_changes_and_returns_the_input(impl: Implementation, case: Case) -> None:
    """In place, the input itself is returned, it holds the right output, and the gradient goes
    through its mask.

    Inputs are contiguous and transposed.
    """
    x = case.x
    run, is_the_input = impl.driver.in_place(x, case.rate, case.seed)
    if not is_the_input:
        raise Violation("an in-place call must return its input, but it returned another tensor")
    mask = nonzero(run.output)
    assume(mask.any())
    require_rescaled(run.input_after, x, case.rate, mask, what="input after an in-place call")
    require(
        (run.input_after == 0) | mask, "what is dropped in place must be 0", got=run.input_after
    )
    g = run.gradient(case.upstream)
    require(
        nonzero(g) == mask,
        "the gradient must know of what was done in place",
        output=run.output,
        gradient=g,
    )
    require_rescaled(
        g, case.upstream, case.rate, mask, what="gradient of an in-place call (x: the upstream)"
    )


@clause("layout-4")
def test_in_place_dropout_drops_at_the_rate(impl: Implementation, run: Run) -> None:
    """In place, about a tenth of 4,096 units is dropped at rate 0.1, and two seeds give two masks.

    A share with a probability below 10^-18 is a violation.
    """
    seed, masks = run.seed_for("layout-4"), []
    for which in (0, 1):
        masks.append(nonzero(impl.driver.in_place(ones(impl, 4096), 0.1, seed + which)[0].output))
        require_share(int((~masks[-1]).sum()), 4096, 0.1, "at rate 0.1 in place")
    require_negligible_probability(4096 * np.log(0.1**2 + 0.9**2))
    if np.array_equal(masks[0], masks[1]):
        raise Violation(
            f"in-place calls after the seeds {seed} and {seed + 1} drew the same mask of 4096 units"
            " at rate 0.1"
        )


@clause("layout-4")
@given(case=cases(layouts=("contiguous",), ranks=(1, 2)))
def test_in_place_dropout_at_rates_0_and_1(impl: Implementation, case: Case) -> None:
    """In place, the input is returned unchanged at rate 0, and filled with zeros at rate 1.

    Rate 1 is passed over where it is refused.
    """
    for rate in (0.0, *accepted_rates(impl, 1.0)):
        right = np.zeros_like(case.x) if rate else case.x
        run, is_the_input = impl.driver.in_place(case.x, rate, case.seed)
        if not is_the_input:
            raise Violation(
                f"an in-place call at rate {rate:g} must return its input, but it returned another"
                " tensor"
            )
        require(
            run.input_after == right,
            f"an in-place call at rate {rate:g} must leave this in the input",
            right=right,
            got=run.input_after,
        )


@clause("layout-5", should=True)
@given(case=cases(layouts=("contiguous", "transposed", "channels-last"), ranks=(2, 4)))
def test_memory_format_is_kept(impl: Implementation, case: Case) -> None:
    """The output of a dense input should have the input's strides, on axes longer than 1.

    Inputs of two and four axes are contiguous, transposed and channels-last.
    """
    if {2, 4} <= set(impl.facts.ranks_refused):
        raise NotClaimed("it takes neither two axes nor four, of which there are such formats")
    assume(case.x.ndim not in impl.facts.ranks_refused)
    x = case.x
    y = impl.train(x, case.rate, case.seed).output
    matters = [axis for axis, n in enumerate(x.shape) if n > 1]
    mine, theirs = ([a.strides[axis] // a.itemsize for axis in matters] for a in (y, x))
    if mine != theirs:
        raise Violation(
            f"a {case.layout} input of shape {x.shape} with strides {theirs} gave an output with"
            f" strides {mine}"
        )
