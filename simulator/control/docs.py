"""What is there to read: the guides, and the reference, made from the catalogue."""

import asyncio
from functools import cache
from html import escape

from aiohttp import web
from markdown_it import MarkdownIt

from simulator import resources
from simulator.control.parts import PARTS, Route
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.reference import as_json, as_markdown

GUIDES = "guides"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{} - mdmsim</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><nav>{}</nav><main>{}</main></body></html>
"""


def guides() -> list[str]:
    """Return the names of the guides."""
    return [name.removesuffix(".md") for name in resources.names(GUIDES)]


@cache
def _links() -> str:
    """Return links to everything that can be read."""
    pages = {f"/docs/{name}": name.capitalize() for name in guides()}
    pages["/reference"] = "Reference"
    return " | ".join(f'<a href="{path}">{title}</a>' for path, title in pages.items())


def _render(markdown: str) -> str:
    """Return *markdown* as an HTML page under its first heading; raw HTML in it stays text."""
    title = markdown.partition("\n")[0].removeprefix("# ")
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return _PAGE.format(escape(title), _links(), body)


@cache
def reference_page(catalogue: Catalogue) -> str:
    """Return the reference as an HTML page."""
    return _render(as_markdown(catalogue))


@cache
def guide_page(name: str) -> str:
    """Return the guide *name* as an HTML page; LookupError if there is none."""
    if name not in guides():
        raise LookupError(f"there is no such guide; there are {', '.join(guides())}")
    return _render(resources.read_text(GUIDES, f"{name}.md"))


async def reference(request: web.Request) -> web.Response:
    """Answer the reference as a page."""
    text = await asyncio.to_thread(reference_page, request.app[PARTS].catalogue)
    return web.Response(text=text, content_type="text/html")


async def guide(request: web.Request) -> web.Response:
    """Answer a guide as a page."""
    text = await asyncio.to_thread(guide_page, request.match_info["name"])
    return web.Response(text=text, content_type="text/html")


async def catalogue(request: web.Request) -> web.Response:
    """Answer the catalogue: services, operations, fields, errors, rules."""
    return web.json_response(as_json(request.app[PARTS].catalogue))


ROUTES = (Route("GET", "/catalogue", "Get the catalogue.", catalogue, query=()),)
