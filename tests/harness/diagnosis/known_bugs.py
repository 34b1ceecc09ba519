"""Known bugs by their signatures: each looks at what failed and at all observations together, over all rates, and says what it is.

A signature gives the sentence, or nothing where it does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median

Observations = Mapping[str, float]
Failed = frozenset[str]

RATE = {"rate-1", "weights-2"}  # the same rule in both families
SCALE = {"scale-1", "product-1"}
EVALUATION = {"eval-1", "inference-1"}
ROUNDING = 2.0**-23  # of keep, as a scale in single precision shows it


def at_rates(seen: Observations, prefix: str) -> dict[float, float]:
    """The observations that begin so, by rate."""
    return {float(k.removeprefix(prefix).split()[0]): v for k, v in seen.items() if k.startswith(prefix)}


def _follows(values: Mapping[float, float], law: Callable[[float], float]) -> float | None:
    """The rate at which the law shows best, if all values obey it and the specification's own law does not; else None."""
    telling = {r: v for r, v in values.items() if 0.05 < r < 0.95 and abs(r - 0.5) > 0.05}
    if not telling or any(abs(v - law(r)) > 0.02 * abs(law(r)) for r, v in telling.items()):
        return None
    return min(telling, key=lambda r: abs(r - 0.1))


def scale_by_rate(failed: Failed, seen: Observations) -> str:
    """1/rate for 1/(1 - rate)."""
    scales = at_rates(seen, "scale at ")
    rate = _follows(scales, lambda r: 1 / r) if failed & SCALE else None
    if rate is None or rate_is_keep(failed, seen):
        return ""
    return (
        f"Survivors are multiplied by 1/rate, not by 1/(1 - rate): seen {scales[rate]:.4g} at rate {rate:.4g}, "
        f"where {1 / (1 - rate):.4g} is right; the two agree at 0.5 only. Divide by 1 - rate."
    )


def no_scale(failed: Failed, seen: Observations) -> str:
    """No scaling in training, with or without scaling at inference."""
    scales = at_rates(seen, "scale at ")
    rate = _follows(scales, lambda r: 1.0) if failed & SCALE else None
    if rate is None or max(at_rates(seen, "drop rate at ").values(), default=1.0) == 0:
        return ""  # where nothing is dropped, that is the matter
    said = f"Survivors are not rescaled in training: seen {scales[rate]:.4g} at rate {rate:.4g}, where {1 / (1 - rate):.4g} is right"
    if _follows(at_rates(seen, "evaluation scale at "), lambda r: 1 - r) is not None:
        return f"{said}; outputs are scaled by keep in evaluation instead. Divide by 1 - rate in training, and leave evaluation alone."
    return f"{said}. Divide by 1 - rate."


def added_to_keep(failed: Failed, seen: Observations) -> str:
    """1/(1 - rate + a small number), against a division by 0: what is added is the same at all rates."""
    added = {r: 1 / scale - (1 - r) for r, scale in at_rates(seen, "scale at ").items() if scale > 0}
    if not failed & SCALE or len(added) < 3:
        return ""
    small = median(added.values())
    if not 4 * ROUNDING < small < 0.01 or any(abs(a - small) > 0.05 * small + ROUNDING for a in added.values()):
        return ""
    return f"Survivors are divided by 1 - rate + {small:.1g}, at every rate: divide by 1 - rate alone, and return zeros at rate 1."


def random_factors(failed: Failed, seen: Observations) -> str:
    """Gaussian dropout, or the like."""
    rates = {r: v for r, v in at_rates(seen, "drop rate at ").items() if r >= 0.1}
    if not {"scale-2", "scale-3", "scale-4"} <= failed or not rates or max(rates.values()) > 0.01:
        return ""
    return "Nothing is dropped; every element is changed by a random amount of its own, as by Gaussian dropout. Give 0 or x / keep."


def scaled_in_evaluation(failed: Failed, seen: Observations) -> str:
    """Scaling at inference on top of scaling in training."""
    if not failed & EVALUATION or failed & SCALE:
        return ""
    laws: dict[str, Callable[[float], float]] = {"by keep": lambda r: 1 - r, "by 1 / keep": lambda r: 1 / (1 - r)}
    for how, law in laws.items():
        if (rate := _follows(at_rates(seen, "evaluation scale at "), law)) is not None:
            return (
                f"Outputs are scaled {how} in evaluation ({law(rate):.4g} at rate {rate:.4g}), though training rescales already: "
                f"return the input."
            )
    return ""


def applied_twice(failed: Failed, seen: Observations) -> str:
    """Dropout of dropout: a rate of 1 - keep², a scale of 1 / keep²."""
    rates, scales = at_rates(seen, "drop rate at "), at_rates(seen, "scale at ")
    rate = _follows(rates, lambda r: 1 - (1 - r) ** 2) if failed & RATE else None
    if rate is None or _follows(scales, lambda r: 1 / (1 - r) ** 2) is None:
        return ""
    return f"It is applied twice: at rate {rate:g}, {rates[rate]:.4g} of the units were dropped and survivors divided by keep twice."


def flag_turned_round(failed: Failed, seen: Observations) -> str:
    """Training where evaluation was asked for, and the other way round."""
    trained, evaluated = at_rates(seen, "drop rate at "), at_rates(seen, "share dropped in evaluation at ")
    if not failed & RATE or not failed & EVALUATION or not trained or max(trained.values()) > 0 or not evaluated:
        return ""
    if any(abs(share - rate) > 0.1 for rate, share in evaluated.items()):
        return ""
    return "The training flag is turned round: units are dropped in evaluation, and none in training."


def rate_is_keep(failed: Failed, seen: Observations) -> str:
    """The rate taken for the probability of keeping."""
    rates = at_rates(seen, "drop rate at ")
    rate = _follows(rates, lambda r: 1 - r) if failed & RATE else None
    if rate is None:
        return ""
    return (
        f"The rate is taken for the probability of keeping: at rate {rate:g}, {rates[rate]:.4g} of the units were dropped. "
        f"Compare the other way round, or, if keep is meant, name the parameter keep_prob."
    )


def inactive(failed: Failed, seen: Observations) -> str:
    """Nothing is dropped, or everything."""
    rates = at_rates(seen, "drop rate at ")
    if not failed & RATE or "scale-2" in failed or not rates or len(set(rates.values())) > 1:
        return ""
    if max(rates.values()) == 0:
        return "Nothing is dropped in training at any rate: the rate or the mode does not reach the layer."
    return "Everything is dropped at every rate: is the mask ever filled?" if min(rates.values()) == 1 else ""


def few_bits(failed: Failed, seen: Observations) -> str:
    """A threshold of seven or eight bits: drop rates are multiples of a power of two, in float32 too."""
    rates = at_rates({name: value for name, value in seen.items() if name.endswith("float32")}, "drop rate at ")
    if not failed & RATE or 0.001 not in rates or failed & {"independence-4", "weights-7"}:
        return ""
    for bits in (7, 8):
        grid = 2.0**-bits
        if all(abs(v - round(v / grid) * grid) < 0.15 * grid and abs(v - r) < 1.1 * grid for r, v in rates.items()):
            return (
                f"Drop rates are multiples of 1/{1 << bits}, as from a threshold of {bits} bits: "
                f"at rate 0.001, {rates[0.001]:.4g} of the units were dropped. Compare 24 bits or more."
            )
    return ""


def coarse_half(failed: Failed, seen: Observations) -> str:
    """Uniforms drawn in the dtype of the input."""
    wide, half = (seen.get(f"drop rate at 0.001 in {dtype}") for dtype in ("float32", "bfloat16"))
    if not failed & (RATE | {"rate-4"}) or wide is None or half is None or not abs(wide - 0.001) < 2e-4 < abs(half - 0.001):
        return ""
    if half < 0.5 / 256:
        return ""  # those uniforms are multiples of 1/256
    return (
        f"Uniforms are drawn in the dtype of the input, which has too few of them: at rate 0.001, {half:.4g} of the units were dropped "
        f"in bfloat16. Draw them in float32."
    )


def active_in_evaluation(failed: Failed, seen: Observations) -> str:
    """Dropout in evaluation."""
    shares = at_rates(seen, "share dropped in evaluation at ")
    if failed & EVALUATION and max(shares.values(), default=0) > 0:
        return "Units are dropped in evaluation too: the training flag does not reach the layer."
    return ""


def fixed_count(failed: Failed, seen: Observations) -> str:
    """Exactly round(rate · n) units."""
    others = {*RATE, "rate-2", *(f"independence-{n}" for n in (2, 3, 5, 6)), *(f"weights-{n}" for n in (1, 3, 4, 5, 6, 8))}
    if failed & {"independence-4", "weights-7"} and not failed & others:
        return "The number of dropped units is not Binomial: probably a fixed number is dropped. Draw every unit on its own."
    return ""


def backward_mask(failed: Failed, seen: Observations) -> str:
    """A backward pass with a mask of its own, or one read off the output."""
    if failed & {"layout-3", "product-7", "scale-2"}:
        return ""
    if "gradient-1" in failed or "gradients through another mask" in seen:
        return "The backward pass does not use the forward's mask: save the mask in the forward, and do not draw it again."
    if "gradient-4" in failed and not failed & {"gradient-1", "gradient-2", "scale-1", "rate-1"}:
        return "The backward pass reads the mask off the output (output != 0), which fails at inputs of 0: save the mask in the forward."
    return ""


def of_another_method(failed: Failed, seen: Observations) -> str:
    """Examples, outputs or inputs that are dropped whole."""
    if "weights-1" not in failed:
        return ""
    if "whole examples dropped" in seen:
        return "It drops whole samples: this is stochastic depth, not DropConnect. Draw a mask over the weights."
    if "whole outputs dropped" in seen:
        return "It drops whole outputs: this is dropout behind the layer, not DropConnect. Draw a mask over the weights."
    if "whole inputs dropped" in seen:
        return "It drops whole inputs: this is dropout before the layer, not DropConnect. Draw a mask over the weights."
    return ""


def sharing(failed: Failed, seen: Observations) -> str:
    """Another number of masks a call than claimed."""
    masks = seen.get("masks of 16 examples", 0)
    if "weights-5" not in failed or not masks or "weights-1" in failed:
        return ""
    if masks == 1:
        return "All examples of a call share one mask, where one for each is claimed: draw a mask of shape (examples, outputs, inputs)."
    if masks == 16:
        return "Each example has a mask of its own, where one for the whole call is claimed."
    return f"Some examples of a call share a mask, and some do not: 16 examples had {masks:g} masks."


def repetition(failed: Failed, seen: Observations) -> str:
    """A mask that comes round again, or copies itself, at one distance."""
    lag, share = int(seen.get("echo lag", 0)), seen.get("echo agreement", 0.5)
    if (
        not failed & {"independence-5", "weights-8"}
        or "weights-1" in failed
        or lag < 64
        or (lag % 16 == 0 and share < 0.99)
        or lag % 256 == 0
    ):
        return ""  # what is so near is shared among neighbours, and what is a row apart among rows
    if share > 0.99:
        return f"The mask repeats itself every {lag:,} units: draw as many random numbers as there are units."
    if failed & {"rate-2", "weights-3"}:
        return ""  # positions with a rate of their own agree with themselves
    return f"Units {lag:,} apart agree {share:.1%} of the time, where 50% is chance: part of the mask is copied from {lag:,} units before."


def early_overflow(failed: Failed, seen: Observations) -> str:
    """Large results overflow, and nothing else is wrong."""
    if "numerics-2" not in failed or failed - {"numerics-2", "scale-1", "gradient-2"}:
        return ""
    return "Results overflow where x / keep does not, and are right elsewhere: divide once, by keep, and form nothing larger on the way."


SIGNATURES: tuple[tuple[tuple[str, ...], Callable[[Failed, Observations], str]], ...] = (
    (("weights-1",), of_another_method),
    (("scale-1", "product-1"), scale_by_rate),
    (("scale-1", "product-1"), no_scale),
    (("scale-1", "product-1"), added_to_keep),
    (("scale-2",), random_factors),
    (("eval-1", "inference-1"), scaled_in_evaluation),
    (("rate-1", "weights-2"), flag_turned_round),
    (("eval-1", "inference-1"), flag_turned_round),
    (("rate-1", "weights-2"), applied_twice),
    (("rate-1", "weights-2"), rate_is_keep),
    (("rate-1", "weights-2"), inactive),
    (("rate-1", "weights-2"), few_bits),
    (("rate-4", "rate-1", "weights-2"), coarse_half),
    (("eval-1", "inference-1"), active_in_evaluation),
    (("independence-4", "weights-7"), fixed_count),
    (("independence-5", "weights-8"), repetition),
    (("gradient-1", "gradient-4", "backprop-1"), backward_mask),
    (("weights-5",), sharing),
    (("numerics-2",), early_overflow),
)  # the clauses that show the bug, the first that failed being the one it is laid to
