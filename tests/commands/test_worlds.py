"""``mdmsim world``."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulator.cli import main
from simulator.core.data_directory import Directory
from simulator.store.opening import open_store


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["world", *args])


def test_worlds_are_listed() -> None:
    assert run("list").output.startswith("demo: ")


def test_a_world_is_shown() -> None:
    output = run("show", "demo").output

    assert output.startswith("demo: ")
    assert "    DEP server main: " in output


def test_a_world_is_shown_with_its_locations_and_what_arrives() -> None:
    output = run("show", "enterprise").output

    assert (
        "    DEP server phones: Group Phones, 120000 devices, 5 more each time that some arrive\n"
    ) in output
    assert "    VPP location europe: Group Europe, 120 apps, 2000 users\n" in output


def test_the_schema_is_printed() -> None:
    schema = json.loads(run("schema").output)

    assert schema["title"] == "A world of mdmsim"
    assert set(schema["properties"]) == {"organisation", "release", "world"}


def test_an_unknown_world_is_said() -> None:
    result = run("show", "nowhere")

    assert result.exit_code == 2
    assert result.stderr.startswith("mdmsim: there is no world 'nowhere': ")


def test_a_world_is_loaded_with_as_many_devices_as_asked_for(tmp_path: Path) -> None:
    result = run("seed", "--data", str(tmp_path / "data"), "--devices", "12")

    assert result.output == f"12 devices of the world demo are in {tmp_path / 'data'}\n"
    store = open_store(tmp_path / "data" / "mdmsim.db")
    with store.transaction() as state:
        assert state.of("demo").count("dep.device") == 12
    store.close()


def test_a_world_is_loaded_once(tmp_path: Path) -> None:
    run("seed", "--data", str(tmp_path))

    result = run("seed", "--data", str(tmp_path))

    assert result.exit_code == 2
    assert "holds a world already" in result.stderr


def test_nothing_is_loaded_where_nothing_is_kept() -> None:
    result = run("seed", "--data", ":memory:")

    assert result.exit_code == 2
    assert result.stderr.startswith("mdmsim: --data :memory: keeps no world: mdmsim serve ")


def test_nothing_is_loaded_into_a_directory_in_use(tmp_path: Path) -> None:
    directory = Directory(str(tmp_path))

    result = run("seed", "--data", str(tmp_path))
    directory.release()

    assert result.exit_code == 2
    assert "is in use by process" in result.stderr


@pytest.mark.parametrize("devices", ["0", "-1", "x"])
def test_an_impossible_number_of_devices_is_refused(tmp_path: Path, devices: str) -> None:
    assert run("seed", "--data", str(tmp_path), "--devices", devices).exit_code == 2
