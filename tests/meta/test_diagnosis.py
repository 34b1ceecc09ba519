"""The diagnosis: several bugs in order, echoes laid to their cause, and one cause of many
errors.
"""

from __future__ import annotations

from dropspec.core.faults import Fault, FaultKind
from dropspec.core.observations import Observation, Seen
from dropspec.core.records import Cause, Judged, Verdict
from dropspec.diagnosis import causes
from dropspec.diagnosis.evidence import Evidence
from dropspec.families import all_clauses

from .measured import causes_of, diagnose, dropped, judged, scales


def test_measurements_are_read_by_rate() -> None:
    """A measurement is read by its kind and rate, in one dtype or in any; others are left alone."""
    half = Observation(Seen.DROP_RATE, 0.4, 0.5, "float16")
    e = Evidence((), (("", Observation(Seen.SCALE, 2.0, 0.1)), ("", half)))
    assert e.at_rates(Seen.DROP_RATE) == e.at_rates(Seen.DROP_RATE, "float16") == {0.5: 0.4}
    assert e.at_rates(Seen.DROP_RATE, "float32") == {}


def test_several_bugs_are_named_in_order() -> None:
    """The scale, then evaluation, then the backward pass; a scale of 1/rate that comes of the
    rate taken for keep is no bug of its own.
    """
    observations = [
        *scales(lambda r: 1 / r),
        Observation(Seen.EVALUATION_SHARE, 0.1, 0.1),
    ]
    said = diagnose(judged("scale-1", "eval-1", "gradient-1"), observations)
    assert [s.split(" ")[0] for s in said] == ["Survivors", "Units", "The"]
    (only,) = diagnose(
        judged("scale-1", "rate-1"), scales(lambda r: 1 / r) + dropped(lambda r: 1 - r)
    )
    assert only.startswith("The rate is used as the probability of keeping")


def test_nothing_is_named_where_nothing_fits() -> None:
    """Not for right observations, not without any, not for a scale of its own, and not where
    nothing is violated.
    """
    right = scales(lambda r: 1 / (1 - r)) + dropped(lambda r: r)
    assert diagnose(()) == ()
    assert diagnose(judged(), scales(lambda r: 1 / r) + dropped(lambda r: 1 - r)) == ()
    assert diagnose(judged("scale-1", verdict=Verdict.DEPARTS), scales(lambda r: 1 / r)) == ()
    assert diagnose(judged("scale-1", "rate-1", "eval-1", "expectation-1"), right) == ()
    assert diagnose(judged("scale-1", "rate-1", "eval-1")) == ()
    assert diagnose(judged("scale-1"), scales(lambda r: 0.99 / (1 - r))) == ()
    # where all laws agree
    assert diagnose(judged("scale-1"), [Observation(Seen.SCALE, 2.0, 0.5)]) == ()


def test_echoes_are_laid_to_their_cause() -> None:
    """A wrong scale makes expectations fail as well; a rate that is accepted is another matter."""
    failed = tuple(
        Judged(c, c, "MUST", Verdict.VIOLATED, "", "", "")
        for c in ("expectation-1", "scale-1", "edge-3")
    )
    scale, edge = causes_of(failed)
    assert scale == Cause("scale-1", all_clauses()["scale-1"].remedy, ("expectation-1",))
    assert edge == Cause("edge-3", all_clauses()["edge-3"].remedy)


def test_what_two_causes_explain_is_laid_to_the_last() -> None:
    """What a rate and a scale both explain goes when both are repaired, and is an echo of the one
    that is named last.
    """
    failed = judged("rate-1", "scale-1", "expectation-1")
    first, last = causes_of(failed, dropped(lambda r: 1 - r) + scales(lambda r: r))
    assert (first.echoes, last.echoes) == ((), ("expectation-1",))


def test_an_end_of_the_rate_is_an_echo_only_where_it_does_as_its_neighbours() -> None:
    """Rate 0 that drops everything follows from a rate that is used as keep; rate 0 that drops a
    tenth, or gives NaN, does not.
    """
    keep = dropped(lambda r: 1 - r)
    for share, named in ((1.0, 1), (0.1, 2), (None, 2)):
        at_end = [] if share is None else [Observation(Seen.AT_AN_END, share, 0.0)]
        assert len(causes_of(judged("rate-1", "edge-1"), keep + at_end)) == named


def test_a_gradient_is_an_echo_only_where_it_is_that_of_the_output() -> None:
    """A gradient that has the output's own wrong scale fails because of it; one by another scale
    has a cause of its own.
    """
    failed, wrong = judged("scale-1", "gradient-6"), scales(lambda r: r)
    for share, named in ((0.0, 1), (0.5, 2)):
        own = [Observation(Seen.PASSED_OTHERWISE, share, 0.5)]
        assert len(causes_of(failed, wrong + own)) == named


def raising(*faults: Fault | None) -> tuple[Judged, ...]:
    """As many clauses as faults; those with a fault are errors, the others hold."""
    bad = (Verdict.HOLDS, Verdict.ERROR)
    named = zip(all_clauses(), faults, strict=False)
    return tuple(Judged(c, c, "MUST", bad[bool(f)], "", "", "", f) for c, f in named)


def fault(name: str, line: int, text: str = "no") -> Fault:
    """An error of that type from that line of the layer."""
    where = f"it.py, line {line}"
    return Fault(FaultKind.RAISED, name, where, f"{name}: {text} ({where})")


def test_a_layer_that_always_raises_has_one_cause() -> None:
    """One error from one line in nearly all clauses, whatever its words, is one cause."""
    faults = [fault("RuntimeError", 3, f"no kernel for {n} (yet)") for n in range(11)]
    wrong = Judged("edge-3", "edge-3", "MUST", Verdict.VIOLATED, "rate nan was accepted", "", "")
    first, second = causes_of((*raising(*faults), wrong))
    sentence = (
        "It raises nearly wherever it is called, in 11 of 12 clauses: "
        "RuntimeError: no kernel for 0 (yet) (it.py, line 3). Mend this first."
    )
    assert (first.clause, first.sentence, first.known) == ("scale-1", sentence, True)
    assert (len(first.echoes), second.clause) == (10, "edge-3")


def test_errors_of_several_kinds_or_of_few_clauses_are_no_one_cause() -> None:
    """Errors from many lines, in some clauses, or where few were judged, are left as they are."""
    assert causes_of(raising(*(fault("ValueError", n) for n in range(20)))) == ()
    assert causes_of(raising(*[fault("ValueError", 3)] * 7, *[None] * 7)) == ()
    assert causes_of(raising(*[fault("ValueError", 3)] * 5)) == ()


def test_of_clauses_about_chance_the_strongest_is_the_cause() -> None:
    """Rows that share a mask fail rate-1 too, but what they share is further off.

    A certain repetition counts, a neighbour's echo half.
    """
    effects = {
        "rate-1": ("rate", 0.2),
        "independence-1": ("left", 0.02),
        "independence-2": ("above", 0.5),
        "independence-4": ("", 0.0),
        "independence-5": ("echo", 0.5),
    }
    failed = [Judged(c, c, "MUST", Verdict.VIOLATED, "", "", "") for c in effects]
    measured = [
        (clause, Observation(Seen.EFFECT, value, lens=lens))
        for clause, (lens, value) in effects.items()
    ]
    lag = ("independence-5", Observation(Seen.LAG, 1.0))
    (cause,) = causes.diagnose(failed, [*measured, lag], all_clauses())
    assert cause.clause == "independence-2"
    assert set(cause.echoes) == set(effects) - {"independence-2"}
