"""A line to paste that shows a failure again: the call that failed, or a command."""

from __future__ import annotations

from dropspec.core.implementation import Implementation
from dropspec.core.notes import Telling
from dropspec.core.options import Options
from dropspec.core.ranks import shape_taken
from dropspec.core.target import Target
from dropspec.core.text import quoted
from dropspec.session.masks_shown import masks_shown

SHORT = 64  # numbers that still make a line
# what a page may name that shows a failure, where one output and its gradient do not
BY_COMMAND, BY_INPUT = "the command", "the input after the call"


def command(target: Target, clause: str, options: Options) -> str:
    """The `dropspec check` of this clause alone, with the options of the run."""
    given = {
        "--profile": options.profile if options.profile != Options.profile else "",
        "--seed": options.seed or "",
        "--family": options.family,
    }
    given |= {"--build": options.build, "--call": options.call}
    pairs = [*given.items(), *(("--claim", claim) for claim in options.claims)]
    also = "".join(f" {name} {quoted(str(value))}" for name, value in pairs if value)
    return f"dropspec check {quoted(target.text)} --clause {clause}{also}"


def masks(impl: Implementation, telling: Telling, seed: int) -> str:
    """A line of Python for the shell that draws the masks which show a fault of chance, and prints
    what was asked and what was seen; empty where there is none.
    """
    code = masks_shown(impl, telling, seed)
    return _pasted(code) if code else ""


def snippet(impl: Implementation, shown_by: str) -> str:
    """A line of Python for the shell that repeats the last call.

    `shown_by` is what shows a failure of the clause, as its page says. Empty where that is more
    than a line can say, or does not show the failure.
    """
    call = impl.guard.last
    if shown_by == BY_COMMAND or call is None or impl.guard.forwards != 1:
        return ""
    if shape_taken(call.x.shape, impl.facts.ranks_refused) != call.x.shape:
        return ""  # the layer refuses it as it stands
    if any(array.size > SHORT for array in call.arrays.values() if array is not None):
        return ""
    lines = impl.driver.lines(call, ", x" if shown_by == BY_INPUT else "")
    code = "; ".join(lines)
    if "nan" in code or "inf" in code:
        code = "from math import inf, nan; " + code
    if not lines:
        return ""
    return _pasted(code)


def _pasted(code: str) -> str:
    if '"' not in code:
        code = code.replace("'", '"')  # the shell's are the single ones
    return f"python -c {quoted(code)}"
