"""The command line: one row per command; each is imported only when it is called."""

import importlib
import os
from collections.abc import Mapping
from typing import Any

import click

from simulator import __version__
from simulator.core.garbage import seldom_collected
from simulator.core.settings import ConfigurationError
from simulator.store.errors import DamagedError, StoreError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": ("serve", "Serve the simulated services until SIGTERM or Ctrl-C."),
    "report": ("report", "Report what has been disclosed, and evaluate it against a manifest."),
    "judge": ("judge", "Report what captured traffic (HAR, mitmproxy's flows) discloses."),
    "replay": ("replay", "Send captured requests to a simulator, and compare the responses."),
    "diff": ("diff", "Compare what two runs disclosed."),
    "journal": ("journal", "Delete exchanges from the journal, on record."),
    "store": ("stores", "Move state and journal between a data directory and PostgreSQL."),
    "manifest": ("manifests", "Check, import, suggest and compare manifests."),
    "ca": ("ca", "Show the test CA, and how clients are made to trust it."),
    "token": ("tokens", "Print the credentials that Apple's portal would hand out."),
    "vendor": ("vendor", "Sign requests for push certificates, as an MDM vendor does."),
    "world": ("worlds", "List, show and load worlds of test data."),
    "devices": ("devices", "Simulate devices that enrol in an MDM server and execute commands."),
    "ctl": ("ctl", "Control a running simulator: inject faults, move the clock, wait, reset."),
    "catalogue": ("catalogue", "Print all operations, fields and error codes."),
    "readyz": ("readyz", "Tell whether a running simulator is ready."),
    "version": ("version", "Print the version."),
}
"""Name -> (module in ``commands``, what it does)."""


class Mistake(click.ClickException):
    """Something that the user must mend: one line, exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the line on standard error."""
        click.echo(f"mdmsim: {self.format_message()}", err=file is None, file=file)


class Incomplete(Mistake):
    """Evidence that cannot be read: one line, exit code 3."""

    exit_code = 3


class Commands(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Return the names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        """Import the command *cmd_name*."""
        if cmd_name not in COMMANDS:
            return None
        with seldom_collected():
            module = importlib.import_module(f"simulator.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 (click's signature)
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what the user must mend becomes one line."""
        try:
            return super().invoke(ctx)
        except DamagedError as error:
            raise Incomplete(f"evidence INCOMPLETE: {error}") from error
        except StoreError as error:
            kind = Incomplete if error.reason == "damaged" else Mistake
            raise kind(f"the database cannot be used ({error}): {error.advice}") from error
        except ConfigurationError as error:
            raise Mistake(str(error)) from error
        except BrokenPipeError:
            # Whoever read the output, such as `head`, has seen enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return None
        except UnicodeEncodeError as error:
            advice = "give arguments, and have the terminal take output, in UTF-8"
            raise Mistake(f"a text cannot be written as {error.encoding}: {advice}") from error
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            advice = "look at the path, at who may write there, and at the room on its disk"
            raise Mistake(f"{where}{error.strerror or error}: {advice}") from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mdmsim", message="%(prog)s %(version)s")
def main() -> None:
    """Stand in for Apple's MDM-facing servers, and record what a client discloses.

    Not Apple, and all data is invented. Start with: mdmsim serve
    """
