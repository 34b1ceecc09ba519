"""A failure is called an echo only where it goes once its cause is repaired."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pytest

from dropspec.tests.mutants import pairs

from . import matrix

pytestmark = pytest.mark.whole
FAILED = "VIOLATED"


def failed(answer: Mapping[str, Any]) -> set[str]:
    """The clauses that are violated."""
    said = answer["clauses"].items()
    return {clause for clause, one in said if one["verdict"] == FAILED}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report over each fault alone and each pair."""
    names = [fault.__name__ for fault in pairs.FAULTS]
    names += [pairs.both(*pair) for pair in pairs.PAIRS]
    targets = [f"{name}={pairs.__name__}:{name}" for name in names]
    return matrix.judge(targets, tmp_path_factory.mktemp("pairs") / "report.json")


def test_an_echo_goes_with_its_cause(judged: Mapping[str, Any]) -> None:
    """Of a layer with two faults, what is called an echo of a cause does not fail once that cause
    and those before it are repaired: it is no failure of the other fault alone.
    """
    left = []
    for pair in pairs.PAIRS:
        causes = judged[pairs.both(*pair)]["diagnosis"]
        for repaired, other in permutations(failed(judged[one.__name__]) for one in pair):
            for number, cause in enumerate(causes, 1):
                is_left = all(one["clause"] not in other for one in causes[:number])
                stays = (other - repaired).intersection(cause["echoes"]) if is_left else ()
                left += [(pairs.both(*pair), cause["clause"], sorted(stays))] if stays else []
    assert left == []


def test_both_faults_are_named(judged: Mapping[str, Any]) -> None:
    """Of a layer with two faults each is named, where it alone fails a clause."""
    unnamed = []
    for pair in pairs.PAIRS:
        answer = judged[pairs.both(*pair)]
        named = {cause["clause"] for cause in answer["diagnosis"]}
        for other, mine in permutations(failed(judged[one.__name__]) for one in pair):
            seen = {c for c in mine - other if answer["clauses"][c]["verdict"] == FAILED}
            if seen and not named & mine:
                unnamed.append((pairs.both(*pair), sorted(seen)))
    assert unnamed == []
