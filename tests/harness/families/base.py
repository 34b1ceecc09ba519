"""What a family is: a site of the mask, its specification, its properties and its plan."""

from __future__ import annotations

from abc import abstractmethod
from functools import cache
from importlib.resources import files

from dropspec.chance.plan import Plan
from dropspec.core.clauses import Clause, read_clauses
from dropspec.core.options import Profile
from dropspec.core.site import Site
from dropspec.diagnosis.topics import check_topic


class Family(Site):
    """A family of dropout. Found in this package, or by an entry point of `dropspec.families`.

    `spec` is the page of its clauses, as package and file; `tests` is the package of its
    properties, a file a chapter, or a single module of them; `law` is what drawing a unit means
    for it: inverted is 0 or x / keep.
    """

    spec: tuple[str, str]
    tests: str
    law: str = "inverted"

    @abstractmethod
    def plan(self, profile: Profile) -> Plan:
        """The campaigns of a run.

        Campaigns in dtypes that an implementation does not take are passed over later.
        """

    @cache  # noqa: B019  # a family lives as long as the process
    def clauses(self) -> tuple[Clause, ...]:
        """Its clauses, in the order of the page.

        Raises ValueError for a clause that lacks a part, or names a topic that nobody knows.
        """
        package, page = self.spec
        text = (files(package) / page).read_text("utf-8")
        found = tuple(read_clauses(text, self.name))
        for clause in found:
            check_topic(clause)
        return found

    def clause(self, name: str) -> Clause:
        """The clause of that id. Raises KeyError where there is none."""
        return {clause.id: clause for clause in self.clauses()}[name]
