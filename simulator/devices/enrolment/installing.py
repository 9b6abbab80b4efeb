"""An enrolment profile is installed: identity, Authenticate, TokenUpdate (device.md 5.2)."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment import acme, check_in, scep
from simulator.devices.enrolment.machine_info import factory_identity
from simulator.devices.enrolment.profile import (
    ACME,
    PKCS12,
    SCEP,
    MdmPayload,
    Profile,
    mdm_payload,
    read_profile,
)
from simulator.devices.errors import profile_invalid
from simulator.devices.flow import Flow, compute
from simulator.devices.identity import Identity, open_pkcs12
from simulator.devices.records import Enrolment, InstalledProfile
from simulator.devices.world import DeviceEnvironment

_UNLOCK_DIGITS = 64
_ESCROW_DIGITS = 64


def identity_of(
    payload: Mapping[str, Any],
    device: VirtualDevice,
    world: DeviceEnvironment,
    roots: tuple[bytes, ...],
) -> Flow[Identity]:
    """Get the identity that a payload describes; DeviceError says why there is none."""
    kind = payload.get("PayloadType")
    if kind == SCEP:
        return (yield from scep.enrol(payload, device, world, roots))
    if kind == PKCS12:
        content, password = payload.get("PayloadContent"), payload.get("Password", "")
        if not isinstance(content, bytes) or not isinstance(password, str):
            raise profile_invalid("The required field “PayloadContent” is missing.")
        try:
            return (yield from compute(partial(open_pkcs12, content, password)))
        except ValueError as error:
            raise profile_invalid(f"{error}.") from None
    if kind == ACME:
        return (yield from acme.enrol(payload, device, world, roots))
    raise profile_invalid(f"A payload of type {kind} brings no identity.")


def installed(
    profile: Profile, device: VirtualDevice, world: DeviceEnvironment, *, but: object = None
) -> Flow[InstalledProfile]:
    """Get what the payloads of a profile bring, but for the identity payload *but*."""
    certificates = profile.certificates()
    roots = (*device.roots, *certificates)
    wanted = [
        one
        for one in profile.payloads()
        if one.get("PayloadType") in (SCEP, PKCS12, ACME) and one is not but
    ]
    identities = []
    for payload in wanted:
        identity = yield from identity_of(payload, device, world, roots)
        identities.append(identity)
    return InstalledProfile(
        profile.content,
        profile.identifier,
        signers=list(profile.signers),
        identities=identities,
        certificates=certificates,
    )


def install_enrolment(
    content: bytes,
    device: VirtualDevice,
    world: DeviceEnvironment,
    *,
    automated: bool,
    bearer: str = "",
) -> Flow[None]:
    """Enrol by the enrolment profile *content*; DeviceError says why it fails.

    A device that is enrolled renews its identity by the same profile; where that
    fails, it stays as it was.
    """
    profile = read_profile(content)
    payload = mdm_payload(profile)
    before = device.enrolment
    if before is not None and before.profile != profile.identifier:
        raise profile_invalid("The device is enrolled in an MDM already.")
    by_user = payload.text("EnrollmentMode") == "BYOD"
    device.anonymous = by_user or (before is not None and before.user_enrolment)
    replaced = device.profiles.get(profile.identifier)
    new = yield from installed(profile, device, world, but=payload.identity)
    roots = (*device.roots, *new.certificates)
    identity = yield from identity_of(payload.identity, device, world, roots)
    new.identities.insert(0, identity)
    if device.options.foreign_identity:
        identity = yield from factory_identity(device, world)
    device.profiles[profile.identifier] = new
    enrolment = _enrolment(profile, payload, identity, device, before, automated=automated)
    enrolment.magic = world.uuid()
    enrolment.bearer = bearer or (before.bearer if before else "")
    device.push_token = device.push_token or world.push_token()
    device.unlock_token = device.unlock_token or bytes.fromhex(world.random_hex(_UNLOCK_DIGITS))
    try:
        yield from check_in.authenticate(device, enrolment)
        yield from check_in.token_update(device, enrolment)
    except Exception:
        if replaced is None:
            del device.profiles[profile.identifier]
        else:
            device.profiles[profile.identifier] = replaced
        raise
    device.enrolment = enrolment
    device.condition = "enrolled"
    device.trouble = ""
    if device.mac and automated and check_in.BOOTSTRAP in enrolment.capabilities and not before:
        device.bootstrap_token = bytes.fromhex(world.random_hex(_ESCROW_DIGITS))
        yield from check_in.set_bootstrap_token(device, enrolment, device.bootstrap_token)


def _enrolment(
    profile: Profile,
    payload: MdmPayload,
    identity: Identity,
    device: VirtualDevice,
    before: Enrolment | None,
    *,
    automated: bool,
) -> Enrolment:
    rights = payload.values.get("AccessRights", 0)
    capabilities = payload.values.get("ServerCapabilities", [])
    server_url = payload.text("ServerURL")
    assigned = device.assigned or {}
    return Enrolment(
        profile=profile.identifier,
        server_url=server_url,
        check_in_url=payload.text("CheckInURL", server_url),
        topic=payload.text("Topic"),
        identity=identity,
        sign_message=payload.flag("SignMessage"),
        access_rights=rights if isinstance(rights, int) else 0,
        check_out=payload.flag("CheckOutWhenRemoved"),
        capabilities=[one for one in capabilities if isinstance(one, str)]
        if isinstance(capabilities, list)
        else [],
        automated=automated or (before is not None and before.automated),
        supervised=device.supervised,
        awaiting=automated and assigned.get("await_device_configured") is True,
        user_enrolment=device.anonymous,
    )
