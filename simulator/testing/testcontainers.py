"""mdmsim in a container of a test suite: ``pip install 'mdmsim[containers]'``.

    with MdmsimContainer("mdmsim:latest", strictness="strict") as container:
        mdmsim = container.mdmsim
        run_my_server(dep_url=mdmsim.https, ca=mdmsim.ca, token=mdmsim.dep_token)
        mdmsim.assert_only_declared()

A suite in Python has the same without a container, and faster, by
`simulator.serving`; this is for one whose other servers are containers too.
"""

import json
import tempfile
from pathlib import Path
from typing import Any, Self

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import HttpWaitStrategy

from simulator.testing.client import Mdmsim
from simulator.testing.containers import environment, reached

IMAGE = "mdmsim:latest"
PORTS = (443, 2197, 8080, 8081, 8888)
"""HTTPS twice, plain HTTP, the control API, the proxy."""
CONTROL = 8081
READY = "/data/ready.json"


class MdmsimContainer(DockerContainer):
    """A simulator in a container, ready when it has started."""

    def __init__(self, image: str = IMAGE, *, docker: Any = None, **settings: Any) -> None:
        """Take the settings of `Settings`; *docker* holds further arguments of DockerContainer."""
        super().__init__(image, **(docker or {}))
        self.with_exposed_ports(*PORTS)
        self.with_envs(**environment(**settings))
        self.waiting_for(HttpWaitStrategy(CONTROL, "/readyz").for_status_code(200))
        self._folder = tempfile.TemporaryDirectory(prefix="mdmsim-")
        self._mdmsim: Mdmsim | None = None

    @property
    def mdmsim(self) -> Mdmsim:
        """The handle to steer and question it; RuntimeError before it has started.

        Its ``ca`` and push credentials are copies that go with the container.
        """
        if self._mdmsim is None:
            raise RuntimeError("the container has not started: use it in a with block")
        return self._mdmsim

    def start(self) -> Self:
        """Start it, and wait until it is ready."""
        super().start()
        inside = json.loads(self._read(READY))
        host = self.get_container_host_ip()
        folder = Path(self._folder.name)
        outside = reached(inside, host, self.get_exposed_port, self._read, folder)
        self._mdmsim = Mdmsim(outside)
        return self

    def stop(self, *args: Any, **more: Any) -> None:
        """Stop and remove it, with the copies of its files."""
        super().stop(*args, **more)
        self._folder.cleanup()

    def _read(self, path: str) -> bytes:
        found = self.exec(["cat", path])
        if found.exit_code:
            raise RuntimeError(f"{path} of the container cannot be read: {found.output!r}")
        return bytes(found.output)
