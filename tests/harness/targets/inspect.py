"""Finds out about a target, in one place: its facts are made here, once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dropspec.core.arrays import DTYPES
from dropspec.core.callables import annotation_of, built_class, is_readable, unwrapped
from dropspec.core.errors import BadReply, BadTarget, Hung, ImplementationError
from dropspec.core.facts import Declared, Facts, Kind
from dropspec.core.framework import Fit, Framework
from dropspec.core.guard import Guard, describe
from dropspec.core.implementation import Implementation
from dropspec.core.signature import Signature
from dropspec.core.site import Site
from dropspec.core.target import Target
from dropspec.targets.declared import read_declared
from dropspec.targets.forms import hint
from dropspec.targets.taken import dtypes_of, first_call, ranks_refused

FAILED = (ImplementationError, Hung)


def inspect(
    target: Target,
    thing: Any,
    guard: Guard,
    frameworks: Sequence[Framework],
    sites: Sequence[Site],
    family: str = "",
    settle: Callable[[], object] = lambda: None,
    claims: Sequence[str] = (),
) -> Implementation:
    """The implementation that a target is; `family` where it cannot be told from the target, and
    `claims` beside its own.

    `settle` puts back what its first calls changed for the whole process.
    Raises BadTarget, whatever went wrong: one target must not take the others down.
    """
    try:
        made = _Inspection(target, thing, guard, frameworks, sites, family, settle, claims)
        return made.implementation()
    except BadTarget:
        raise
    except FAILED as error:
        raise BadTarget(f"{target.text} cannot be driven: {error}") from error
    except Exception as error:
        raise BadTarget(
            f"{target.text} cannot be driven: dropspec met {describe(error)} when it looked at it"
        ) from error


@dataclass
class _Inspection:
    target: Target
    thing: Any
    guard: Guard
    frameworks: Sequence[Framework]
    sites: Sequence[Site]
    family: str
    settle: Callable[[], object]
    claims: Sequence[str]

    def implementation(self) -> Implementation:
        """From what Python tells of the target, by first calls, to an implementation."""
        kind, fits = self._kind()
        thing = self._instance() if kind is Kind.OBJECT else self.thing
        keys = [key for site in self.sites for key in site.claims]
        declared = read_declared(self.target.text, thing, keys, self.claims)
        site = self._site(kind, declared)
        signature = Signature((), None)
        if kind is not Kind.OBJECT:
            signature = self._signature(site, kind)
        facts = Facts(self.target, thing, kind, site.name, "", declared, signature)
        impl = self._first_that_works(facts, site, fits)
        if not site.parameters and (refused := ranks_refused(impl)):
            impl = self._made(replace(impl.facts, ranks_refused=refused), site)
        impl = self._with_dtypes(impl, site)
        self._call_once(impl)
        seen, flushes = site.see(impl), declared.flushes or impl.driver.flushes
        if not seen and not flushes:
            return impl
        return self._made(replace(impl.facts, seen=seen, flushes=flushes), site)

    def _signature(self, site: Site, kind: Kind) -> Signature:
        try:
            return site.read_signature(self.target.text, self.thing, kind)
        except BadTarget as error:
            raise BadTarget(f"{error}{hint(self.target, self.thing)}") from error

    def _site(self, kind: Kind, declared: Declared) -> Site:
        """The family that is asked for or declared, or the most special one that is recognised."""
        asked = self.family or declared.family
        named = {site.name: site for site in self.sites}
        if asked and asked not in named:
            raise BadTarget(
                f"{self.target.text} is to be judged as {asked!r}, but there is no such family: "
                f"there are {', '.join(named)}"
            )
        if asked:
            return named[asked]
        found = [site for site in self.sites if site.recognises(self.thing, kind, declared)]
        return max(found, key=lambda site: len(site.arrays))

    def _kind(self) -> tuple[Kind, dict[Framework, Fit]]:
        """What the target is in Python, and which frameworks it may belong to. Raises BadTarget."""
        built = built_class(self.thing)
        core = built or unwrapped(self.thing)
        fits = {framework: framework.fit(core, self.target) for framework in self.frameworks}
        best = max(fits.values())
        if best is Fit.INSTANCE or (best < Fit.OBJECT and not callable(self.thing)):
            raise BadTarget(
                f"{self.target.text} is an instance of {type(self.thing).__name__}: dropspec builds"
                " layers at many rates, so give the class or a function"
            )
        if best >= Fit.OBJECT:
            owner = next(framework for framework, fit in fits.items() if fit is best)
            return (Kind.CLASS if best is Fit.CLASS else Kind.OBJECT), {owner: best}
        if built:
            raise BadTarget(
                f"{self.target.text} is a class, but not of a framework that dropspec drives: "
                "give a module class whose constructor takes the rate, a function of (x, rate), "
                "or an object with `claims`, `train(x, rate, seed)` and `evaluate(x, rate)`"
            )
        return Kind.FUNCTION, {f: fit for f, fit in fits.items() if fit is not Fit.NO}

    def _instance(self) -> Any:
        """The object that is driven: the target, or one of its class."""
        if not built_class(self.thing):
            return self.thing
        try:
            with self.guard.call(f"{self.target.name}()"):
                return self.thing()
        except ImplementationError as error:
            raise BadTarget(
                f"{self.target.text} is a class of the protocol, which dropspec builds without "
                f"arguments, but {error}: give an instance of it"
            ) from error

    def _made(self, facts: Facts, site: Site) -> Implementation:
        """The implementation by these facts."""
        self.settle()
        named = {framework.name: framework for framework in self.frameworks}
        return site.implement(facts, named[facts.framework].drive(facts, site, self.guard))

    def _first_that_works(
        self, facts: Facts, site: Site, fits: Mapping[Framework, Fit]
    ) -> Implementation:
        """A class or an object has one framework; a function that whose arrays it takes.

        A function may take the arrays of several: its module may import a framework for something
        else, so one whose seed replays it is preferred.
        """
        if facts.kind is not Kind.FUNCTION:
            (framework,) = fits
            impl = self._made(replace(facts, framework=framework.name), site)
            if facts.kind is Kind.CLASS:
                places = impl.driver.find_places()
                impl = self._made(replace(impl.facts, places=places), site)
            return self._with_seeding(impl, site)
        annotated = self._annotated(fits)
        ranked = sorted(fits, key=lambda f: (f is not annotated, -fits[f]))
        tried = [self._made(replace(facts, framework=f.name), site) for f in ranked]
        refused: list[BaseException] = []
        working = self._that_work(tried, site, refused)
        found = next(working, None)
        if found is None:
            self._explain(facts, refused)
            return tried[0]
        by_name = {f.name: f for f in fits}
        is_a_guess = fits[by_name[found.facts.framework]] is Fit.LIKELY and not annotated
        if is_a_guess and not _replays(found, differentiable=True):
            other = next(working, None)
            found = other if other and _replays(other, differentiable=True) else found
        return found

    def _that_work(
        self, tried: Sequence[Implementation], site: Site, refused: list[BaseException]
    ) -> Iterator[Implementation]:
        """Those whose first call succeeds; why another does not is added to `refused`."""
        for impl in tried:
            try:
                first_call(impl)
                yield self._with_seeding(impl, site)
            except FAILED as error:
                refused.append(error)

    def _call_once(self, impl: Implementation) -> None:
        """Raises BadTarget where no plain call in training returns: what never ran is not judged.

        A layer may want more axes than one; a reply of a wrong kind is judged.
        """
        dtypes = impl.dtypes
        try:
            first_call(impl, "float32" if "float32" in dtypes else dtypes[0])
        except BadReply:
            return
        except FAILED as error:
            raise BadTarget(
                f"one plain call in training must work before anything is judged, but {error}: wrap"
                " it in a function of (x, rate, training), or in an object with `claims`,"
                " `train(x, rate, seed)` and `evaluate(x, rate)`" + hint(self.target, self.thing)
            ) from error

    def _with_seeding(self, impl: Implementation, site: Site) -> Implementation:
        seedable = impl.driver.find_seedable(lambda: _same_twice(impl))
        return self._made(replace(impl.facts, seedable=seedable), site)

    def _annotated(self, fits: Mapping[Framework, Fit]) -> Framework | None:
        """The framework whose arrays the input is annotated as, where it is just one."""
        said = annotation_of(self.thing, 0)
        found = [f for f in self.frameworks if re.search(f.arrays, said)]
        return found[0] if len(found) == 1 and found[0] in fits else None

    def _explain(self, facts: Facts, refused: Sequence[BaseException]) -> None:
        """Raises BadTarget where nothing says what a function's arguments, or its stream, are."""
        signature, text = facts.signature, self.target.text
        if not is_readable(self.thing):
            raise BadTarget(
                f"{text} has no signature that Python can read, and {refused[0]}: "
                "wrap it in a function of (x, rate, training)"
            )
        if signature.stream and not signature.stream_is_clear:
            raise BadTarget(
                f"{text} takes {signature.stream!r}, and it is not clear what that should be, for "
                f"{refused[0]}: annotate it as int, numpy.random.Generator, "
                "numpy.random.RandomState or the framework's own generator"
            )

    def _with_dtypes(self, impl: Implementation, site: Site) -> Implementation:
        """Finds the dtypes that it takes; if none, all are kept, so that clauses report the error.

        A framework may borrow a dtype from elsewhere: a target is not accused of refusing it.
        """
        facts = impl.facts
        named = {framework.name: framework for framework in self.frameworks}
        borrowed = named[facts.framework].borrowed
        declared = facts.declared.dtypes or tuple(DTYPES)
        if facts.kind is Kind.OBJECT and facts.declared.dtypes:
            return self._made(replace(facts, dtypes=declared), site)
        if facts.kind is Kind.OBJECT:
            declared = tuple(name for name in declared if name not in borrowed)
        found = dtypes_of(impl, [name for name in declared if impl.driver.holds(name)])
        cast = {k: v for k, v in found.cast.items() if k not in borrowed}
        if facts.kind is Kind.OBJECT or impl.driver.casts_by_policy:
            # what is behind it may be a framework that lacks a dtype, or casts it by a policy; no
            # policy makes doubles, as NumPy does of two dtypes that meet
            cast = {name: got for name, got in cast.items() if got == "float64"}
        refused = {k: v for k, v in found.refused.items() if k not in borrowed}
        if facts.kind is Kind.OBJECT:
            refused = {}
        if not found.taken:
            return self._made(replace(facts, dtypes=declared), site)
        facts = replace(facts, dtypes=found.taken, refused=refused, cast=cast)
        return self._made(facts, site)


def _same_twice(impl: Implementation, differentiable: bool = False) -> bool:
    """Whether one seed gives one output twice."""
    x = np.ones(256, np.float32)
    first, second = (
        impl.train(x, 0.5, seed=1, differentiable=differentiable).output for _ in range(2)
    )
    return np.array_equal(first, second)


def _replays(impl: Implementation, differentiable: bool) -> bool:
    """The same; an implementation that raises does not replay."""
    try:
        return _same_twice(impl, differentiable)
    except FAILED:
        return False
