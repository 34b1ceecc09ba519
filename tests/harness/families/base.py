"""What a family is: a site of the mask, its specification, its properties and its plan."""

from __future__ import annotations

from abc import abstractmethod
from functools import cache
from importlib.resources import files

from dropspec.chance.plan import Plan
from dropspec.core.clauses import Clause, read_clauses
from dropspec.core.options import Profile
from dropspec.core.site import Site


class Family(Site):
    """A family of dropout. Found in this package, or by an entry point of `dropspec.families`.

    `spec` is the page of its clauses, as package and file; `tests` is the package of its
    properties, a file a chapter; or a single module of them.
    """

    spec: tuple[str, str]
    tests: str

    @abstractmethod
    def plan(self, profile: Profile) -> Plan:
        """The campaigns of a run.

        Campaigns in dtypes that an implementation does not take are passed over later.
        """

    @cache  # noqa: B019  # a family lives as long as the process
    def clauses(self) -> tuple[Clause, ...]:
        """Its clauses, in the order of the page.

        Raises ValueError for a clause that lacks a part.
        """
        package, page = self.spec
        text = (files(package) / page).read_text("utf-8")
        return tuple(read_clauses(text, self.name))
