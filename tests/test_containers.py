from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from simulator.core.settings import ConfigurationError
from simulator.testing.client import Mdmsim
from simulator.testing.containers import environment, reached
from simulator.testing.serving import serving


def test_a_simulator_is_reached_by_other_ports_and_copies_of_its_files(tmp_path: Path) -> None:
    with serving() as running:
        ports = {1: running.ready["tls"], 2: [running.ready["http"]], 3: [running.ready["control"]]}
        real = {inner: int(urls[0].rpartition(":")[2]) for inner, urls in ports.items()}
        inside = {
            **running.ready,
            "tls": ["https://0.0.0.0:1"],
            "http": "http://0.0.0.0:2",
            "control": "http://0.0.0.0:3",
            "proxy": None,
        }

        outside = Mdmsim(
            reached(inside, "localhost", real.__getitem__, lambda p: Path(p).read_bytes(), tmp_path)
        )
        with urlopen(f"{outside.ready['control']}/readyz") as answer:  # noqa: S310 (ours)
            assert answer.status == 200
        outside.add_devices(2)

    assert outside.https == f"https://localhost:{real[1]}"
    assert outside.ready["proxy"] is None
    assert outside.ready["journal"] is None
    assert Path(outside.ca).parent == tmp_path
    key = Path(outside.push_topic["key"])
    assert key.parent == tmp_path
    assert key.stat().st_mode & 0o777 == 0o600
    assert Path(outside.push_topic["certificate"]).read_text().count("BEGIN CERTIFICATE") == 1


def test_settings_are_handed_over_as_variables() -> None:
    found = environment(
        strictness="strict", seed=5, san=("a.example", "b.example"), proxy_port=None
    )

    assert found == {
        "MDMSIM_STRICTNESS": "strict",
        "MDMSIM_SEED": "5",
        "MDMSIM_SAN": "a.example,b.example",
        "MDMSIM_PROXY_PORT": "off",
    }


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param({"strictnes": "strict"}, "no setting is called strictnes", id="name"),
        pytest.param({"strictness": "harsh"}, "MDMSIM_STRICTNESS", id="value"),
    ],
)
def test_what_is_wrong_with_them_is_said_before_a_container_starts(
    settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        environment(**settings)
