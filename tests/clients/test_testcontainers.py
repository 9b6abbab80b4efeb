"""mdmsim as a container of testcontainers. It needs a Docker engine: without one it is not run."""

import os
from pathlib import Path

import pytest

from simulator.testing.testcontainers import IMAGE, MdmsimContainer

pytestmark = pytest.mark.clients
SOCKET = Path("/var/run/docker.sock")


@pytest.fixture
def image() -> str:
    """The image of ``docker build -t mdmsim .``, or that of MDMSIM_IMAGE."""
    if not ("DOCKER_HOST" in os.environ or SOCKET.exists()):
        pytest.skip("not run: there is no Docker engine")
    return os.environ.get("MDMSIM_IMAGE", IMAGE)


def test_a_container_is_ready_and_is_steered(image: str) -> None:
    with MdmsimContainer(image, strictness="strict") as container:
        mdmsim = container.mdmsim
        mdmsim.freeze("2026-01-05T10:00:00Z")

        assert mdmsim.control("GET", "/clock")["now"].startswith("2026-01-05T10:00:00")
        assert len(mdmsim.add_devices(3)) == 3
