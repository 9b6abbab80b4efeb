"""Rosters by way of nanodep's proxy, and what the report says of them."""

from typing import Any

import pytest

from tests.clients.harness import Simulator
from tests.clients.nanodep import Nanodep

pytestmark = pytest.mark.clients


def test_what_a_server_gets_to_know_of_pupils_is_in_the_report(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    def ask(path: str, **body: Any) -> dict[str, Any]:
        answer = nanodep.apple("POST", path, body)
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    listed = ask("/roster/class/person", limit=1000)
    classes = ask("/roster/class")
    record = {"unique_identifier": "P-NEW", "name": "Ada Neu"}
    simulator.control("POST", "/rosters/persons", {"record": record})
    changed = ask("/roster/class/person/sync", cursor=listed["cursor"])

    assert len(listed["persons"]) == 66
    assert len(classes["classes"]) == 5
    assert [one["name"] for one in changed["persons"]] == ["Ada Neu"]
    report = simulator.control("GET", "/report", format="json")
    received = {
        (one["operation"], one["concept"]): one["subject"]
        for one in report["received"]
        if one["concept"].startswith("roster.")
    }
    assert received["dep.roster_persons", "roster.pupil_name"] == "pupil"
    assert received["dep.roster_persons", "roster.pupil_grade"] == "pupil"
    assert received["dep.roster_classes", "roster.staff_id"] == "staff"
    assert received["dep.roster_persons_sync", "roster.pupil_name"] == "pupil"
