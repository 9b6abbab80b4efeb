"""The control port: the API, the pages and the simulated devices behind one listener."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.console import lazy_loading
from simulator.control.connections import CONNECTIONS, LEAST, ControlConnections
from simulator.control.device_host import HOST, DeviceHost
from simulator.control.parts import Parts
from simulator.control.web import make_application
from simulator.core import ready_file
from simulator.transport.capacity import most_connections
from simulator.transport.listener import explained


async def open_control_port(
    parts: Parts,
    directory: Path,
    ready: Callable[[], Mapping[str, Any]],
    now: Callable[[], datetime],
    stack: AsyncExitStack,
) -> DeviceHost | None:
    """Open it and return the simulated devices, which know its URL; None if it is off.

    *directory* is the data directory; *ready* gives what ``ready.json`` holds, *now* the wall
    clock's time. ConfigurationError if it cannot be opened; *stack* closes it.
    """
    settings = parts.settings
    port = settings.control_port
    if port is None:
        return None
    most = most_connections(settings.connections) // 2  # as they are not the services
    connections = ControlConnections(max(most, LEAST), settings.slow_client_s)
    application = make_application(parts)
    application[CONNECTIONS] = connections
    host = application[HOST] = DeviceHost(parts, directory, now)
    lazy_loading.mount(application, ready)
    runner = web.AppRunner(
        application,
        handle_signals=False,
        shutdown_timeout=1,
        handler_cancellation=True,  # a stream ends with its client
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    with explained(settings.host, port, "--control-port"):
        server = await connections.listen(runner, settings.host, port)
    stack.callback(server.close)
    host.url = ready_file.url("http", settings.host, server.sockets[0].getsockname()[1])
    stack.push_async_callback(host.close)
    return host
