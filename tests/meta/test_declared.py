"""What a target declares and how it is made: whatever goes wrong there is one sentence about
that target, and the others are judged.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dropspec.core.errors import BadTarget
from dropspec.families import all_clauses
from dropspec.session.known_failures import known_failures

from .cli import check, only
from .inspected import inspected

LAYERS = """\
import functools
import numpy as np
from torch import nn
from dropspec.reference.dropout import dropout

class Misspelled(nn.Dropout):
    claims = {"alway_active": True}

class Unknown(nn.Dropout):
    claims = {"colour": "red"}

class Listed(nn.Dropout):
    claims = ["always_active"]

class WithEvaluate(nn.Dropout):
    claims = {"rate_is_keep": False}
    def evaluate(self, x):
        return self.eval()(x)

class Protocol:
    claims = {}
    def __init__(self, path):
        self.path = path
    def train(self, x, rate, seed):
        return x
    def evaluate(self, x, rate):
        return x

class ProtocolListed(Protocol):
    claims = ["seedable"]
    def __init__(self):
        pass

class Reply:
    def __init__(self, output):
        self.output = output

class KeepsItsName:
    claims = {"rate_is_keep": True, "always_active": True}
    def train(self, x, keep, seed):
        self.rng = np.random.default_rng(seed) if seed is not None else self.rng
        return Reply(dropout(x, 1 - keep, self.rng))
    def evaluate(self, x, keep):
        return self.train(x, keep, None)

class GivesArrays(KeepsItsName):
    claims = {"rate_is_keep": True, "always_active": True}
    def train(self, x, keep, seed):
        return super().train(x, keep, seed).output * 1  # of no axes, NumPy makes this a number

def always(x, rate, rng: np.random.Generator, training=True):
    return dropout(x, rate, rng)

always.claims = {"always_active": True}
partly = functools.partial(always, training=True)
built = functools.partial(KeepsItsName)

class Raising:
    def __getattr__(self, name):
        raise ValueError(f"no {name} today")

raising = Raising()
"""
BAD = {
    "Misspelled": (
        "have no 'alway_active': did you mean 'always_active'? There are family, dtypes,"
        " rate_is_keep, always_active, flushes, seedable"
    ),
    "Unknown": "have no 'colour': there are family, dtypes,",
    "Listed": "must be a mapping, such as {'always_active': True}, but are of type list",
    "Protocol": "which dropspec builds without arguments, but Protocol() raised TypeError",
    "ProtocolListed": "must be a mapping",
    "raising": "cannot be driven: dropspec met ValueError: no claims today (declared.py, line",
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all of them."""
    path = tmp_path_factory.mktemp("declared") / "declared.py"
    path.write_text(LAYERS, "utf-8")
    return path


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_one_sentence(path: Path, name: str) -> None:
    """Claims that are no mapping or have no such name, a constructor that wants arguments,
    attributes that raise: each is a BadTarget.
    """
    with pytest.raises(BadTarget) as said:
        inspected(f"{path}:{name}")
    assert BAD[name] in str(said.value)
    assert "\n" not in str(said.value)


def test_a_module_with_a_method_evaluate_is_a_module(path: Path) -> None:
    """A module class with `claims` and `evaluate` has a `train` of torch's kind, and is never
    taken for the protocol.
    """
    assert inspected(f"{path}:WithEvaluate").facts.framework == "torch"


def test_claims_hold_for_functions_and_objects_too(path: Path) -> None:
    """A keep probability is turned round, and what drops in evaluation by design is not asked
    for one, behind a partial, too.
    """
    names = [f"declared.py:{name}" for name in ("KeepsItsName", "always", "partly", "built")]
    ran = check(path.parent, *names, *only("scale-1", "edge-2", "eval-1"))
    right = {"scale-1": "HOLDS", "edge-2": "HOLDS", "eval-1": "NOT CLAIMED"}
    assert {name: ran.verdicts(name) for name in names} == dict.fromkeys(names, right)


def test_one_target_does_not_take_down_the_others(path: Path) -> None:
    """With all of them in one run, the report is written, and the target beside them is judged."""
    ran = check(
        path.parent, *(f"declared.py:{name}" for name in BAD), "torch.nn:Dropout", *only("scale-2")
    )
    assert ran.code == 2
    assert ran.verdicts("torch.nn:Dropout") == {"scale-2": "HOLDS"}
    assert all(ran.label(f"declared.py:{name}")["unusable"] for name in BAD)


ENTRY = '[[known]]\nclause = "scale-4"\nreason = "on purpose"\n'
SLIPS = {
    ENTRY + 'targets = "mine"\n': (
        "[[known]] number 1 in {path} has 'targets', but a declared failure has clause, reason,"
        " target only: did you mean 'target'?"
    ),
    ENTRY + 'colour = "red"\n': (
        "[[known]] number 1 in {path} has 'colour', but a declared failure has clause, reason,"
        " target only"
    ),
    ENTRY + ENTRY.replace("known", "know"): (
        "{path} has 'know', but a file of known failures has [[known]] tables only: did you mean"
        " 'known'?"
    ),
    ENTRY + ENTRY: (
        "[[known]] number 2 in {path} declares scale-4 of the same target as number 1: keep one of"
        " them"
    ),
    2 * (ENTRY + 'target = "mine"\n'): (
        "[[known]] number 2 in {path} declares scale-4 of the same target as number 1: keep one of"
        " them"
    ),
    ENTRY.replace(
        '"scale-4"', '["scale-4"]'
    ): "[[known]] number 1 in {path} has clause = ['scale-4'], but that must be a string",
    ENTRY.replace("scale-4", "Scael-4"): (
        "[[known]] number 1 in {path} declares Scael-4, but there is no such clause: did you mean"
        " 'scale-4'?"
    ),
}


@pytest.mark.parametrize("text", SLIPS)
def test_a_slip_in_the_known_failures_is_one_sentence(tmp_path: Path, text: str) -> None:
    """Unknown keys and tables, what is declared twice, and values other than strings are refused,
    with the place and a near name.
    """
    path = tmp_path / "known.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match="known") as said:
        known_failures(str(path), all_clauses())
    assert str(said.value) == SLIPS[text].format(path=path)


def test_one_clause_may_be_declared_for_several_targets(tmp_path: Path) -> None:
    """The same clause of two targets, and of all others, are three declarations."""
    path = tmp_path / "known.toml"
    path.write_text(ENTRY + 'target = "mine"\n' + ENTRY + 'target = "yours"\n' + ENTRY, "utf-8")
    assert [table.get("target") for table in known_failures(str(path), all_clauses())] == [
        "mine",
        "yours",
        None,
    ]


ALWAYS = """\
from torch import nn
from torch.nn import functional

class MonteCarlo(nn.Dropout):
    def forward(self, x):
        return functional.dropout(x, self.p)
"""


def test_a_claim_may_stand_on_the_command_line(tmp_path: Path) -> None:
    """What is claimed there counts as if the layer claimed it, and the lines to paste claim it."""
    (tmp_path / "layers.py").write_text(ALWAYS, "utf-8")
    plain = check(tmp_path, "layers.py:MonteCarlo", *only("eval-1", "eval-2"))
    assert plain.code == 1
    assert "claim always_active" in " ".join(plain.printed.split())
    claimed = check(
        tmp_path,
        "layers.py:MonteCarlo",
        "--claim",
        "always_active",
        "--claim=dtypes=float64,float32",
        *only("eval-1", "numerics-1"),
    )
    verdicts = claimed.report["labels"]["layers.py:MonteCarlo"]["clauses"]
    assert claimed.code == 0
    assert verdicts["eval-1"]["verdict"] == "NOT CLAIMED"
    assert verdicts["numerics-1"]["certificate"].startswith("taken: float32, float64")


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("alway_active", "did you mean 'always_active'?"),
        ("dtypes=float31", "name the dtype 'float31': there are float32"),
    ],
)
def test_a_claim_that_nobody_knows_is_refused(tmp_path: Path, claim: str, said: str) -> None:
    """A misspelled claim of the command line gets a sentence, and exit code 2."""
    found = check(tmp_path, "torch.nn:Dropout", "--claim", claim, *only("scale-1"))
    assert found.code == 2
    assert said in " ".join((found.printed + found.complaint).split())
