"""Ports for programs that do not tell which one they took."""

import atexit
import socket


def free_port() -> int:
    """Return a port of this machine that is given to nobody else until this process ends.

    It is kept by a socket that does not listen: the system leaves it out where any port will do,
    and a server that asks for it gets it, as all of them set SO_REUSEADDR.
    """
    kept = socket.socket()
    atexit.register(kept.close)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    port: int = kept.getsockname()[1]
    return port
