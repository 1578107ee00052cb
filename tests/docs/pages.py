"""The pages of the documentation, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
#: Every page for people. Names are paths from the root of the checkout.
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        ROOT / "bench" / "README.md",
        ROOT / "clients" / "typescript" / "README.md",
    )
)
#: Made from the code, by docs/generate.py; it shows how commands are called.
GENERATED = "docs/reference/cli.md"
MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """One fenced block."""

    page: str
    #: Counted from 1.
    line: int
    language: str
    content: str


def text_of(page: str) -> str:
    """Return what a page says."""
    return (ROOT / page).read_text(encoding="utf-8")


def tokens_of(page: str) -> Iterator[Token]:
    """Return the page's tokens, those within lines included."""
    for token in MARKDOWN.parse(text_of(page)):
        yield token
        yield from token.children or ()


def fences_of(page: str) -> list[Fence]:
    """Return the page's fenced blocks, in order."""
    return [
        Fence(page=page, line=token.map[0] + 1, language=token.info.strip(), content=token.content)
        for token in MARKDOWN.parse(text_of(page))
        if token.type == "fence" and token.map is not None
    ]
