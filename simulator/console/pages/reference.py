"""What is there to read, inside the console's layout: the guides, and the reference."""

import asyncio
import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from aiohttp import web
from markupsafe import Markup
from msgspec import Struct

from simulator.console.parts import Page
from simulator.console.rendering import page
from simulator.control.parts import PARTS
from simulator.core import resources
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.reference import as_markdown

if TYPE_CHECKING:
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token

GUIDES = "guides"
INDEX = "index"
_LEVELS = {"h2": 2, "h3": 3}
_TITLE_END = re.compile(r":\s.*|\s\(.*")


class ContentsEntry(Struct, frozen=True):
    """One line of the contents."""

    anchor: str
    words: str
    level: int


class Text(Struct, frozen=True):
    """A text as HTML, with its contents."""

    title: str
    html: Markup
    contents: tuple[ContentsEntry, ...]


def guides() -> list[str]:
    """Return the names of the guides."""
    return [name.removesuffix(".md") for name in resources.names(GUIDES)]


@cache
def _guide(name: str) -> Text:
    """Return the guide *name*; LookupError if there is none."""
    if name not in guides():
        raise LookupError(f"there is no such guide; there are {', '.join(guides())}")
    return rendered(resources.read_text(GUIDES, f"{name}.md"))


@cache
def _reference(catalogue: Catalogue) -> Text:
    """Return the reference, made from the rows that the simulator runs on."""
    return rendered(as_markdown(catalogue))


def rendered(text: str) -> Text:
    """Return Markdown as HTML with anchors; raw HTML in it stays text."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 (no other page waits for it)

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("table_open", _open)
    markdown.add_render_rule("table_close", _close)
    markdown.add_render_rule("fence", _fence)
    tokens = markdown.parse(text)
    title, contents = "", list[ContentsEntry]()
    for token, inline in pairwise(tokens):
        if token.type != "heading_open":
            continue
        words = "".join(one.content for one in inline.children or ())
        title = title or words
        if token.tag in _LEVELS:
            anchor = _anchor(words, {entry.anchor for entry in contents})
            token.attrSet("id", anchor)
            contents.append(ContentsEntry(anchor, _TITLE_END.sub("", words), _LEVELS[token.tag]))
    # Safe: markdown-it escapes all text, and lets no HTML of the rows through.
    html = Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704 (as said)
    return Text(title, html, tuple(contents))


def _anchor(words: str, taken: set[str]) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    number, anchor = 1, plain
    while anchor in taken:
        number += 1
        anchor = f"{plain}-{number}"
    return anchor


def _open(_: "RendererHTML", _tokens: "Sequence[Token]", index: int, *_rest: Any) -> str:
    """Let a wide table be scrolled, by keys as well."""
    return f'<div class="scroll" tabindex="0" role="group" aria-label="Table {index}">\n<table>\n'


def _close(*_: Any) -> str:
    return "</table>\n</div>\n"


def _fence(_: "RendererHTML", tokens: "Sequence[Token]", index: int, *_rest: Any) -> str:
    return Markup('<pre class="raw" tabindex="0"><code>{}</code></pre>\n').format(
        tokens[index].content
    )


async def reference(request: web.Request) -> web.StreamResponse:
    """Show the reference."""
    return await _show(
        request, "", await asyncio.to_thread(_reference, request.app[PARTS].catalogue)
    )


async def index(request: web.Request) -> web.StreamResponse:
    """Show the guide to the guides."""
    return await _show(request, INDEX, await asyncio.to_thread(_guide, INDEX))


async def guide(request: web.Request) -> web.StreamResponse:
    """Show a guide."""
    name = request.match_info["name"]
    return await _show(request, name, await asyncio.to_thread(_guide, name))


async def _show(request: web.Request, name: str, text: Text) -> web.Response:
    listed = await asyncio.to_thread(guides)
    return await page(request, "reference.html", "reference", text=text, name=name, guides=listed)


PAGES = (
    Page("GET", "/reference", reference),
    Page("GET", "/docs", index),
    Page("GET", "/docs/", index),
    Page("GET", "/docs/{name}", guide),
)
