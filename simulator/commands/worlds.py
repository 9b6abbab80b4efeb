"""``mdmsim world``: test data for whole organisations."""

import json
from contextlib import ExitStack
from typing import Any

import click

from simulator import services
from simulator.commands.options import setting_options, settings
from simulator.commands.progress import bar
from simulator.core import resources
from simulator.core.clock import Clock
from simulator.core.data_directory import MEMORY, Directory
from simulator.core.settings import ConfigurationError
from simulator.store.opening import open_store
from simulator.worlds.loading import is_empty, load_steps
from simulator.worlds.rows import world_schema
from simulator.worlds.world import FOLDER, load_world


@click.group("world")
def command() -> None:
    """List, show and load worlds of test data. All of it is invented."""


@command.command("list")
def list_() -> None:
    """Print the worlds that come with mdmsim."""
    for name in sorted(name.removesuffix(".toml") for name in resources.names(FOLDER)):
        click.echo(f"{name}: {load_world(name).about}")


@command.command("show")
@click.argument("name")
def show(name: str) -> None:
    """Print what is in the world NAME, or in a file whose path ends in .toml."""
    world = load_world(name)
    click.echo(f"{world.name}: {world.about}")
    for one in services.provisionings():
        if one.file is not None:
            for line in one.file.lines(world.parts[one.name]):
                click.echo(f"  {line}")
    for organisation in world.organisations:
        click.echo(f"  {organisation.id}: {organisation.name}")
        for server in organisation.dep_servers:
            count = sum(each.count for each in organisation.devices if each.server == server.id)
            later = sum(each.count for each in organisation.arrivals if each.server == server.id)
            more = f", {later} more each time that some arrive" if later else ""
            click.echo(f"    DEP server {server.id}: {server.name}, {count} devices{more}")
        for one in services.provisionings():
            if one.world is not None:
                for line in one.world.lines(organisation.parts[one.name]):
                    click.echo(f"    {line}")


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of a world's file, for editors and checks."""
    click.echo(json.dumps(world_schema(), indent=1))


@command.command("seed")
@setting_options("data", "store", "world", "seed")
@click.option("--devices", type=click.IntRange(min=1), help="How many devices to generate.")
def seed(devices: int | None, config: str | None, **flags: Any) -> None:
    """Load a world into an empty data directory that nobody serves."""
    wanted = settings(config, **flags)
    if wanted.data == MEMORY and not wanted.store:
        raise ConfigurationError(
            "--data :memory: keeps no world: mdmsim serve --data :memory: --world loads it there"
        )
    world = load_world(wanted.world)
    sized = world if devices is None else world.resized(devices)
    with ExitStack() as stack:
        directory = Directory(wanted.data, shared=bool(wanted.store))
        stack.callback(directory.release)
        store = open_store(wanted.store or directory.database)
        stack.callback(store.close)
        with store.transaction() as state:
            if not is_empty(state):
                raise ConfigurationError(
                    f"the data directory {wanted.data} holds a world already: "
                    "remove it, or choose another with --data"
                )
        advance = stack.enter_context(bar("seeding", sized.size()))
        for piece in load_steps(world, wanted.seed, Clock().now_ms(), devices):
            with store.transaction() as state:
                written = piece(state)
            advance(written)
    click.echo(f"{sized.device_count()} devices of the world {world.name} are in {wanted.data}")
