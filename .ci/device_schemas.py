"""Write the facts of Apple's published schemas of commands or payloads as in judging/commands.txt.

python3 .ci/device_schemas.py CHECKOUT/mdm/commands [REQUESTTYPE...] > facts.txt
python3 .ci/device_schemas.py CHECKOUT/mdm/profiles [PAYLOADTYPE...] > facts.txt

CHECKOUT is a clone of https://github.com/apple/device-management. Names, types, values, platforms,
versions and rights are facts and are kept; sentences are not. It needs PyYAML, which `make clients`
has. What came of it goes into commands.txt or payloads.txt of simulator/devices/judging, with the
commit in its head.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PLATFORMS = ("iOS", "macOS", "tvOS", "visionOS")
RIGHTS = {
    "AllowInspection": 1,
    "AllowInstallationRemoval": 2,
    "AllowPasscodeRemovalAndLock": 4,
    "DeviceLockAndRemovePasscode": 4,
    "AllowDeviceErase": 8,
    "AllowQueryDeviceInformation": 16,
    "AllowQueryNetworkInformation": 32,
    "AllowQueryProvisioningProfiles": 64,
    "AllowProvisioningProfileInstallationRemoval": 128,
    "AllowQueryApplications": 256,
    "AllowQueryRestrictions": 512,
    "AllowQuerySecurity": 1024,
    "AllowSettings": 2048,
    "AllowAppInstallation": 4096,
}
"""The bits of AccessRights by their names in the schemas; what is not here needs none."""
ANY = "ANY"
_QUERIES = "Queries"
"""What may be asked of DeviceInformation is not carried: the devices have a table of their own."""


def lines(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of one command or payload: its own, then those of its keys."""
    payload = schema["payload"]
    systems = payload.get("supportedOS", {})
    rights = {RIGHTS.get(str(one.get("accessrights")), 0) for one in systems.values()}
    cells = [_cell(systems.get(one, {"introduced": "n/a"})) for one in PLATFORMS]
    yield "|".join([name_of(schema), str(max(rights, default=0)), *cells])
    yield from _keys(schema.get("payloadkeys", ()), "")


def name_of(schema: Mapping[str, Any]) -> str:
    """Return what a command or a payload is called."""
    payload = schema["payload"]
    return str(payload.get("requesttype") or payload["payloadtype"])


def _keys(keys: Any, path: str) -> Iterator[str]:
    for one in keys:
        yield from _key(one, f"{path}.{'*' if one['key'] == ANY else one['key']}")


def _key(key: Mapping[str, Any], path: str) -> Iterator[str]:
    kind = str(key["type"]).strip("<>")
    required = "!" if key.get("presence") == "required" else ""
    values = " ".join(str(one) for one in key.get("rangelist", ()))
    systems = key.get("supportedOS", {})
    cells = [_cell(systems[one]) if one in systems else "" for one in PLATFORMS]
    yield "|".join([path, kind + required, values, *cells]).rstrip("|")
    inner = key.get("subkeys", ())
    if kind == "array":
        for item in inner:
            # Neither what may be asked is carried, nor what is in arrays of arrays: those nest.
            type_ = str(item["type"]).strip("<>")
            whole = type_ != "array" and not path.endswith(_QUERIES)
            yield from _key(item, f"{path}[]") if whole else (f"{path}[]|{type_}",)
    else:
        yield from _keys(inner, path)


def _cell(system: Mapping[str, Any]) -> str:
    introduced = str(system.get("introduced", ""))
    if introduced == "n/a":
        return "-"
    version = introduced.removesuffix(".0")
    shared = system.get("sharedipad", {})
    flags = "".join(
        flag
        for flag, is_on in (
            ("s", system.get("supervised") is True),
            ("d", system.get("requiresdep") is True),
            ("m", shared.get("mode") == "required"),
            ("u", True in (system.get("userchannel"), shared.get("userchannel"))),
            ("!", system.get("userenrollment", {}).get("mode") == "forbidden"),
        )
        if is_on
    )
    return f"{version} {flags}".strip()


def main() -> None:
    """Print the facts of all schemas in a folder, or of those that are named."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 (tests do without)

    folder, wanted = Path(sys.argv[1]), set(sys.argv[2:])
    for file in sorted(folder.glob("*.yaml")):
        schema = yaml.safe_load(file.read_text(encoding="utf-8"))
        if not wanted or name_of(schema) in wanted:
            print("\n".join(lines(schema)))


if __name__ == "__main__":
    main()
