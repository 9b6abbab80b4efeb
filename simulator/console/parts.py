"""What the pages share: the shape of one, and where the simulator is reached."""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from msgspec import Struct

from simulator.control.parts import Handler

READY: web.AppKey[Callable[[], Mapping[str, Any]]] = web.AppKey("ready")
DOOR: web.AppKey[Any] = web.AppKey("door")
"""The `Door` to the pages."""


class Page(Struct, frozen=True):
    """One page, or one form of a page."""

    method: str
    """``POST``: a form, which has to be one of ours."""
    path: str
    handler: Handler
