"""The script that takes the facts out of Apple's schemas writes what the devices read."""

import importlib.util
from pathlib import Path
from typing import Any

from simulator.devices.judging.schema import Presence, read

SCRIPT = Path(__file__).parents[2] / ".ci/device_schemas.py"
SCHEMA: Any = {
    "payload": {
        "requesttype": "WipeDisk",
        "supportedOS": {
            "iOS": {
                "introduced": "9.3",
                "accessrights": "AllowDeviceErase",
                "supervised": True,
                "sharedipad": {"mode": "allowed", "userchannel": True},
                "userenrollment": {"mode": "forbidden"},
            },
            "macOS": {
                "introduced": "10.10",
                "accessrights": "AllowDeviceErase",
                "userchannel": True,
                "requiresdep": True,
            },
            "tvOS": {"introduced": "n/a"},
        },
        "content": "A sentence, which is left out.",
    },
    "payloadkeys": [
        {
            "key": "Mode",
            "type": "<string>",
            "presence": "required",
            "rangelist": ["Fast", "Slow"],
            "supportedOS": {"iOS": {"introduced": "11.0"}, "macOS": {"introduced": "n/a"}},
        },
        {
            "key": "Disks",
            "type": "<array>",
            "subkeys": [
                {
                    "key": "DisksItem",
                    "type": "<dictionary>",
                    "subkeys": [{"key": "Name", "type": "<string>", "presence": "required"}],
                }
            ],
        },
        {"key": "More", "type": "<dictionary>", "subkeys": [{"key": "ANY", "type": "<any>"}]},
    ],
}


def script() -> Any:
    spec = importlib.util.spec_from_file_location("device_schemas", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_payload_whose_arrays_nest_has_an_end() -> None:
    pages: Any = {"key": "Pages", "type": "<array>", "subkeys": []}
    pages["subkeys"].append({"key": "Page", "type": "<array>", "subkeys": [pages]})
    payload = {"payloadtype": "com.example.home", "supportedOS": {"iOS": {"introduced": "9.3"}}}

    lines = list(script().lines({"payload": payload, "payloadkeys": [pages]}))

    assert lines == ["com.example.home|0|9.3|-|-|-", ".Pages|array", ".Pages[]|array"]


def test_its_lines_are_read_as_what_they_were_made_of() -> None:
    lines = list(script().lines(SCHEMA))

    assert lines == [
        "WipeDisk|8|9.3 su!|10.10 du|-|-",
        ".Mode|string!|Fast Slow|11|-",
        ".Disks|array",
        ".Disks[]|dictionary",
        ".Disks[].Name|string!",
        ".More|dictionary",
        ".More.*|any",
    ]
    (schema,) = read("\n".join(lines))
    assert (schema.name, schema.right) == ("WipeDisk", 8)
    assert schema.on["iOS"] == Presence((9, 3), "su!")
    assert schema.on["tvOS"] is None
    disks = schema.root.keys["Disks"].item
    assert disks is not None
    assert disks.keys["Name"].required
