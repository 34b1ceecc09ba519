"""Every mutant dies on the clauses that it states, and nothing right is refused.

The tests here judge each mutant on the clauses that it states, called without pytest; those marked
`whole` judge it by `dropspec check` on all clauses, as a user's layer is, many in one process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from . import explore, matrix, pasted
from .catalogue import CONFORMING, MUTANTS, RIGHT_TARGETS

CAUSES = {
    "sample:dropout": "1/rate, not by 1/(1 - rate)",
    "dropout.scale:DividesByRate": "1/rate, not by 1/(1 - rate)",
    "dropout.scale:LeavesSurvivorsUnscaled": "not rescaled in training",
    "dropout.scale:AddsToKeep": "divided by 1 - rate + 1e-06",
    "dropout.scale:MultipliesByGaussians": "That is Gaussian dropout",
    "dropout.rate.everywhere:TakesRateForKeep": "used as the probability of keeping",
    "dropout.rate.everywhere:DropsEverything": "Everything is dropped",
    "dropout.rate.everywhere:IgnoresRate": "Nothing is dropped in training at any rate",
    "dropout.rate.everywhere:ComparesEightBits": "threshold of 8 bits",
    "dropout.rate.everywhere:DrawsInOwnDtype": "drawn in the dtype of the input",
    "dropout.independence.everywhere:DropsExactlyPerCall": "a fixed number, chosen anew",
    "dropout.independence.everywhere:DropsExactlyPerRow": "a fixed number, chosen anew",
    "dropout.independence.everywhere:HasEightMasks": "few masks to draw from",
    "dropout.eval:SkipsFirstCall": "The first call of a layer drops nothing",
    "dropout.kinds:LocksTheFirstAxis": "locked (variational) dropout",
    "dropout.kinds:LocksTheSecondAxis": "locked (variational) dropout",
    "dropout.kinds:DropsTokens": "token or channel dropout",
    "dropout.kinds:DropsSamples": "stochastic depth (DropPath)",
    "dropout.kinds:DropsBlocks": "block dropout (DropBlock)",
    "dropout.kinds:DropsTheWholeCall": "layer dropout (LayerDrop)",
    "dropout.kinds:FillsDroppedUnits": "alpha dropout",
    "dropout.kinds:AddsGaussians": "noise is added",
    "dropout.kinds:Stratifies": "stratified numbers",
    "dropout.carried:AnnealsItsRate": "The rate drifts from call to call",
    "dropout.carried:WarmsUp": "The rate drifts from call to call",
    "dropout.carried:TiresAfterAHundredCalls": "The rate drifts from call to call",
    "dropout.carried:BeginsAnewWithEachLayer": "the masks of another layer",
    "dropout.carried:SeedsItsStreamByItsRate": "the masks of another layer",
    "dropout.carried:LeavesWhatWasThere": "allocated and not cleared",
    "dropout.carried:PassesWhatItDrops": "come out as they went in",
    "dropout.carried:RemovesTokens": "token dropping (PatchDropout)",
    "dropout.carried:SparesWhatFillsNoVector": "do not fill a vector, are never dropped",
    "dropout.carried:DropsWhatFillsNoVector": "do not fill a vector, are dropped at 1",
    "dropout.layout:UpcastsHalf": "It gives bfloat16 as float32",
    "dropconnect.product:AnswersInSinglePrecision": "It gives bfloat16 as float32",
    "dropout.mechanisms:ForgetsToHandItsRateOn": "The rate is ignored: 0.5",
    "dropout.mechanisms:ComparesNormals": "normal numbers",
    "dropout.mechanisms:DropsOnlyForAGradient": "only where a gradient is wanted",
    "dropout.mechanisms:DropsOnlyWithoutAGradient": "Nothing is dropped where a gradient is wanted",
    "dropout.mechanisms:DropsRowsAndColumns": "Whole rows and whole columns",
    "dropout.mechanisms:SendsNoGradient": "No gradient arrives",
    "dropout.mechanisms:MultipliesGradientByRate": "The gradient is multiplied by the rate",
    "dropout.mechanisms:DividesGradientByRate": "The gradient is multiplied by 1 / rate",
    "dropout.mechanisms:MultipliesByRate": "multiplied by the rate",
    "dropout.mechanisms:MultipliesByKeep": "multiplied by keep",
    "dropout.mechanisms:DividesByKeepTwice": "by 1 / keep twice",
    "dropout.mechanisms:DividesByRootOfKeep": "by the root of 1 / keep",
    "dropout.mechanisms:TurnsSurvivors": "change their sign",
    "dropout.mechanisms:LosesSigns": "change their sign",
    "dropout.mechanisms:ReversesValues": "at other places than they went in",
    "dropout.mechanisms:KeepsSums": "The scale changes from call to call",
    "dropout.mechanisms:CrossesRowsAndColumns": "exclusive-or",
    "dropout.mechanisms:SeedsRowsInTurn": "Rows repeat",
    "dropout.mechanisms:DropsAtUniform1": "At rate 0 about one unit in 2^24",
    "dropout.mechanisms:KeepsAtUniform0": "At rate 1 about one unit in 2^24",
    "dropout.gradient.masks:RedrawsInBackward": "does not use the forward's mask",
    "dropout.gradient.masks:InfersMaskFromOutput": "reads the mask off the output",
    "dropout.eval:StaysActiveInEval": "dropped in evaluation too",
    "dropout.eval:ScalesInEval": "scaled by keep in evaluation",
    "dropconnect.weights.units:DropsExamples": (
        "drops whole samples: this is stochastic depth, not DropConnect"
    ),
    "dropconnect.weights.units:DropsOutputs": (
        "drops whole outputs: this is dropout behind the layer"
    ),
    "dropconnect.weights.units:DropsInputs": "drops whole inputs: this is dropout before the layer",
    "dropconnect.weights.units:DropsInputsOfACall": (
        "drops whole inputs: this is dropout before the layer"
    ),
    "dropconnect.weights.rates:TakesRateForKeep": "used as the probability of keeping",
    "dropconnect.weights.rates:ComparesEightBits": "threshold of 8 bits",
    "dropconnect.weights.rates:DrawsInOwnDtype": "drawn in the dtype of the input",
    "dropconnect.weights.units:OneMaskForAll": "All examples of a call share one mask",
    "dropconnect.weights.units:MaskForEachClaimedOne": "Each example has a mask of its own",
    "dropconnect.product:DividesByRate": "1/rate, not by 1/(1 - rate)",
    "dropconnect.product:LeavesSurvivorsUnscaled": "not rescaled in training",
    "dropconnect.backprop:RedrawsInBackward": "does not use the forward's mask",
    "dropconnect.inference:StaysActiveInEval": "dropped in evaluation too",
    "dropconnect.inference:ScalesInEval": "scaled by keep in evaluation",
}

MISLEADING = (  # whose first cause is another: the echo is as strong as the bug
    "dropout.independence.everywhere:HasEightMasksOfSmallCalls",
    "dropout.layout:ReadsStorageOrder",
    "dropout.rate.everywhere:SparesBeyondSixteenBits",
    "dropconnect.weights.rates:DropsExactly",
)
SUBTLE = (
    "dropout.rate.everywhere:DropsSlightlyTooOften",
    "dropout.independence.everywhere:CopiesNeighbours",
    "dropout.scale:ScalesBfloat16TooMuch",
    "dropout.rate.shapes:SparesHalfTail",
)
EVERY_RIGHT = (*RIGHT_TARGETS, *CONFORMING)
whole = pytest.mark.whole


def test_there_are_mutants_enough() -> None:
    """There are at least 375 mutants and 60 right but unusual layers."""
    assert len(MUTANTS) >= 375
    assert len(RIGHT_TARGETS) >= 60


def explored(what: str) -> dict[str, list[str]]:
    """What `explore.py` prints, from a process that forks children before it has run anything.

    A child that is forked after torch ran a parallel operation hangs at its own first one.
    """
    command = [sys.executable, explore.__file__, what]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def unfound() -> dict[str, list[str]]:
    """By mutant, the clauses that it states and that are not found to fail."""
    return explored("stated")


@pytest.mark.parametrize("target", MUTANTS)
def test_a_mutant_dies_on_the_clauses_it_states(unfound: dict[str, list[str]], target: str) -> None:
    """Every clause that the mutant states is violated, or departed from where it is a SHOULD."""
    assert unfound[target] == []


@pytest.fixture(scope="module")
def accusations() -> dict[str, list[str]]:
    """By conforming target, what a whole quick run finds that is not as it should be."""
    return explored("spared")


@whole  # the conformance tests judge nearly the same, in another profile
@pytest.mark.parametrize("target", CONFORMING)
def test_nothing_right_is_accused(accusations: dict[str, list[str]], target: str) -> None:
    """A right layer has no clause violated, undecided or in error."""
    assert accusations[target] == []


def test_few_mutants_mislead() -> None:
    """The right cause is named first for at least 95 % of the mutants."""
    assert len(MISLEADING) <= 0.05 * len(MUTANTS)


@whole
def test_fresh_seeds_accuse_nothing_right_and_find_what_is_wrong() -> None:
    """Under two other seeds two right layers are accused of nothing, and four mutants are found."""
    seeds = range(explore.FIRST, explore.FIRST + 2)
    for target in ("torch.nn:Dropout", "dropspec.reference:Dropout"):
        assert explore.accused(target, seeds) == []
    for name in SUBTLE:
        mutant = MUTANTS[f"dropspec.tests.mutants.{name}"]
        assert explore.survived(mutant.target, mutant.clauses, seeds) == []


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the report over all mutants and all right layers is written."""
    return tmp_path_factory.mktemp("mutants") / "report.json"


@pytest.fixture(scope="module")
def judged(report: Path) -> dict[str, Any]:
    """The report of `dropspec check` over all mutants and all right layers by label."""
    return matrix.judge([*MUTANTS, *EVERY_RIGHT], report)


@whole
@pytest.mark.parametrize("target", MUTANTS)
def test_a_mutant_dies_on_the_command_line_too(judged: dict[str, Any], target: str) -> None:
    """On all clauses, those that it states fail, and the suite itself does not fail on it."""
    clauses = judged[target]["clauses"]
    verdicts = {clause: clauses[clause]["verdict"] for clause in MUTANTS[target].clauses}
    assert set(verdicts.values()) <= {"VIOLATED", "DEPARTS"}, verdicts
    assert not {c: v["summary"] for c, v in clauses.items() if "fault of dropspec" in v["summary"]}


@whole
@pytest.mark.parametrize("target", EVERY_RIGHT)
def test_nothing_right_is_refused_on_the_command_line(judged: dict[str, Any], target: str) -> None:
    """A right layer conforms, beside all mutants in one process, and no bug of it is named."""
    clauses = judged[target]["clauses"]
    bad = ("VIOLATED", "UNDECIDED", "ERROR")
    assert not {clause: found for clause, found in clauses.items() if found["verdict"] in bad}
    assert judged[target]["conformant"]
    assert judged[target]["diagnosis"] == []


@whole
@pytest.mark.parametrize("mutant", CAUSES)
def test_known_bugs_are_named(judged: dict[str, Any], mutant: str) -> None:
    """A bug with a known signature is named first in the diagnosis."""
    first = judged[f"dropspec.tests.mutants.{mutant}"]["diagnosis"][0]
    assert first["known"]
    assert CAUSES[mutant] in first["sentence"]


@whole
@pytest.mark.parametrize("target", MUTANTS)
def test_the_first_cause_is_the_right_one(judged: dict[str, Any], target: str) -> None:
    """If a MUST fails, the first cause is a clause that the mutant states, except for a few."""
    diagnosis = judged[target]["diagnosis"]
    if not diagnosis:
        assert "VIOLATED" not in {c["verdict"] for c in judged[target]["clauses"].values()}
        return
    is_right = diagnosis[0]["clause"] in MUTANTS[target].clauses
    assert is_right is (MUTANTS[target].name not in MISLEADING)


@whole
def test_the_table_says_what_each_mutant_breaks(judged: dict[str, Any]) -> None:
    """tests/mutants/matrix.md is what this run gives: a change that loses sharpness shows in it."""
    assert matrix.PATH.read_text("utf-8") == matrix.table(judged)


# each keeps something on its class, so that what a clause finds depends on those before it
KEEPS_ON_ITS_CLASS = ("dropout.scale:RemembersScaleByPercent",)


@whole
def test_every_line_to_paste_shows_its_failure(judged: dict[str, Any], report: Path) -> None:
    """Lines of Python run, and commands come to the same verdict, for every failure of every
    mutant.
    """
    assert judged
    command = [sys.executable, pasted.__file__, str(report)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    wrong = json.loads(done.stdout)
    assert [line for line in wrong if not any(name in line for name in KEEPS_ON_ITS_CLASS)] == []
