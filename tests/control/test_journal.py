"""The vectors of the disclosure notes through the real pipeline: HTTP in, API out."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.control.conftest import Control

VECTORS = json.loads(Path("fixtures/disclosure/vectors.json").read_text(encoding="utf-8"))
DEP = [pytest.param(one, id=one["id"]) for one in VECTORS["vectors"] if one["service"] == "dep"]


@pytest.mark.parametrize("vector", DEP)
async def test_a_vector_comes_out_as_it_should(control: Control, vector: dict[str, Any]) -> None:
    wanted = vector["request"]
    body = wanted.get("json")
    headers = [("Host", wanted["host"]), *((name, value) for name, value in wanted["headers"])]
    if body is not None:
        headers.append(("Content-Type", "application/json"))

    await control.ask(
        wanted["method"],
        wanted["path"],
        headers=headers,
        data=None if body is None else json.dumps(body, ensure_ascii=False).encode(),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )
    _, listed = await control.call("GET", "/exchanges")
    seq = listed["exchanges"][-1]["seq"]
    _, found = await control.call("GET", f"/exchanges/{seq}/disclosures")

    assert listed["exchanges"][-1]["operation"] == vector["op"]
    records = found["disclosures"]
    for record, expected in zip(records, vector["expected"], strict=True):
        facts = {name: value for name, value in expected.items() if name != "n"}
        assert {name: record[name] for name in facts} == facts
        for key in ("fp", "shape", "len", "clear"):
            assert key in record


async def test_a_request_to_nowhere_is_in_the_journal(control: Control) -> None:
    status, text = await control.ask("GET", "/what/is/this?a=1")
    _, listed = await control.call("GET", "/exchanges?finding=path-unknown")
    _, whole = await control.call("GET", "/exchanges/1")
    _, findings = await control.call("GET", "/exchanges/1/findings")

    assert status == 404
    assert "no service has this path" in text
    assert [one["seq"] for one in listed["exchanges"]] == [1]
    assert whole["request"]["target"] == "/what/is/this?a=1"
    assert whole["response"]["status"] == 404
    assert whole["peer"]["tls"] is None
    assert findings["findings"][0]["rule"] == "path-unknown"


async def test_bodies_that_are_no_text_come_as_base64(control: Control) -> None:
    await control.ask("POST", "/server/devices", data=b"\xff\x00")

    _, whole = await control.call("GET", "/exchanges/1")

    assert whole["response"]["body"] == {"text": "UNAUTHORIZED"}
    assert set(whole["request"]["body"]) <= {"base64", "text"}


async def test_the_journal_pages_and_filters(control: Control) -> None:
    for number in range(5):
        await control.ask("GET", f"/{number}")

    _, first = await control.call("GET", "/exchanges?limit=2")
    _, rest = await control.call("GET", f"/exchanges?limit=10&after={first['next']}")
    _, none = await control.call("GET", "/exchanges?status=200")

    assert [one["seq"] for one in first["exchanges"]] == [1, 2]
    assert [one["seq"] for one in rest["exchanges"]] == [3, 4, 5]
    assert rest["next"] is None
    assert none["exchanges"] == []


async def test_the_report_is_kept_up_to_date(control: Control) -> None:
    _, empty = await control.call("GET", "/report")
    await control.ask("GET", "/mdm/v2/client/config", headers={"User-Agent": "ExampleMDM/1"})
    _, first = await control.call("GET", "/report?format=json")
    await control.ask("GET", "/account")
    _, second = await control.call("GET", "/report?redact=names&manifest=intune-to-apple&gate=1")

    assert (empty["verdict"], first["verdict"]) == ("empty", "warnings")
    assert second["counts"]["exchanges"] == first["counts"]["exchanges"] + 1


@pytest.mark.parametrize(
    ("form", "start"),
    [("text", "mdmsim"), ("markdown", "# "), ("json", "{"), ("har", "1.2"), ("html", "<svg")],
)
async def test_the_report_comes_in_each_format(control: Control, form: str, start: str) -> None:
    await control.ask("GET", "/session", headers={"User-Agent": "ExampleMDM/1"})
    async with control.http.get(f"{control.base}/api/v1/report?format={form}") as answer:
        text = await answer.text()

    assert answer.status == 200
    assert start in text


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("format=pdf", "format must be one of"),
        ("redact=none", "redact must be one of"),
        ("manifest=/etc/passwd", "manifest must be one of"),
        ("colour=blue", "colour is not known"),
    ],
)
async def test_a_report_that_does_not_exist_is_refused(
    control: Control, query: str, detail: str
) -> None:
    status, problem = await control.call("GET", f"/report?{query}")

    assert status == 400
    assert detail in problem["detail"]


async def test_exchanges_are_deleted_on_record(control: Control) -> None:
    for number in range(3):
        await control.ask("GET", f"/{number}")
    await control.call("GET", "/report")

    status, answer = await control.call("DELETE", "/exchanges")
    _, listed = await control.call("GET", "/exchanges")
    await control.ask("GET", "/again")
    _, report = await control.call("GET", "/report")
    _, ledger = await control.call("GET", "/ledger")

    assert (status, answer, listed["exchanges"]) == (200, {"deleted": 3}, [])
    assert report["counts"]["exchanges"] == 1
    assert report["provenance"]["first_exchange"] == 4
    assert report["evidence"]["complete"]
    (deletion,) = report["evidence"]["deletions"]
    assert (deletion["first"], deletion["last"], deletion["reason"]) == (1, 3, "delete")
    assert {row["requests"] for row in ledger["ledger"]} == {1}


@pytest.mark.parametrize(
    ("query", "deleted"),
    [("organisation=nobody", 0), ("before=2020-01-01T00:00:00Z", 0), ("organisation=", 1)],
)
async def test_only_what_is_meant_is_deleted(control: Control, query: str, deleted: int) -> None:
    await control.ask("GET", "/x")

    _, answer = await control.call("DELETE", f"/exchanges?{query}")

    assert answer == {"deleted": deleted}


@pytest.mark.parametrize(
    ("query", "detail"), [("colour=blue", "colour is not known"), ("before=x", "before must be")]
)
async def test_what_cannot_be_deleted_by_is_refused(
    control: Control, query: str, detail: str
) -> None:
    await control.ask("GET", "/x")

    status, problem = await control.call("DELETE", f"/exchanges?{query}")

    assert status == 400
    assert detail in problem["detail"]
    assert len((await control.call("GET", "/exchanges"))[1]["exchanges"]) == 1
