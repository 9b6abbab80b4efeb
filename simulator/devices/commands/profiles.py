"""Commands on profiles and certificates: what InstallProfile put there, the lists show."""

import plistlib
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from simulator.devices.commands.filevault import FILEVAULT, new_recovery_key
from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.enrolment.installing import install_enrolment, installed
from simulator.devices.enrolment.profile import MDM, read_profile
from simulator.devices.errors import profile_invalid, profile_missing
from simulator.devices.flow import Flow
from simulator.devices.life import leave
from simulator.devices.records import InstalledProfile

_TOP = (
    "PayloadUUID",
    "PayloadIdentifier",
    "PayloadVersion",
    "PayloadDisplayName",
    "PayloadOrganization",
    "PayloadDescription",
    "PayloadRemovalDisallowed",
)
_INNER = ("PayloadType", "PayloadVersion", "PayloadIdentifier", "PayloadUUID", "PayloadDisplayName")


def profile_list(execution: Execution) -> Done:
    """List the installed profiles, the enrolment profile among them."""
    only_managed = execution.optional("ManagedOnly", bool)
    found = [
        _listed(one, mac=execution.device.mac)
        for one in execution.installed
        if one.managed or not only_managed
    ]
    return Done({"ProfileList": found})


def _listed(one: InstalledProfile, *, mac: bool) -> dict[str, Any]:
    values = plistlib.loads(one.content)
    entry: dict[str, Any] = {name: values[name] for name in _TOP if name in values}
    entry.setdefault("PayloadVersion", 1)
    entry |= {
        "HasRemovalPasscode": False,
        "IsEncrypted": False,
        "SignerCertificates": one.signers,
        "PayloadContent": [
            {name: payload[name] for name in _INNER if name in payload}
            for payload in values.get("PayloadContent", [])
            if isinstance(payload, dict)
        ],
    }
    return entry if mac else entry | {"IsManaged": one.managed}


def install_profile(execution: Execution) -> Flow[Done]:
    """Install a profile; one with the same identifier is replaced, the MDM's own renewed."""
    content = execution.needed("Payload", bytes)
    device, world = execution.device, execution.world
    profile = read_profile(content)
    if profile.of_type(MDM) and execution.user is None:
        yield from install_enrolment(content, device, world, automated=False)
        device.happened(world.now_ms(), "renewed", profile.identifier)
        return Done()
    if execution.user is not None:
        execution.profiles[profile.identifier] = yield from installed(profile, device, world)
        return Done()
    if device.mac and profile.values.get("PayloadScope") == "User":
        text = "The profile must be a system profile. User profiles are not supported"
        raise profile_invalid(text)
    if profile.identifier == execution.enrolment.profile:
        raise profile_invalid("The enrolment profile cannot be replaced by one without an MDM.")
    device.profiles[profile.identifier] = yield from installed(profile, device, world)
    if device.mac and profile.of_type(FILEVAULT) and not device.recovery_key:
        device.recovery_key = new_recovery_key(world)
    return Done()


def remove_profile(execution: Execution) -> Done:
    """Remove a profile; the MDM's own ends the management of the device."""
    device = execution.device
    identifier = execution.needed("Identifier", str)
    if identifier not in execution.profiles:
        raise profile_missing(identifier, mac=device.mac)
    if identifier == execution.enrolment.profile and execution.user is None:
        device.leaving = "unenrol"
        return Done(then=lambda: leave(device, execution.world))
    del execution.profiles[identifier]
    return Done()


def certificate_list(execution: Execution) -> Done:
    """List the certificates that profiles brought, and the device's identities."""
    found: list[dict[str, Any]] = []
    for one in execution.installed:
        found += [_certificate(each, identity=False) for each in one.certificates]
        found += [_certificate(each.certificate, identity=True) for each in one.identities]
    return Done({"CertificateList": found})


def _certificate(encoded: bytes, *, identity: bool) -> dict[str, Any]:
    names = x509.load_der_x509_certificate(encoded).subject.get_attributes_for_oid(
        NameOID.COMMON_NAME
    )
    name = str(names[0].value) if names else ""
    return {"CommonName": name, "IsIdentity": identity, "Data": encoded}


def provisioning_profile_list(execution: Execution) -> Done:
    """List the provisioning profiles: apps bring theirs, and none is installed by itself."""
    execution.optional("ManagedOnly", bool)
    return Done({"ProvisioningProfileList": []})


COMMANDS: tuple[Command, ...] = (
    command("ProfileList", profile_list, 1, ios="4 u", macos="10.7 u", tvos="9", visionos="1.1"),
    command(
        "CertificateList", certificate_list, 1, ios="4", macos="10.7 u", tvos="9", visionos="1.1"
    ),
    command(
        "InstallProfile", install_profile, 2, ios="4 u", macos="10.7 u", tvos="9", visionos="1.1"
    ),
    command(
        "RemoveProfile", remove_profile, 2, ios="4 u", macos="10.7 u", tvos="9", visionos="1.1"
    ),
    command(
        "ProvisioningProfileList",
        provisioning_profile_list,
        64,
        ios="4",
        macos="11",
        tvos="10.2",
        visionos="1.1",
    ),
)
