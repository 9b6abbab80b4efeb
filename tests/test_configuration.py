"""Settings from defaults, file, environment and flags."""

from pathlib import Path
from typing import Any

import pytest

from simulator.core.configuration import load_settings, rows
from simulator.core.settings import ConfigurationError, Settings


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_set_gives_the_defaults() -> None:
    assert load_settings({}, {}) == Settings()


def test_flags_win_over_the_environment_and_that_over_the_file(directory: Path) -> None:
    (directory / "mdmsim.toml").write_text('host = "a"\nworld = "a"\nseed = 2\ndata = "a"')
    environ = {"MDMSIM_HOST": "b", "MDMSIM_WORLD": "b", "MDMSIM_DATA": ""}

    settings = load_settings({"host": "c", "san": ()}, environ)

    assert settings == Settings(host="c", world="b", seed=2, data="a")


@pytest.mark.parametrize(
    ("flags", "environ", "expected"),
    [
        pytest.param({"http_port": "off"}, {}, Settings(http_port=None), id="off"),
        pytest.param({"tls_port": ("0", "443")}, {}, Settings(tls_port=(0, 443)), id="twice"),
        pytest.param(
            {}, {"MDMSIM_TLS_PORT": "443, 2197"}, Settings(tls_port=(443, 2197)), id="commas"
        ),
        pytest.param({}, {"MDMSIM_SAN": "a, b"}, Settings(san=("a", "b")), id="names"),
        pytest.param({"seed": "-3"}, {}, Settings(seed=-3), id="number"),
        pytest.param(
            {}, {"MDMSIM_STRICTNESS": "observe"}, Settings(strictness="observe"), id="choice"
        ),
        pytest.param({}, {"MDMSIM_CLIENTS_BIN": "x"}, Settings(), id="foreign"),
    ],
)
def test_values_are_read(
    flags: dict[str, Any], environ: dict[str, str], expected: Settings
) -> None:
    assert load_settings(flags, environ) == expected


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        pytest.param("tls_port = [443, 2197]", Settings(tls_port=(443, 2197)), id="list"),
        pytest.param("tls_port = 443", Settings(tls_port=(443,)), id="single"),
        pytest.param('http_port = "off"', Settings(http_port=None), id="off"),
        pytest.param('san = ["a"]', Settings(san=("a",)), id="names"),
    ],
)
def test_the_file_takes_values_of_its_own_types(
    directory: Path, toml: str, expected: Settings
) -> None:
    (directory / "my.toml").write_text(toml)

    assert load_settings({}, {}, "my.toml") == expected
    assert load_settings({}, {"MDMSIM_CONFIG": "my.toml"}) == expected


PORT = "a number from 0 to 65535, or off"


@pytest.mark.parametrize(
    ("flags", "environ", "line"),
    [
        pytest.param(
            {"http_port": "70000"}, {}, f"--http-port: '70000' is not {PORT}", id="port-flag"
        ),
        pytest.param(
            {},
            {"MDMSIM_TLS_PORT": "443,x"},
            f"environment variable MDMSIM_TLS_PORT: 'x' is not {PORT}",
            id="port-environment",
        ),
        pytest.param({"seed": "one"}, {}, "--seed: 'one' is not a whole number", id="number"),
        pytest.param(
            {"session_ttl_s": "0"},
            {},
            "--session-ttl-s: '0' is not a whole number from 1 on",
            id="bound",
        ),
        pytest.param(
            {},
            {"MDMSIM_STRICTNESS": "lax"},
            "environment variable MDMSIM_STRICTNESS: 'lax' is not one of observe, apple, strict",
            id="choice",
        ),
        pytest.param(
            {"replacement_not_found": "500"},
            {},
            "--replacement-not-found: '500' is not one of 400, 404",
            id="number-choice",
        ),
        pytest.param(
            {"tls_port": ("off",), "http_port": "off"},
            {},
            "--tls-port and --http-port are both off: give one of them, so that there is a service",
            id="nothing-to-serve",
        ),
        pytest.param(
            {"data": ""},
            {},
            "--data is empty: name a directory, or :memory: to keep nothing",
            id="nowhere",
        ),
        pytest.param(
            {"http_port": "8443"},
            {},
            "port 8443 is given twice: choose another for one of them",
            id="port-twice",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    flags: dict[str, Any], environ: dict[str, str], line: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_settings(flags, environ)

    assert str(raised.value) == line


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        pytest.param(
            "sede = 1", "my.toml: no setting is called 'sede'; there are: host, ", id="key"
        ),
        pytest.param("host = 1", "my.toml, host: 1 is not a text", id="text"),
        pytest.param("seed = true", "my.toml, seed: True is not a whole number", id="boolean"),
        pytest.param("seed = 1.5", "my.toml, seed: 1.5 is not a whole number", id="fraction"),
        pytest.param("tls_port = [-1]", f"my.toml, tls_port: -1 is not {PORT}", id="list"),
        pytest.param("seed", "my.toml is not TOML: ", id="syntax"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_in_one_line(
    directory: Path, toml: str, line: str
) -> None:
    (directory / "my.toml").write_text(toml)

    with pytest.raises(ConfigurationError) as raised:
        load_settings({}, {}, "my.toml")

    assert str(raised.value).startswith(line)
    assert "\n" not in str(raised.value)


def test_a_named_file_must_exist() -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read the configuration file no\.toml"):
        load_settings({}, {}, "no.toml")


def test_every_setting_can_be_set_by_flag_and_environment() -> None:
    for row in rows():
        written = str(row.default) if "port" not in row.name else "0"

        by_flag = load_settings({row.name: written}, {})
        by_environment = load_settings({}, {f"MDMSIM_{row.name.upper()}": written})

        assert by_flag == by_environment


def test_a_store_that_is_no_url_is_refused_without_a_quote() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings({"store": "owner:0Zwrong@db.example"}, {})

    assert str(caught.value).startswith("--store is no URL that begins with postgresql://")
    assert "0Zwrong" not in str(caught.value)
