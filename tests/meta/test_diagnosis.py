"""The diagnosis: each known bug is named from what was observed of it, and nothing is named where nothing fits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dropspec import diagnosis
from dropspec.core.records import Cause, Judged, Verdict
from dropspec.diagnosis.known_bugs import at_rates
from dropspec.diagnosis.remedies import REMEDIES
from dropspec.families import all_clauses

Law = Callable[[float], float]
RATES = (0.5, 0.1, 0.9, 0.01, 0.001, 0.999)
ALL_CLAUSES = ("scale-1", "rate-1", "eval-1", "independence-4", "gradient-1", "gradient-4", "expectation-1")
ALL_CLAUSES += ("weights-1", "weights-2", "weights-5", "weights-7", "product-1", "backprop-1")


def judged(*failed: str, verdict: Verdict = Verdict.VIOLATED) -> tuple[Judged, ...]:
    """All these clauses judged: some failed, the others hold."""
    return tuple(Judged(c, c, "MUST", verdict if c in failed else Verdict.HOLDS, "", "", "") for c in ALL_CLAUSES)


def diagnose(clauses: tuple[Judged, ...], seen: dict[str, float]) -> tuple[str, ...]:
    """The sentences of the known bugs that fit."""
    return tuple(cause.sentence for cause in diagnosis.diagnose(clauses, seen) if cause.known)


def scales(law: Law) -> dict[str, float]:
    """Scales of survivors at drawn rates, by a law of the rate r."""
    return {f"scale at {r!r}": law(r) for r in (0.1, 0.5, 1 / 3, 0.75, 0.999)}


def dropped(law: Law, dtypes: tuple[str, ...] = ("float32", "float64", "float16", "bfloat16")) -> dict[str, float]:
    """Shares dropped at the campaigns' rates in some dtypes, by a law of the rate r."""
    return {f"drop rate at {r:g} in {d}": law(r) for r in RATES for d in dtypes}


def test_observations_are_read_by_rate() -> None:
    """What stands behind the prefix is the rate; other observations are left alone."""
    assert at_rates({"scale at 0.1": 2.0, "drop rate at 0.5 in float16": 0.4, "ulps in float32": 1.0}, "drop rate at ") == {0.5: 0.4}


def test_a_scale_by_the_rate_is_named() -> None:
    """1 / rate for 1 / (1 - rate): the sentence has the rate that shows it best, what was seen and what is right."""
    (said,) = diagnose(judged("scale-1"), scales(lambda r: 1 / r))
    assert said == (
        "Survivors are multiplied by 1/rate, not by 1/(1 - rate): seen 10 at rate 0.1, where 1.111 is right; the two agree at 0.5 only. "
        "Divide by 1 - rate."
    )


def test_a_missing_scale_is_named() -> None:
    """No scale in training; and if evaluation scales by keep, that both belong together."""
    (said,) = diagnose(judged("scale-1"), scales(lambda r: 1))
    assert said == "Survivors are not rescaled in training: seen 1 at rate 0.1, where 1.111 is right. Divide by 1 - rate."
    evaluated = {f"evaluation scale at {r!r}": 1 - r for r in (0.1, 0.75)}
    (said,) = diagnose(judged("scale-1", "eval-1"), scales(lambda r: 1) | evaluated)
    assert "outputs are scaled by keep in evaluation instead" in said


def test_a_number_added_to_keep_is_named() -> None:
    """The same number at all rates, above what single precision rounds; another at each rate is nothing known."""

    (said,) = diagnose(judged("scale-1"), scales(lambda r: 1 / (1 - r + 1e-6 + 1e-8 * r)))
    assert said == "Survivors are divided by 1 - rate + 1e-06, at every rate: divide by 1 - rate alone, and return zeros at rate 1."
    assert diagnose(judged("scale-1"), scales(lambda r: 0.999 / (1 - r))) == ()
    assert diagnose(judged("scale-1"), scales(lambda r: 1 / (1 - r + 2.0**-24))) == ()


def test_a_scale_in_evaluation_on_top_is_named() -> None:
    """Training rescales, and evaluation multiplies by keep all the same."""
    evaluated = {f"evaluation scale at {r!r}": 1 - r for r in (0.1, 0.75)}
    (said,) = diagnose(judged("eval-1"), scales(lambda r: 1 / (1 - r)) | evaluated)
    assert said.startswith("Outputs are scaled by keep in evaluation (0.9 at rate 0.1), though training rescales already")


def test_a_rate_taken_for_keep_is_named() -> None:
    """Shares of 1 - rate, to within 2 %, at rates that tell it from the rate."""
    (said,) = diagnose(judged("rate-1"), dropped(lambda r: 1.001 - r))
    assert said.startswith("The rate is taken for the probability of keeping: at rate 0.1, 0.901 of the units were dropped.")


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
    (said,) = diagnose(judged("rate-1"), dropped(lambda r: max(round(r * 2**bits + 0.45), 1) / 2**bits))
    assert said.startswith(
        f"Drop rates are multiples of 1/{1 << bits}, as from a threshold of {bits} bits: at rate 0.001, {2.0**-bits:.4g} of"
    )


def test_uniforms_in_the_inputs_dtype_are_named() -> None:
    """Right in single precision and on a grid of 1/256 in bfloat16: not a coarse threshold, but uniforms of the input's dtype."""
    right = dropped(lambda r: r, ("float32", "float64", "float16"))
    (said,) = diagnose(judged("rate-1"), right | dropped(lambda r: max(round(r * 256 + 0.45), 1) / 256, ("bfloat16",)))
    assert said.startswith("Uniforms are drawn in the dtype of the input, which has too few of them: at rate 0.001, 0.003906 of the units")


def test_dropout_in_evaluation_is_named() -> None:
    """Shares dropped in evaluation; where none are, evaluation fails for another reason."""
    shares = {f"share dropped in evaluation at {r}": r for r in (0.1, 0.5)}
    (said,) = diagnose(judged("eval-1"), shares)
    assert said == "Units are dropped in evaluation too: the training flag does not reach the layer."
    assert diagnose(judged("eval-1"), dict.fromkeys(shares, 0.0)) == ()


def test_a_fixed_count_is_named() -> None:
    """Sums that are not Binomial at a right rate; where the rate is wrong, or units depend on each other, sums say nothing of their own."""
    (said,) = diagnose(judged("independence-4"), {})
    assert said.startswith("The number of dropped units is not Binomial: probably a fixed number is dropped.")
    assert diagnose(judged("independence-4", "rate-1"), dropped(lambda r: 0.9 * r)) == ()


def test_shared_decisions_are_no_fixed_count() -> None:
    """Neighbours that share their fate make sums vary too much, and show as an echo: that is no fixed number."""
    failed = tuple(Judged(c, c, "MUST", Verdict.VIOLATED, "", "", "") for c in ("independence-1", "independence-4", "independence-5"))
    assert not [said for said in diagnose(failed, {}) if "fixed number" in said]


def test_a_backward_with_another_mask_is_named() -> None:
    """A mask of its own, or one read off the output; the first of the two where both clauses fail."""
    (said,) = diagnose(judged("gradient-1", "gradient-4"), {})
    assert said.startswith("The backward pass does not use the forward's mask")
    (said,) = diagnose(judged("gradient-4"), {})
    assert said.startswith("The backward pass reads the mask off the output")


@pytest.mark.parametrize(("what", "name"), [("examples", "stochastic depth"), ("outputs", "behind"), ("inputs", "before")])
def test_what_only_looks_like_dropconnect_is_named(what: str, name: str) -> None:
    """Examples, outputs or inputs that are dropped whole: another method, which has a name."""
    (said,) = diagnose(judged("weights-1"), {f"whole {what} dropped": 1.0})
    assert name in said
    assert said.endswith("not DropConnect. Draw a mask over the weights.")
    assert diagnose(judged("weights-1"), {}) == ()


@pytest.mark.parametrize(("masks", "said"), [(1, "All examples"), (16, "Each example"), (8, "Some examples")])
def test_another_sharing_than_claimed_is_named(masks: float, said: str) -> None:
    """One mask for sixteen examples, sixteen, or some number between: the sentence says which."""
    (found,) = diagnose(judged("weights-5"), {"masks of 16 examples": masks})
    assert found.startswith(said)
    assert diagnose(judged("weights-5"), {}) == ()


def test_bugs_of_weights_have_the_same_names() -> None:
    """What is named by the clauses of dropout is named by those of DropConnect."""
    assert diagnose(judged("product-1"), scales(lambda r: 1 / r)) == diagnose(judged("scale-1"), scales(lambda r: 1 / r))
    assert diagnose(judged("weights-2"), dropped(lambda r: 1 - r)) == diagnose(judged("rate-1"), dropped(lambda r: 1 - r))
    assert diagnose(judged("weights-7"), {}) == diagnose(judged("independence-4"), {})
    assert diagnose(judged("backprop-1"), {"gradients through another mask": 1.0}) == diagnose(judged("gradient-1"), {})
    assert diagnose(judged("backprop-1"), {}) == ()


def test_several_bugs_are_named_in_order() -> None:
    """The scale, then evaluation, then the backward pass; a scale of 1/rate that comes of the rate taken for keep is no bug of its own."""
    observations = scales(lambda r: 1 / r) | {"share dropped in evaluation at 0.1": 0.1}
    said = diagnose(judged("scale-1", "eval-1", "gradient-1"), observations)
    assert [s.split(" ")[0] for s in said] == ["Survivors", "Units", "The"]
    (only,) = diagnose(judged("scale-1", "rate-1"), scales(lambda r: 1 / r) | dropped(lambda r: 1 - r))
    assert only.startswith("The rate is taken for the probability of keeping")


def test_nothing_is_named_where_nothing_fits() -> None:
    """Not for right observations, not without any, not for a scale of its own, and not where nothing is violated."""
    right = scales(lambda r: 1 / (1 - r)) | dropped(lambda r: r)
    assert diagnose((), {}) == ()
    assert diagnose(judged(), scales(lambda r: 1 / r) | dropped(lambda r: 1 - r)) == ()
    assert diagnose(judged("scale-1", verdict=Verdict.DEPARTS), scales(lambda r: 1 / r)) == ()
    assert diagnose(judged("scale-1", "rate-1", "eval-1", "expectation-1"), right) == ()
    assert diagnose(judged("scale-1", "rate-1", "eval-1"), {}) == ()
    assert diagnose(judged("scale-1"), scales(lambda r: 0.99 / (1 - r))) == ()
    assert diagnose(judged("scale-1"), {"scale at 0.5": 2.0}) == ()  # where all laws agree


def test_every_clause_has_a_remedy() -> None:
    """Where no known bug fits there is still a sentence for each clause, on what is wrong and what to change."""
    assert set(REMEDIES) == set(all_clauses())
    assert all(sentence.endswith(".") and len(sentence.split()) > 6 for sentence in REMEDIES.values())


def test_echoes_are_laid_to_their_cause() -> None:
    """A wrong scale makes expectations fail as well; a rate that is accepted is another matter."""
    failed = tuple(Judged(c, c, "MUST", Verdict.VIOLATED, "", "", "") for c in ("expectation-1", "scale-1", "edge-3"))
    scale, edge = diagnosis.diagnose(failed, {})
    assert scale == Cause("scale-1", REMEDIES["scale-1"], ("expectation-1",))
    assert edge == Cause("edge-3", REMEDIES["edge-3"])


def raising(*said: str) -> tuple[Judged, ...]:
    """As many clauses as sentences; those with a sentence are errors, the others hold."""
    named = zip(all_clauses(), said, strict=False)
    return tuple(Judged(c, c, "MUST", Verdict.ERROR if s else Verdict.HOLDS, s, "", "") for c, s in named)


def test_a_layer_that_always_raises_has_one_cause() -> None:
    """One error from one line in nearly all clauses, whatever its words, is one cause; the rest, such as a rate accepted, are others."""
    said = [f"a call on shape ({n},) raised RuntimeError: no kernel for {n} (yet) (it.py, line 3)" for n in range(11)]
    wrong = Judged("edge-3", "edge-3", "MUST", Verdict.VIOLATED, "rate nan was accepted", "", "")
    first, second = diagnosis.diagnose((*raising(*said), wrong), {})
    sentence = "It raises nearly wherever it is called, in 11 of 12 clauses: RuntimeError: no kernel for 0 (yet) (it.py, line 3)."
    assert (first.clause, first.sentence, first.known) == (next(iter(all_clauses())), f"{sentence} Mend this first.", True)
    assert (len(first.echoes), second) == (10, Cause("edge-3", REMEDIES["edge-3"]))


def test_errors_of_several_kinds_or_of_few_clauses_are_no_one_cause() -> None:
    """Errors from many lines, in a part of the clauses, or where few clauses were judged, are left as they are."""
    assert diagnosis.diagnose(raising(*(f"a call raised ValueError: no (layer.py, line {n})" for n in range(20))), {}) == ()
    same = "a call raised ValueError: no (layer.py, line 3)"
    assert diagnosis.diagnose(raising(*[same] * 7, *[""] * 7), {}) == ()
    assert diagnosis.diagnose(raising(*[same] * 5), {}) == ()


def test_of_clauses_about_chance_the_strongest_is_the_cause() -> None:
    """Rows that share a mask fail rate-1 too, but further off is what they share; a certain repetition counts, a neighbour's echo half."""
    failed = judged("rate-1", "independence-4") + tuple(
        Judged(c, c, "MUST", Verdict.VIOLATED, "", "", "") for c in ("independence-2", "independence-1", "independence-5")
    )
    effects = {"rate on rate-1": 0.2, "above on independence-2": 0.5, "left on independence-1": 0.02, "echo on independence-5": 0.5}
    (cause,) = diagnosis.diagnose(failed, {f"effect of {name}": value for name, value in effects.items()} | {"echo lag": 1.0})
    assert cause.clause == "independence-2"
    assert set(cause.echoes) == {"rate-1", "independence-1", "independence-4", "independence-5"}
