"""Worlds as files say them: invented organisations, for tests and benchmarks with their own."""

from collections.abc import Iterable

_ORGANISATION = """
[[organisation]]
id = "{name}"
name = "{name}"
email = "it@{name}.example"
phone = "+1-555-0100"
address = "1 Example Street"
org_id = "{name}"
org_type = "org"
org_version = "v2"
admin_id = "admin@{name}.example"

[[organisation.dep_server]]
id = "{name}-mdm"
name = "MDM"
"""
ACCOUNT = """
[[organisation.axm_account]]
id = "{name}-api"
name = "API"
"""
LOCATION = """
[[organisation.vpp_location]]
id = "{name}-campus"
name = "Campus"
"""


def organisation(name: str, *tables: str) -> str:
    """Return an organisation with one MDM server; *tables* are further ones, such as `ACCOUNT`."""
    return "".join((_ORGANISATION, *tables)).format(name=name)


def devices(count: int) -> str:
    """Return the table of so many devices, all assigned to the organisation's server."""
    return f"""
[[organisation.devices]]
server = "{{name}}-mdm"
assigned_by = "admin@{{name}}.example"
assigned_from = 2026-01-05T10:00:00Z
every_s = 60
count = {count}
"""


def world(name: str, organisations: Iterable[str]) -> str:
    """Return a world of *organisations*, each as `organisation` gives it."""
    return f'[world]\nname = "{name}"\nabout = "Of a test."\n{"".join(organisations)}'
