"""``python -m simulator.body_process FD``: reads large bodies for a simulator, which started it.

On the connection with that descriptor it is told the settings, the key of fingerprints and the
names of further services, then requests, or bodies of the control port; it answers each with
what it found out.
"""

import os
import resource
import signal
import sys
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path

from simulator import services
from simulator.core.settings import Settings
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.engine.engine import Engine
from simulator.engine.preparation import Decoding, light

MODULE = "simulator.body_process"
LARGEST = 256 * 1024
"""KiB of memory after which it ends; the next body gets a new process."""
Configuration = tuple[Settings, bytes, tuple[str, ...]]
_PATIENCE = 10
"""How much readier others are to be given the processor."""


def serve(connection: Connection) -> None:
    """Prepare requests and read bodies until the other side ends, or this process has grown."""
    configuration: Configuration = connection.recv()
    settings, key, further = configuration
    catalogue = services.load(*map(import_module, further))
    engine = Engine(catalogue, settings, b"", Observer(catalogue, Fingerprinter(key)))
    while _resident() < LARGEST:
        asked = connection.recv()
        if isinstance(asked, Decoding):
            connection.send(asked.run())
        else:
            connection.send(light(engine.prepare(asked), asked.body))


def _resident() -> int:
    """Return this process's memory in KiB: as it is, or where nothing says that, at its most.

    The most that Linux tells of is that of the parent, if that was larger.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most // 1024 if sys.platform == "darwin" else most
    return pages * resource.getpagesize() // 1024


def main() -> None:
    """Serve the connection that is named on the command line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the simulator
    os.nice(_PATIENCE)
    try:
        with Connection(int(sys.argv[1])) as connection:
            serve(connection)
    except (EOFError, ConnectionError):
        pass  # the simulator has ended


if __name__ == "__main__":
    main()
