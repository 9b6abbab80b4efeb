"""The command DeclarativeManagement: it begins what then goes on by itself."""

import json

from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.declarative.sync import Channel, synchronise


def declarative_management(execution: Execution) -> Done:
    """Acknowledge, then synchronise (the order is inferred, from Fleet's traces)."""
    data = execution.optional("Data", bytes)
    token = ""
    if data:
        try:
            token = str(json.loads(data)["SyncTokens"]["DeclarationsToken"])
        except (ValueError, KeyError, TypeError, RecursionError):
            token = ""
    channel = Channel(execution.device, execution.enrolment, execution.world, execution.user)
    return Done(then=lambda: synchronise(channel, token))


COMMANDS: tuple[Command, ...] = (
    command(
        "DeclarativeManagement",
        declarative_management,
        ios="15 u",
        macos="13 u",
        tvos="16",
        visionos="1.1",
    ),
)
