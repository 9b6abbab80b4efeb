"""The report by a manifest that is sent along."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from simulator.control.api.report import LARGEST
from tests.control.conftest import Control

MANIFEST = Path("fixtures/manifests/intune-to-apple.toml").read_text(encoding="utf-8")
EMPTY = "[manifest]\nschema = 1\n"


async def judged(control: Control, manifest: Any, **query: Any) -> tuple[int, Any]:
    return await control.call("POST", "/report", data=manifest, params=query)


async def test_a_manifest_of_ones_own_judges(control: Control) -> None:
    await control.ask("POST", "/profile", data=json.dumps({"profile_name": "Kiosk"}))

    _, shipped = await control.call("GET", "/report")
    _, same = await judged(control, MANIFEST)
    _, empty = await judged(control, EMPTY, name="none.toml", gate="1")

    undeclared = {line["concept"] for line in shipped["undeclared"]}
    assert same["counts"] == shipped["counts"]
    assert same["provenance"]["manifest_sha256"] == shipped["provenance"]["manifest_sha256"]
    assert empty["provenance"]["manifest"] == "none.toml"
    assert undeclared < {line["concept"] for line in empty["undeclared"]}


async def test_it_is_written_in_every_format(control: Control) -> None:
    await control.ask("GET", "/account")
    url = f"{control.base}/api/v1/report?format=jsonl"

    async with control.http.post(url, data=EMPTY) as answer:
        lines = (await answer.text()).splitlines()

    assert answer.content_type == "application/jsonl"
    assert all(json.loads(line) for line in lines)


@pytest.mark.parametrize(
    ("manifest", "status", "says"),
    [
        pytest.param("[manifest", 400, "mine.toml: is not TOML", id="no-toml"),
        pytest.param("", 400, "mine.toml: [manifest]: schema: write schema = 1", id="empty"),
        pytest.param(
            f"{EMPTY}[[claim]]\nid = 5\n", 400, "claim number 1: id: must be a text", id="row"
        ),
        pytest.param(b"\xff", 400, "is not UTF-8", id="utf-8"),
        pytest.param(io.BytesIO(b"#" * (LARGEST + 1)), 413, "at most 1048576 bytes", id="large"),
    ],
)
async def test_what_is_wrong_with_it_is_said(
    control: Control, manifest: Any, status: int, says: str
) -> None:
    found, problem = await judged(control, manifest, name="mine.toml")

    assert found == status
    assert says in problem["detail"]
