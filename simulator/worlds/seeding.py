"""Seeding: a world written into the state, in steps that may be committed one by one."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

from simulator.messages import State
from simulator.services.apns import registry
from simulator.services.dep import portal
from simulator.worlds.chance import Chance, chance_of
from simulator.worlds.devices import generate
from simulator.worlds.locations import steps_of
from simulator.worlds.organisations import DeviceList, Organisation, World

CHUNK = 5000
"""How many devices one step writes at most."""

Step = Callable[[State], int]
"""Write one piece of a world into the state, seen from no organisation; return its devices."""


def seed_world(
    state: State,
    world: World,
    *,
    seed: int,
    mint: Chance,
    now_ms: int,
    progress: Callable[[int], None] | None = None,
    devices: int | None = None,
) -> None:
    """Write *world* into *state*, which is seen from no organisation, in one transaction.

    *mint* gives the digits of credentials, which are dated *now_ms*; all else
    follows from *world* and *seed*. *progress* is called after each chunk with
    the number of devices in it. *devices* replaces the count of the first
    generated list. Large worlds are better written by `steps`.
    """
    for step in steps(world, seed=seed, mint=mint, now_ms=now_ms, devices=devices):
        written = step(state)
        if progress:
            progress(written)


def steps(
    world: World,
    *,
    seed: int,
    mint: Chance,
    now_ms: int,
    devices: int | None = None,
    chunk: int = CHUNK,
) -> Iterator[Step]:
    """Yield what writes *world*, piece by piece; the parameters are those of `seed_world`.

    To be run in order; the caller may commit between any two. The first of an
    organisation writes its servers, then come its locations and their users, then up to
    *chunk* devices each. Their returned numbers add up to the world's device count.
    """
    sized = world if devices is None else world.resized(devices)
    for organisation in sized.organisations:
        yield partial(_found, organisation=organisation, seed=seed, mint=mint, now_ms=now_ms)
        for place in organisation.vpp_locations:
            yield from steps_of(
                organisation.id,
                place,
                domain=organisation.email.rpartition("@")[2],
                seed=seed,
                mint=mint,
                now_ms=now_ms,
            )
        for each in organisation.devices:
            for first in range(0, each.count, chunk):
                yield partial(
                    _assign,
                    organisation=organisation.id,
                    devices=each,
                    seed=seed,
                    indices=range(first, min(first + chunk, each.count)),
                )


def _found(
    state: State, *, organisation: Organisation, seed: int, mint: Chance, now_ms: int
) -> int:
    portal.add_organisation(state, organisation.facts())
    own = state.of(organisation.id)
    for server in organisation.dep_servers:
        chance = chance_of(seed, organisation.id, server.id)
        portal.add_server(own, server.id, server.name, chance=chance)
        portal.issue_token(own, organisation.id, server.id, now_ms=now_ms, chance=mint)
    if organisation.push_devices:
        _check_in(own, organisation, registry.first_topic(organisation.id, seed), now_ms)
    return 0


def _check_in(own: State, organisation: Organisation, topic: str, now_ms: int) -> None:
    """Let the devices that the world names check in for the organisation's first push topic."""
    registry.add_topic(own, organisation.id, topic)
    for device in organisation.push_devices:
        message = {
            "MessageType": "TokenUpdate",
            "Topic": topic,
            "UDID": device.udid,
            "Token": bytes.fromhex(device.token),
            "PushMagic": device.magic,
        }
        registry.check_in(own, message, now_ms)


def _assign(
    state: State, *, organisation: str, devices: DeviceList, seed: int, indices: range
) -> int:
    hardware = _hardware(devices, seed, indices)
    times = (devices.assigned_from_ms + index * devices.every_s * 1000 for index in indices)
    added = portal.add_devices(
        state.of(organisation),
        zip(hardware, times, strict=True),
        server=devices.server,
        by=devices.assigned_by,
    )
    return len(added)


def _hardware(devices: DeviceList, seed: int, indices: range) -> Iterator[dict[str, Any]]:
    if devices.listed:
        return map(dict, islice(devices.listed, indices.start, indices.stop))
    return generate(
        len(indices), seed, start=devices.start + indices.start, families=devices.families
    )
