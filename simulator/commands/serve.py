"""``mdmsim serve``."""

import asyncio
import gc
import logging
import signal
import sys
from typing import Any

import click
import uvloop

from simulator.app import Simulator
from simulator.commands.options import setting_options, settings
from simulator.commands.progress import bar
from simulator.commands.screen import show
from simulator.core import ready_file
from simulator.core.settings import Settings
from simulator.transport.capacity import raise_limit

_COLLECT = (20_000, 20, 50)
"""After so many new objects garbage is looked for; requests leave none but in plain sight."""
_SWITCH_S = 0.001
"""How long one thread may keep the others waiting: the event loop asks for its turn often."""


@click.command("serve")
@setting_options()
@click.option("--debug", is_flag=True, help="Log what happens, by route; never paths or values.")
def command(debug: bool, config: str | None, **flags: Any) -> None:
    """Serve the simulated services until SIGTERM or Ctrl-C.

    Without options: data in ./mdmsim-data, the world demo, on this machine
    only. Each option is also an environment variable (--tls-port:
    MDMSIM_TLS_PORT) and a key of mdmsim.toml (tls_port).
    """
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    raise_limit()
    uvloop.run(_serve(settings(config, **flags)))


async def _serve(settings: Settings) -> None:
    """Serve until a signal says to stop; a second one ends it at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def end(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    gc.set_threshold(*_COLLECT)
    sys.setswitchinterval(_SWITCH_S)
    async with Simulator(settings, bar) as simulator:
        show(simulator.ready, settings, simulator.provisionings)
        click.echo(ready_file.line(simulator.ready, settings.data))
        # What is there by now stays: walking it again and again would only make answers wait.
        gc.freeze()
        await stop.wait()
        await simulator.drain()
