"""Known bugs of the backward pass, by the gradients that came through at all rates."""

from __future__ import annotations

from collections.abc import Callable

from dropspec.core.observations import Seen
from dropspec.diagnosis.evidence import Evidence, follows

Law = Callable[[float], float]
LAWS: dict[str, Law] = {
    "multiplied by the rate": lambda r: r,
    "multiplied by 1 / rate": lambda r: 1 / r,
    "multiplied by keep": lambda r: 1 - r,
    "multiplied by 1 / keep twice": lambda r: (1 - r) ** -2,
    "not rescaled": lambda r: 1.0,
}


def no_gradient(e: Evidence) -> str:
    """Nothing passes at all."""
    passed = e.at_rates(Seen.PASSED)
    dropped = e.at_rates(Seen.DROPPED_WITH_GRADIENT)
    if not passed or max(passed.values()) > 0 or min(dropped.values(), default=1.0) == 1:
        return ""
    return (
        "No gradient arrives at the input: it is 0 everywhere, at every rate. The output is cut off"
        " from the input (detached, or made anew): send the upstream gradient through the mask."
    )


def gradient_scale(e: Evidence) -> str:
    """The gradient has a scale of its own, by another law."""
    scales = e.at_rates(Seen.GRADIENT_SCALE)
    if e.topics & {"scale", "one scale"} or only_with_gradient(e):
        return ""  # the gradient has what the output has
    for how, law in LAWS.items():
        if (rate := follows(scales, law)) is not None:
            return (
                f"The gradient is {how}, where the output is multiplied by 1 / keep: at rate"
                f" {rate:g} it was {scales[rate]:.4g} times the upstream, where"
                f" {1 / (1 - rate):.4g} is right. Divide it by 1 - rate, too."
            )
    return ""


def another_mask(e: Evidence) -> str:
    """A backward pass with a mask of its own, or one read off the output."""
    if e.topics & {"inputs", "zeros"} or no_gradient(e):
        return ""
    elsewhere = e.at_rates(Seen.PASSED_ELSEWHERE)
    agrees = bool(elsewhere) and max(elsewhere.values()) == 0
    if ("backward mask" in e.topics and not agrees) or e.has(Seen.OTHER_MASK):
        return (
            "The backward pass does not use the forward's mask: save the mask in the forward, and"
            " do not draw it again."
        )
    if "zero inputs" in e.topics and not e.topics & {"backward scale", "scale", "rate"}:
        return (
            "The backward pass reads the mask off the output (output != 0), which fails at inputs"
            " of 0: save the mask in the forward."
        )
    return ""


def only_with_gradient(e: Evidence) -> str:
    """Units are dropped only where a gradient is wanted, or only where none is."""
    plain, wanted = e.at_rates(Seen.DROPPED), e.at_rates(Seen.DROPPED_WITH_GRADIENT)
    if not plain or not wanted:
        return ""
    if max(plain.values()) == 0 and all(abs(s - r) < 0.1 for r, s in wanted.items()):
        return (
            "Units are dropped only where a gradient is wanted, and none in training without one:"
            " whether it trains is the training flag's to say, not autograd's."
        )
    if max(wanted.values()) == 0 and all(abs(s - r) < 0.1 for r, s in plain.items()):
        return (
            "Nothing is dropped where a gradient is wanted, which is where training is: only calls"
            " without one are masked."
        )
    return ""
