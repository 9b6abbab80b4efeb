import json
from pathlib import Path

from click.testing import CliRunner

from simulator.app import Simulator
from simulator.cli import main
from simulator.core.settings import Settings

TOPIC = "com.apple.mgmt.External.5f0e4a52-6d0b-4c8e-9a53-2b7f6c1d8e90"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["token", "push", *arguments])
    return result.exit_code, result.output


def test_a_topic_is_added_with_a_certificate_that_stays(tmp_path: Path) -> None:
    data = str(tmp_path / "d")

    code, first = run("--data", data, "--topic", TOPIC)
    _, again = run("--data", data)

    assert code == 0
    (pair,) = json.loads(first)
    assert pair["topic"] == TOPIC
    assert len(json.loads(again)) == 2
    assert pair in json.loads(again)
    # Alone, as Apple hands it out: nanomdm takes the last certificate of a file for the leaf.
    assert Path(pair["certificate"]).read_text().count("BEGIN CERTIFICATE") == 1
    assert Path(pair["key"]).stat().st_mode & 0o077 == 0


def test_a_bad_topic_or_organisation_is_one_line(tmp_path: Path) -> None:
    data = str(tmp_path / "d")

    bad = run("--data", data, "--topic", "no topic!")
    nobody = run("--data", data, "--topic", TOPIC, "--organisation", "nobody")

    assert bad[0] == nobody[0] == 2
    assert bad[1].startswith("mdmsim: --topic: ")
    assert "--organisation: demo" in nobody[1]


async def test_beside_a_running_simulator_its_topics_are_told(tmp_path: Path) -> None:
    import asyncio  # noqa: PLC0415 (beside its one use)

    data = str(tmp_path / "d")
    settings = Settings(data=data, tls_port=(), http_port=None, control_port=None, proxy_port=None)

    async with Simulator(settings):
        code, told = await asyncio.to_thread(run, "--data", data)
        refused = await asyncio.to_thread(run, "--data", data, "--topic", TOPIC)

    assert (code, len(json.loads(told))) == (0, 1)
    assert refused[0] == 2
    assert "POST /api/v1/push-topics" in refused[1]
