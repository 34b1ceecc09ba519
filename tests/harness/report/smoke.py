"""What was recognised of a target before anything is judged, in a few lines: `dropspec smoke`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from rich.text import Text

from dropspec.core.arrays import DTYPES, nonzero
from dropspec.core.errors import BadTarget, Hung, ImplementationError, NotClaimed
from dropspec.core.facts import Declared, Facts, Kind
from dropspec.core.framework import Framework
from dropspec.core.implementation import Implementation
from dropspec.core.options import Options
from dropspec.core.target import Unreadable, read_targets
from dropspec.core.text import clean
from dropspec.families.base import Family
from dropspec.report.terminal import terminal
from dropspec.session.ambient import Ambient
from dropspec.session.run import open_run
from dropspec.targets.taken import SHAPES

RECOGNISED, UNUSABLE = 0, 2
RATE, UNITS = 0.25, 4096


def smoke(options: Options, frameworks: Sequence[Framework], families: Sequence[Family]) -> int:
    """Prints what is recognised of each target and what one call of it does; returns the exit code.

    It is loaded in this process: a layer that ends the process ends the command.
    """
    console, code, ambient = terminal(), RECOGNISED, Ambient(frameworks)
    for label, read in read_targets(options.targets).items():
        console.print(Text(label, style="bold"))
        try:
            if isinstance(read, Unreadable):
                raise BadTarget(read.why)
            run = open_run(read, options, frameworks, families, ambient.restore)
            one = () if run.family.parameters else _one_call(run.impl)
            for name, said in (*recognised(run.impl), *one):
                console.print(Text(f"  {name:<10} {said}"))
        except BadTarget as error:
            console.print(Text(f"  cannot be checked: {clean(str(error))}", style="red"))
            code = UNUSABLE
        console.print()
        ambient.restore()
    return code


def recognised(impl: Implementation) -> Iterator[tuple[str, str]]:
    """A name and a sentence for each thing that was found out or claimed."""
    facts = impl.facts
    kinds = {Kind.CLASS: "a class", Kind.FUNCTION: "a function", Kind.OBJECT: "an object"}
    yield "is", f"{kinds[facts.kind]} of {facts.framework}, judged by spec/{facts.family}.md"
    if facts.target.driven:
        yield "driven as", facts.target.driven
    yield "called as", impl.driver.spelled(RATE, "training")
    rate = "the probability of keeping" if facts.rate_is_keep else "the probability of dropping"
    yield "rate", rate
    yield "evaluation", facts.no_evaluation or "has a mode of its own"
    yield "seed", _seeding(impl)
    yield "dtypes", _dtypes(facts)
    axes = [str(n) for n in SHAPES if n not in facts.ranks_refused]
    yield "axes", f"only {', '.join(axes)}" if facts.ranks_refused else "any number"
    yield "claims", _claims(facts.declared)


def _seeding(impl: Implementation) -> str:
    if not impl.facts.seedable:
        return impl.driver.unseedable
    lines = impl.driver.seed_lines(0)
    return f"by {'; '.join(lines)}" if lines else "it is given its seed"


def _dtypes(facts: Facts) -> str:
    said = ", ".join(facts.dtypes)
    said += "".join(f"; {name} raises" for name in facts.refused)
    return said + "".join(f"; {name} comes back as {got}" for name, got in facts.cast.items())


def _claims(declared: Declared) -> str:
    plain = Declared()
    said = {n: v for n, v in vars(declared).items() if v != getattr(plain, n)}
    claims = {n: v for n, v in said.items() if n != "also"} | dict(declared.also)
    return ", ".join(f"{name}={clean(repr(value))}" for name, value in claims.items()) or "nothing"


def _one_call(impl: Implementation) -> Iterator[tuple[str, str]]:
    """What comes out of ones, and whether it has a backward pass."""
    x = np.ones(UNITS, DTYPES[impl.dtypes[0]])
    try:
        y = impl.train(x, RATE, seed=0).output
        survivors = np.abs(y[nonzero(y)].astype(float))
        scale = f", survivors times {np.median(survivors):.4g}" if survivors.size else ""
        share = 1 - nonzero(y).mean()
        yield "one call", f"at rate {RATE} on {UNITS:,} ones: {share:.1%} dropped{scale}"
        impl.train(x[:8], RATE, seed=0, differentiable=True).gradient(x[:8])
        yield "backward", "gives a gradient"
    except NotClaimed as error:
        yield "backward", str(error)
    except (ImplementationError, Hung) as error:
        yield "one call", str(error)
