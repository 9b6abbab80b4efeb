"""``python -m simulator.commands.put_back``: puts a clock back once whoever moved it has ended.

It reads where and how from a line of standard input, and then waits for the end of that: it comes
however the process at the other end ends, by ``kill -9`` as well.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from simulator.commands.steering import ControlClient
from simulator.core.settings import ConfigurationError


@contextmanager
def kept_clock(control: ControlClient) -> Iterator[None]:
    """Put the clock back to how it runs now when the block ends, or this process does."""
    clock = control.call("GET", "/clock")
    order = {"url": control.url, "token": control.token, "clock": clock}
    # In a session of its own, as what ends this process may be for all of its group.
    with subprocess.Popen(  # noqa: S603 (this module)
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as watching:
        if watching.stdin is not None:
            watching.stdin.write(json.dumps(order).encode() + b"\n")
            watching.stdin.flush()
        yield
    if watching.returncode:
        raise ConfigurationError("the clock is not put back: mdmsim ctl clock --real")


def main() -> None:
    """Do what the line says once standard input has ended."""
    order = json.loads(sys.stdin.readline())
    sys.stdin.read()
    control, clock = ControlClient(order["url"], order["token"], as_json=True), order["clock"]
    body = {"mode": clock["mode"]}
    if clock["mode"] != "real":
        # Another mode in between, as time goes forward only within one.
        control.call("PUT", "/clock", {"mode": "real"})
        body["now"] = clock["now"]
    control.call("PUT", "/clock", body)


if __name__ == "__main__":
    main()
