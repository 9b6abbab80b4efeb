"""The reference, made from the catalogue: a page for people, JSON for tools."""

from functools import cache

from aiohttp import web
from markdown_it import MarkdownIt

from simulator.control.parts import PARTS, Route
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.reference import as_json, as_markdown

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>mdmsim reference</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main>{}</main></body></html>
"""


@cache
def page(catalogue: Catalogue) -> str:
    """Return the reference as an HTML page; raw HTML in the rows stays text."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return _PAGE.format(markdown.render(as_markdown(catalogue)))


async def reference(request: web.Request) -> web.Response:
    """Answer the reference as a page."""
    return web.Response(text=page(request.app[PARTS].catalogue), content_type="text/html")


async def catalogue(request: web.Request) -> web.Response:
    """Answer the catalogue: services, operations, fields, errors, rules."""
    return web.json_response(as_json(request.app[PARTS].catalogue))


ROUTES = (Route("GET", "/catalogue", "Get the catalogue.", catalogue),)
