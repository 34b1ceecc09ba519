"""Each known bug is named from what was measured of it, and nothing is named where nothing fits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dropspec.core.observations import Observation, Seen
from dropspec.core.records import Judged, Verdict

from .measured import diagnose, dropped, evaluated, judged, scales


def test_a_scale_by_the_rate_is_named() -> None:
    """1 / rate for 1 / (1 - rate): the sentence has the rate that shows it best, what was seen
    and what is right.
    """
    (said,) = diagnose(judged("scale-1"), scales(lambda r: 1 / r))
    assert (
        said
        == "Survivors are multiplied by 1/rate, not by 1/(1 - rate): seen 10 at rate 0.1, where"
        " 1.111 is right; the two agree at 0.5 only. Divide by 1 - rate."
    )


def test_a_missing_scale_is_named() -> None:
    """No scale in training; and if evaluation scales by keep, that both belong together."""
    (said,) = diagnose(judged("scale-1"), scales(lambda r: 1))
    assert (
        said == "Survivors are not rescaled in training: seen 1 at rate 0.1, where 1.111 is right."
        " Divide by 1 - rate."
    )
    (said,) = diagnose(
        judged("scale-1", "eval-1"), scales(lambda r: 1) + evaluated(lambda r: 1 - r)
    )
    assert "outputs are multiplied by keep in evaluation: the classic form" in said


def test_a_number_added_to_keep_is_named() -> None:
    """The same number at all rates, above what single precision rounds; another at each rate is
    nothing known.
    """

    (said,) = diagnose(judged("scale-1"), scales(lambda r: 1 / (1 - r + 1e-6 + 1e-8 * r)))
    assert (
        said
        == "Survivors are divided by 1 - rate + 1e-06, at every rate: divide by 1 - rate alone, and"
        " return zeros at rate 1."
    )
    assert diagnose(judged("scale-1"), scales(lambda r: 0.999 / (1 - r))) == ()
    assert diagnose(judged("scale-1"), scales(lambda r: 1 / (1 - r + 2.0**-24))) == ()


def test_a_scale_in_evaluation_on_top_is_named() -> None:
    """Training rescales, and evaluation multiplies by keep all the same."""
    (said,) = diagnose(judged("eval-1"), scales(lambda r: 1 / (1 - r)) + evaluated(lambda r: 1 - r))
    assert said.startswith(
        "Outputs are scaled by keep in evaluation (0.9 at rate 0.1), though training rescales"
        " already"
    )


def test_a_rate_taken_for_keep_is_named() -> None:
    """Shares of 1 - rate, to within 2 %, at rates that tell it from the rate."""
    (said,) = diagnose(judged("rate-1"), dropped(lambda r: 1.001 - r))
    assert said.startswith(
        "The rate is used as the probability of keeping: at rate 0.1, 0.901 of the units were"
        " dropped."
    )


def test_a_layer_that_drops_nothing_or_everything_is_named() -> None:
    """One share at all rates, 0 or 1; any other is nothing known."""
    (said,) = diagnose(judged("rate-1"), dropped(lambda r: 0))
    assert said.startswith("Nothing is dropped in training at any rate")
    (said,) = diagnose(judged("rate-1"), dropped(lambda r: 1))
    assert said.startswith("Everything is dropped at every rate")
    assert diagnose(judged("rate-1"), dropped(lambda r: 0.3)) == ()


@pytest.mark.parametrize("bits", [7, 8])
def test_a_coarse_threshold_is_named(bits: int) -> None:
    """Shares on a grid of 1/128 or 1/256 in every dtype."""
    (said,) = diagnose(
        judged("rate-1"), dropped(lambda r: max(round(r * 2**bits + 0.45), 1) / 2**bits)
    )
    assert said.startswith(
        f"Drop rates are multiples of 1/{1 << bits}, as from a threshold of {bits} bits: at rate"
        f" 0.001, {2.0**-bits:.4g} of"
    )


def test_uniforms_in_the_inputs_dtype_are_named() -> None:
    """Right in single precision and on a grid of 1/256 in bfloat16: not a coarse threshold, but
    uniforms of the input's dtype.
    """
    right = dropped(lambda r: r, ("float32", "float64", "float16"))
    (said,) = diagnose(
        judged("rate-1"),
        right + dropped(lambda r: max(round(r * 256 + 0.45), 1) / 256, ("bfloat16",)),
    )
    assert said.startswith(
        "Uniforms are drawn in the dtype of the input, which has too few of them: at rate 0.001,"
        " 0.003906 of the units"
    )


def test_dropout_in_evaluation_is_named() -> None:
    """Shares dropped in evaluation; where none are, evaluation fails for another reason."""
    shares = [Observation(Seen.EVALUATION_SHARE, r, r) for r in (0.1, 0.5)]
    (said,) = diagnose(judged("eval-1"), shares)
    assert said.startswith("Units are dropped in evaluation too: the training flag does not reach")
    assert said.endswith("claim always_active.")
    assert diagnose(judged("eval-1"), [replace(one, value=0.0) for one in shares]) == ()


def test_a_fixed_count_is_named() -> None:
    """One number dropped in all calls; sums that are not Binomial say nothing by themselves."""
    seen = [Observation(kind, v, 0.5) for kind, v in ((Seen.DROPPED, 0.5), (Seen.SAME_COUNT, 1.0))]
    (said,) = diagnose(judged("independence-4"), seen)
    assert said.startswith("Exactly so many units are dropped in every call: a fixed number")
    assert diagnose(judged("independence-4"), seen[:1]) == ()
    assert diagnose(judged("independence-4")) == ()


def test_shared_decisions_are_no_fixed_count() -> None:
    """Neighbours that share their fate make sums vary too much, and show as an echo: that is no
    fixed number.
    """
    failed = tuple(
        Judged(c, c, "MUST", Verdict.VIOLATED, "", "", "")
        for c in ("independence-1", "independence-4", "independence-5")
    )
    assert not [said for said in diagnose(failed) if "fixed number" in said]


def test_a_backward_with_another_mask_is_named() -> None:
    """A mask of its own, or one read off the output; the first of the two where both clauses
    fail.
    """
    (said,) = diagnose(judged("gradient-1", "gradient-4"))
    assert said.startswith("The backward pass does not use the forward's mask")
    (said,) = diagnose(judged("gradient-4"))
    assert said.startswith("The backward pass reads the mask off the output")


@pytest.mark.parametrize(
    ("what", "name"),
    [("examples", "stochastic depth"), ("outputs", "behind"), ("inputs", "before")],
)
def test_what_only_looks_like_dropconnect_is_named(what: str, name: str) -> None:
    """Examples, outputs or inputs that are dropped whole: another method, which has a name."""
    (said,) = diagnose(judged("weights-1"), [Observation(Seen(f"whole {what} dropped"), 1.0)])
    assert name in said
    assert said.endswith("not DropConnect. Draw a mask over the weights.")
    assert diagnose(judged("weights-1")) == ()


@pytest.mark.parametrize(
    ("masks", "said"), [(1, "All examples"), (16, "Each example"), (8, "Some examples")]
)
def test_another_sharing_than_claimed_is_named(masks: float, said: str) -> None:
    """One mask for sixteen examples, sixteen, or some number between: the sentence says which."""
    (found,) = diagnose(judged("weights-5"), [Observation(Seen.MASKS, masks)])
    assert found.startswith(said)
    assert diagnose(judged("weights-5")) == ()


def test_bugs_of_weights_have_the_same_names() -> None:
    """What is named by the clauses of dropout is named by those of DropConnect."""
    assert diagnose(judged("product-1"), scales(lambda r: 1 / r)) == diagnose(
        judged("scale-1"), scales(lambda r: 1 / r)
    )
    assert diagnose(judged("weights-2"), dropped(lambda r: 1 - r)) == diagnose(
        judged("rate-1"), dropped(lambda r: 1 - r)
    )
    assert diagnose(judged("backprop-1"), [Observation(Seen.OTHER_MASK, 1.0)]) == diagnose(
        judged("gradient-1")
    )
    assert diagnose(judged("backprop-1")) == ()


def test_a_seed_without_a_say_is_named() -> None:
    """Masks that no seed fixes, and that repeat all the same, come from something else; no mutant
    shows it, as what an address gives differs from run to run.
    """
    failed = [
        Judged(c, c, "MUST", Verdict.VIOLATED, "", "", "") for c in ("seed-1", "independence-3")
    ]
    (first,) = diagnose(tuple(failed), [Observation(Seen.SAME_MASK, 0.4, 0.5)])
    assert first.startswith("The user's seed has no say, and yet calls repeat masks")
    assert diagnose(tuple(failed[:1]), [Observation(Seen.SAME_MASK, 0.4, 0.5)]) == ()
