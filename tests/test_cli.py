"""The command line as a whole."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator import __version__
from simulator.cli import COMMANDS, main


@pytest.mark.parametrize("args", [["version"], ["--version"]])
def test_the_version_is_told(args: list[str]) -> None:
    result = CliRunner().invoke(main, args)

    assert (result.exit_code, result.output) == (0, f"mdmsim {__version__}\n")


def test_help_lists_every_command_without_importing_any() -> None:
    code = "import sys; from simulator.cli import main; main(['--help'], standalone_mode=False)"
    code += "; assert 'aiohttp' not in sys.modules and 'rich' not in sys.modules"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert all(f"  {name} ".encode() in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])

    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: main {name} ")


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["sreve"])

    assert result.exit_code == 2
    assert "No such command 'sreve'" in result.output


def test_what_the_user_must_mend_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["ca", "show", "--config", str(tmp_path / "none.toml")])

    assert result.exit_code == 2
    assert result.stderr.startswith("mdmsim: cannot read the configuration file ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_an_argument_that_is_no_text_is_refused() -> None:
    result = CliRunner().invoke(main, ["ctl", "devices", "get", "--url", "http://a", "\udcff"])

    assert result.exit_code == 2
    assert result.output.startswith("mdmsim: a text cannot be written as utf-8: give arguments")


def test_output_that_nobody_reads_is_no_error() -> None:
    command = f"{sys.executable} -m simulator catalogue --json | head -c 1"

    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True)

    assert done.stderr == b""
