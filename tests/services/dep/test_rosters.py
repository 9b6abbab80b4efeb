"""Rosters of a school: lists, changes, versions, and who gets them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.state import Body, State
from simulator.disclosure.concepts import CONCEPTS
from simulator.protocol import quirks
from simulator.protocol.fields import walk
from simulator.services.dep import roster_seeding, rosters
from simulator.services.dep.roster_rows import CLASS, COURSE, LOCATION, PERSON
from simulator.services.dep.roster_seeding import RosterPlan
from simulator.services.organisations import change_organisation
from tests.apple import Answer, Apple

DAY_S = 86_400
PATHS: dict[rosters.Kind, str] = {
    "class": "/roster/class",
    "person": "/roster/class/person",
    "location": "/roster/class/location",
    "course": "/roster/course",
}


def enrol(apple: Apple) -> None:
    """Make the organisation a school."""
    apple.run(lambda state: change_organisation(state, "acme", org_type="edu"))


@pytest.fixture
def school(apple: Apple) -> Apple:
    enrol(apple)
    return apple


def person(number: int, **more: Any) -> Body:
    return {
        "unique_identifier": f"P-{number}",
        "name": f"Ada {number}",
        "status": "Active",
        "source_system_identifier": f"S-{number:04d}",
    } | more


def write(apple: Apple, *records: Body, kind: rosters.Kind = "person") -> None:
    apple.home(lambda home: rosters.write(home, kind, list(records), apple.now_ms))


def delete(apple: Apple, key: str) -> None:
    apple.home(lambda home: rosters.delete(home, "person", key, apple.now_ms))


def ask(apple: Apple, path: str, body: Any = None, **more: Any) -> Answer:
    session = more.pop("session", None) or apple.session()
    return apple.call("POST", path, body or {}, session=session, **more)


def persons(answer: Answer) -> list[str]:
    return [one["unique_identifier"] for one in answer.json["persons"]]


def switch(apple: Apple, quirk: str, *, is_on: bool = True) -> None:
    apple.run(lambda state: quirks.switch(state, quirk, quirks.EVERYBODY, is_on=is_on))


def test_a_list_comes_in_pages_in_order_of_the_source_and_is_a_snapshot(school: Apple) -> None:
    write(school, person(3), person(1), person(2))

    first = ask(school, PATHS["person"], {"limit": 2})
    write(school, person(0), person(4))
    second = ask(school, PATHS["person"], {"limit": 2, "cursor": first.json["cursor"]})
    third = ask(school, PATHS["person"], {"cursor": second.json["cursor"]})

    assert (persons(first), first.json["more_to_follow"]) == (["P-1", "P-2"], True)
    assert (persons(second), second.json["more_to_follow"]) == (["P-3"], False)
    assert persons(third) == []
    assert all(len(one.json["cursor"]) <= 512 for one in (first, second, third))


def test_a_sync_tells_what_was_made_changed_and_deleted_since(school: Apple) -> None:
    write(school, person(1), person(2), person(3))
    start = ask(school, PATHS["person"]).json["cursor"]
    school.advance(DAY_S)
    write(school, person(2, name="Bodil 2"), person(4))
    delete(school, "P-1")

    answer = ask(school, f"{PATHS['person']}/sync", {"cursor": start, "limit": 2})
    rest = ask(school, f"{PATHS['person']}/sync", {"cursor": answer.json["cursor"]})

    assert (persons(answer), answer.json["more_to_follow"]) == (["P-2", "P-4"], True)
    assert answer.json["fetched_until"] == "2026-03-02T12:00:00Z"
    (gone,) = rest.json["persons"]
    assert (gone["unique_identifier"], gone["status"], gone["op_date"]) == (
        "P-1",
        "InActive",
        "2026-03-02T12:00:00Z",
    )
    assert persons(ask(school, PATHS["person"])) == ["P-2", "P-3", "P-4"]


def test_before_version_3_nothing_tells_of_a_deletion(school: Apple) -> None:
    write(school, person(1), person(2))
    start = ask(school, PATHS["person"], version=2).json["cursor"]
    delete(school, "P-1")

    old = ask(school, f"{PATHS['person']}/sync", {"cursor": start}, version=2)

    assert old.json["persons"] == []
    assert old.json["more_to_follow"] is False


def test_who_is_deleted_and_comes_back_is_there_again(school: Apple) -> None:
    write(school, person(1))
    delete(school, "P-1")
    gone = ask(school, PATHS["person"])
    write(school, person(1))

    assert persons(gone) == []
    assert persons(ask(school, PATHS["person"])) == ["P-1"]


def test_fields_come_with_their_versions(school: Apple) -> None:
    plan = RosterPlan(pupils=1, staff=0, classes=1, locations=1)
    listed = dict(roster_seeding.records(plan, "school.example"))
    write(school, listed["person"][0])

    def keys(version: int) -> set[str]:
        return set(ask(school, PATHS["person"], version=version).json["persons"][0])

    assert keys(1) == {
        "unique_identifier",
        "name",
        "managed_apple_id",
        "grade",
        "source",
        "source_system_identifier",
    }
    added = {"first_name", "middle_name", "last_name", "passcode_type", "status", "op_date"}
    assert keys(3) - keys(2) == added
    assert keys(4) - keys(3) == {"person_id"}
    assert keys(5) - keys(4) == {"email_address", "sis_username"}
    assert keys(6) - keys(5) == {"is_federated_auth"}


def test_a_cursor_ends_after_seven_days_or_one(school: Apple) -> None:
    write(school, person(1))
    start = ask(school, PATHS["person"]).json["cursor"]
    sync = f"{PATHS['person']}/sync"
    school.advance(2 * DAY_S)
    after_two = ask(school, sync, {"cursor": start})
    switch(school, "dep.roster-day")
    by_table = ask(school, sync, {"cursor": start})
    switch(school, "dep.roster-day", is_on=False)
    school.advance(5 * DAY_S + 1)
    after_seven = ask(school, sync, {"cursor": start})

    assert after_two.status == 200
    assert [one.exchange.error for one in (by_table, after_seven)] == ["EXPIRED_CURSOR"] * 2


def test_a_cursor_is_good_for_its_server_and_its_list_alone(school: Apple) -> None:
    write(school, person(1))
    cursor = ask(school, PATHS["person"]).json["cursor"]
    sync = f"{PATHS['person']}/sync"

    foreign = ask(school, sync, {"cursor": cursor}, session=school.session("b"))
    other_list = ask(school, f"{PATHS['class']}/sync", {"cursor": cursor})
    damaged = [
        ask(school, sync, {"cursor": text})
        for text in (cursor[:-2], cursor[::-1], "MTow", "\u00e5", "x" * 512)
    ]
    none = [ask(school, sync, body) for body in ({}, {"cursor": ""}, {"cursor": None})]
    synced = ask(school, sync, {"cursor": cursor}).json["cursor"]
    listed = ask(school, PATHS["person"], {"cursor": synced})

    for one in (foreign, other_list, *damaged, listed):
        assert (one.status, one.exchange.error) == (400, "INVALID_CURSOR")
    assert [one.exchange.error for one in none] == ["CURSOR_REQUIRED"] * 3


def advertised(apple: Apple) -> set[str]:
    account = apple.call("GET", "/account", session=apple.session()).json
    return {one["uri"] for one in account["urls"] if one["uri"].startswith("/roster")}


def test_business_organisations_are_told_of_no_rosters_and_get_none(apple: Apple) -> None:
    refused = [ask(apple, path) for path in PATHS.values()]
    before = advertised(apple)
    switch(apple, "dep.rosters-for-all")
    after = ask(apple, PATHS["person"])

    assert {(one.status, one.exchange.error) for one in refused} == {(403, "ACCESS_DENIED")}
    assert before == set()
    assert (after.status, after.json["persons"]) == (200, [])
    assert len(advertised(apple)) == 8


def test_schools_are_told_of_eight_paths(school: Apple) -> None:
    assert advertised(school) == {
        "/roster/class",
        "/roster/class/sync",
        "/roster/class/person",
        "/roster/class/person/sync",
        "/roster/class/location",
        "/roster/class/location/sync",
        "/roster/course",
        "/roster/course/sync",
    }


def test_samples_say_more_to_follow_as_a_text(school: Apple) -> None:
    switch(school, "dep.roster-strings")

    assert ask(school, PATHS["course"]).json["more_to_follow"] == "false"


def test_an_invented_school_holds_together(school: Apple) -> None:
    plan = RosterPlan(pupils=90, staff=7, classes=9, locations=2)

    def seed(home: State) -> None:
        for kind, records in roster_seeding.records(plan, "school.example"):
            rosters.write(home, kind, records, school.now_ms)

    school.home(seed)
    found = {kind: ask(school, path).json[rosters.LISTS[kind]] for kind, path in PATHS.items()}

    assert {kind: len(records) for kind, records in found.items()} == {
        "class": 9,
        "person": 97,
        "location": 2,
        "course": 8,
    }
    pupils = {one["unique_identifier"] for one in found["person"] if one["grade"]}
    staff = {one["unique_identifier"] for one in found["person"] if one["grade"] is None}
    taught = [key for one in found["class"] for key in one["student_unique_identifiers"]]
    assert len(taught) == len(set(taught)) == 90
    assert set(taught) == pupils
    assert {key for one in found["class"] for key in one["instructor_unique_identifiers"]} == staff
    assert {one["location"]["unique_identifier"] for one in found["class"]} == {"L-001", "L-002"}


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(CLASS, id="class"),
        pytest.param(PERSON, id="person"),
        pytest.param(LOCATION, id="location"),
        pytest.param(COURSE, id="course"),
    ],
)
def test_every_field_is_about_pupils_or_staff(rows: Any) -> None:
    concepts = [CONCEPTS[row.concept] for row in walk(rows) if row.concept]
    told = [one for one in concepts if one.name != "protocol"]

    assert {one.subject for one in told} <= {"pupil", "staff"}
    assert len(told) == len(concepts) - 1


def act(apple: Apple, step: str, number: int) -> None:
    apple.advance(1)
    if step == "write":
        write(apple, person(number, name=f"At {apple.now_ms}"))
    elif apple.home(lambda home: rosters.find(home, "person", f"P-{number}")) is not None:
        delete(apple, f"P-{number}")


@given(
    st.lists(
        st.tuples(st.sampled_from(["write", "delete", "sync"]), st.integers(0, 5)), max_size=20
    )
)
def test_who_merges_what_syncs_say_has_the_list(steps: list[tuple[str, int]]) -> None:
    apple = Apple()
    enrol(apple)
    session = apple.session()
    write(apple, person(0), person(1))
    held: dict[str, Body] = {}

    def sync(cursor: str) -> str:
        path, more = PATHS["person"] + ("/sync" if cursor else ""), True
        while more:
            body = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            answer = ask(apple, path, body, session=session).json
            held.update({one["unique_identifier"]: one for one in answer["persons"]})
            cursor, more = answer["cursor"], answer["more_to_follow"]
        return cursor

    cursor = sync("")
    for step, number in steps:
        if step == "sync":
            cursor = sync(cursor)
        else:
            act(apple, step, number)
    sync(cursor)
    full = ask(apple, PATHS["person"], session=session).json["persons"]
    apple.store.close()

    assert {key: one for key, one in held.items() if one["status"] == "Active"} == {
        one["unique_identifier"]: one for one in full
    }
