"""Every page in Markdown: its links lead somewhere, its lines fit, and its sentences are plain."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from .tree import ROOT, by_name, files, sources, tree_of

PAGES = [path for path in files() if path.suffix == ".md"]
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=by_name)
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(rf"{BLOCK.pattern}|`[^`]+`", re.MULTILINE | re.DOTALL)
# Constructions that stop a reader, and numbers called chance: contributors find the cure of each
# in CONTRIBUTING.
CROOKED = re.compile(
    r"\bwhat (is|are) no(ne)?\b|\b(that|which) (is|are) none\b|\bcomes? round\b|\bbut for\b"
    r"|\b(is|are) taken for\b|\b(with|has|have|by) a chance\b|\bwith chance\b"
    r"|\bchance (of|is|at most|below)\b",
    re.IGNORECASE,
)


def anchors_of(page: Path) -> set[str]:
    """The places of a page that a link can lead to: its anchors, and its headings as GitHub names
    them.
    """
    text = page.read_text("utf-8")
    headings = re.findall(r"^#+ (?:<a id=.*?></a>)?(.+)$", text, flags=re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}
    return slugs | set(re.findall(r'<a id="(.+?)"></a>', text))


@EVERY_PAGE
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """A link within the repository names a file that is there, and a place that it has."""
    text = CODE.sub("", page.read_text("utf-8"))
    astray = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        name, _, place = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (place and place not in anchors_of(target)):
            astray.append(link)
    assert astray == []


@EVERY_PAGE
def test_the_lines_of_a_page_fit(page: Path) -> None:
    """Lines have at most 100 columns, except code, rows of tables and output that is quoted."""
    lines = BLOCK.sub("", page.read_text("utf-8")).splitlines()
    assert not [n for n in lines if len(n) > 100 and not n.startswith(("|", "    "))]


@EVERY_PAGE
def test_a_page_is_in_plain_sentences(page: Path) -> None:
    """No page has a construction that stops its readers."""
    text = " ".join(CODE.sub("", page.read_text("utf-8")).split())
    assert [m[0] for m in CROOKED.finditer(text)] == []


@pytest.mark.parametrize("path", sources(ROOT), ids=by_name)
def test_messages_and_docstrings_are_in_plain_sentences(path: Path) -> None:
    """No message, help or docstring has a construction that stops its readers."""
    constants = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Constant))
    texts = [" ".join(n.value.split()) for n in constants if isinstance(n.value, str)]
    ours = path == Path(__file__)  # the constructions themselves
    assert ours or [m[0] for text in texts for m in CROOKED.finditer(text)] == []
