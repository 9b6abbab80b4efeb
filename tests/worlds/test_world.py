import itertools
from pathlib import Path

import pytest

from simulator.core.settings import ConfigurationError
from simulator.core.timestamps import milliseconds
from simulator.hardware.devices import BLOCK, generate
from simulator.hardware.products import FAMILIES
from simulator.services.fleet.arrivals import MOST_EVER
from simulator.worlds import organisations
from simulator.worlds.organisations import DepServer
from simulator.worlds.world import load_world, parse_world, world_names

HEAD = """
[world]
name = "small"
about = "Two servers."
"""
ORGANISATION = """
[[organisation]]
id = "acme"
name = "Acme"
email = "it@acme.example"
phone = "+1-555-0101"
address = "1 Road"
org_id = "77"
org_type = "org"
org_version = "v2"
admin_id = "admin@acme.example"
"""
SERVER = """
[[organisation.dep_server]]
id = "main"
name = "Main"
"""
GENERATED = """
[[organisation.devices]]
server = "main"
assigned_by = "admin@acme.example"
assigned_from = 2026-01-05T10:00:00Z
every_s = 60
count = 10
families = ["iPad", "Mac"]
"""
LIST = """
[[organisation.devices]]
server = "main"
assigned_by = "admin@acme.example"
assigned_from = 2026-01-05T10:00:00+01:00
"""
DEVICE = """
[[organisation.devices.device]]
serial_number = "0ZEXAMPLE1"
model = "iPad Air"
description = "IPAD AIR 11 WI-FI 128GB-USA"
color = "BLUE"
os = "iPadOS"
device_family = "iPad"
imei = ["00 129600 314225 3"]
"""
WHOLE = HEAD + ORGANISATION + SERVER + GENERATED + LIST + DEVICE
OTHER = ORGANISATION.replace('"acme"', '"other"').replace('"77"', '"78"')


def refusal(source: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_world(source, "w.toml")
    return str(caught.value)


def test_world_has_what_the_file_says() -> None:
    world = parse_world(WHOLE, "w.toml")

    (organisation,) = world.organisations
    generated, listed = organisation.devices
    assert (world.name, world.about) == ("small", "Two servers.")
    assert organisation.dep_servers == (DepServer("main", "Main"),)
    assert (generated.count, generated.families, generated.listed) == (10, ("iPad", "Mac"), ())
    assert generated.assigned_from_ms == milliseconds("2026-01-05T10:00:00Z")
    assert listed.assigned_from_ms == milliseconds("2026-01-05T09:00:00Z")
    assert (listed.count, listed.families, listed.every_s) == (1, None, 60)
    assert listed.listed == (
        {
            "serial_number": "0ZEXAMPLE1",
            "model": "iPad Air",
            "description": "IPAD AIR 11 WI-FI 128GB-USA",
            "color": "BLUE",
            "os": "iPadOS",
            "device_family": "iPad",
            "imei": ["00 129600 314225 3"],
        },
    )


def test_optional_keys_have_defaults() -> None:
    source = WHOLE.replace('org_version = "v2"\n', "").replace('about = "Two servers."\n', "")

    world = parse_world(source.replace("every_s = 60\n", ""), "w.toml")

    assert world.about == ""
    assert world.organisations[0].org_version == "v2"
    assert world.organisations[0].facilitator_id is None
    assert world.organisations[0].devices[0].every_s == 60


OPTIONAL = ("color", "asset_tag", "imei", "meid", "eid", "ethernet_mac_address")
ORG = "w.toml: [[organisation]] 1"
DEVICES = f"{ORG}, [[organisation.devices]] 1"
HARDWARE = f"{ORG}, [[organisation.devices]] 2, [[organisation.devices.device]] 1"
LONG = '"' + "a" * 65 + '"'
REPLACED = [
    pytest.param('name = "small"', "name =", "w.toml: is not TOML: ", id="not-toml"),
    pytest.param("T10:00:00Z", "T25:00:00Z", "w.toml: is not TOML: ", id="no-such-hour"),
    pytest.param("2026-01-05T", "2026-02-30T", "w.toml: is not TOML: ", id="no-such-day"),
    pytest.param(
        HEAD,
        "",
        "w.toml: [world]: is missing or no table: write key = value lines under [world]",
        id="no-world",
    ),
    pytest.param(
        HEAD,
        "world = 1",
        "w.toml: [world]: is missing or no table: write key = value lines under [world]",
        id="world-no-table",
    ),
    pytest.param(
        HEAD,
        HEAD + "[wrold]",
        "w.toml: wrold is not known here: use world, organisation",
        id="unknown-table",
    ),
    pytest.param(
        "about",
        "abuot",
        "w.toml: [world]: abuot is not known here: use name, about",
        id="unknown-key-in-world",
    ),
    pytest.param(
        '"Two servers."',
        "2",
        'w.toml: [world]: about must be a text, such as about = "…"',
        id="about-no-text",
    ),
    pytest.param(
        'name = "small"',
        'name = ""',
        "w.toml: [world]: name must be up to 64 letters, digits, '.', '_' or '-', "
        'such as name = "demo"',
        id="world-without-name",
    ),
    pytest.param("org_id =", "orgid =", f"{ORG}: orgid is not known here: use id, ", id="unknown"),
    pytest.param(
        'phone = "+1-555-0101"\n',
        "",
        f'{ORG}: phone is missing: add phone = "+1-555-0100"',
        id="missing",
    ),
    pytest.param(
        '"77"',
        "77",
        f'{ORG}: org_id must be a text of one line, such as org_id = "1234567890"',
        id="number-for-text",
    ),
    pytest.param('"1 Road"', '" "', f"{ORG}: address must be a text of one line", id="blank"),
    pytest.param(
        '"1 Road"', '"1\\n2"', f"{ORG}: address must be a text of one line", id="line-break"
    ),
    pytest.param(
        '"it@acme.example"', '"it"', f"{ORG}: email must be an e-mail address", id="no-email"
    ),
    pytest.param(
        'org_type = "org"',
        'org_type = "firm"',
        f"{ORG}: org_type must be one of org, edu",
        id="type",
    ),
    pytest.param('"v2"', '"v3"', f"{ORG}: org_version must be one of v2, v1", id="version"),
    pytest.param('id = "acme"', 'id = "a/b"', f"{ORG}: id must be up to 64 letters", id="slash"),
    pytest.param('id = "acme"', f"id = {LONG}", f"{ORG}: id must be up to 64 letters", id="long"),
    pytest.param(
        ORGANISATION + SERVER + GENERATED + LIST + DEVICE,
        "[organisation]",
        "w.toml: organisation must be a list of tables: head each with [[organisation]]",
        id="single-table",
    ),
    pytest.param(
        ORGANISATION + SERVER + GENERATED + LIST + DEVICE,
        "",
        "w.toml: organisation is missing: add a table [[organisation]]",
        id="no-organisation",
    ),
    pytest.param(
        SERVER,
        "dep_server = [1]",
        f"{ORG}, [[organisation.dep_server]] 1: is missing or no table",
        id="server-no-table",
    ),
    pytest.param(
        SERVER + GENERATED,
        ORGANISATION.replace('"77"', '"78"') + SERVER + GENERATED,
        "w.toml: [[organisation]] 2: id 'acme' is taken by [[organisation]] 1: "
        "give each its own id",
        id="organisation-twice",
    ),
    pytest.param(
        SERVER + GENERATED,
        ORGANISATION.replace('"acme"', '"other"') + SERVER + GENERATED,
        "w.toml: [[organisation]] 2: org_id '77' is taken by [[organisation]] 1",
        id="org-id-twice",
    ),
    pytest.param(
        SERVER,
        SERVER + OTHER + SERVER,
        "w.toml: [[organisation]] 2, [[organisation.dep_server]] 1: id 'main' is taken by "
        "[[organisation]] 1, [[organisation.dep_server]] 1",
        id="server-id-twice",
    ),
    pytest.param(
        SERVER,
        SERVER + SERVER.replace('"main"', '"second"'),
        f"{ORG}, [[organisation.dep_server]] 2: name 'Main' is taken by ",
        id="server-name-twice",
    ),
    pytest.param(
        'server = "main"',
        'server = "mian"',
        f"{DEVICES}: server 'mian' is not one of the organisation's: use main",
        id="unknown-server",
    ),
    pytest.param(
        SERVER,
        "",
        f"{DEVICES}: server 'main' is not one of the organisation's: "
        "use one that [[organisation.dep_server]] adds",
        id="no-server",
    ),
    pytest.param(
        "2026-01-05T10:00:00Z",
        '"2026-01-05T10:00:00Z"',
        f"{DEVICES}: assigned_from must be a date and time with offset, without quotes, "
        "such as assigned_from = 2026-01-05T10:00:00Z",
        id="quoted-date",
    ),
    pytest.param(
        "T10:00:00Z", "T10:00:00", f"{DEVICES}: assigned_from must be a date", id="no-offset"
    ),
    pytest.param("T10:00:00Z", "", f"{DEVICES}: assigned_from must be a date", id="no-time"),
    pytest.param(
        "2026-01-05T10:00:00Z",
        "1969-12-31T10:00:00Z",
        f"{DEVICES}: assigned_from must be a date",
        id="before-the-epoch",
    ),
    pytest.param("every_s = 60", "every_s = -1", f"{DEVICES}: every_s must be a whole", id="every"),
    pytest.param("count = 10", "count = 0", f"{DEVICES}: count must be a whole number", id="none"),
    pytest.param("count = 10", "count = true", f"{DEVICES}: count must be a whole", id="bool"),
    pytest.param("count = 10", 'count = "10"', f"{DEVICES}: count must be a whole", id="text"),
    pytest.param(
        "count = 10",
        f"count = {BLOCK + 1}",
        f"{DEVICES}: count must be a whole number from 1 to {BLOCK}, such as count = 25",
        id="too-many",
    ),
    pytest.param(
        '["iPad", "Mac"]',
        '["iPad", "Watch"]',
        f"{DEVICES}: families must be a list, and each item must be one of iPhone, iPad, iPod, "
        'Mac, AppleTV, Vision, such as families = ["iPad", "Mac"]',
        id="unknown-family",
    ),
    pytest.param(
        '["iPad", "Mac"]', "[]", f"{DEVICES}: families must be a list that is not", id="no-family"
    ),
    pytest.param(
        '["iPad", "Mac"]', '"iPad"', f"{DEVICES}: families must be a list", id="family-no-list"
    ),
    pytest.param(
        "count = 10\n",
        "",
        f"{DEVICES}: needs either count or device tables: add count",
        id="neither",
    ),
    pytest.param(
        LIST,
        LIST + "count = 1",
        "w.toml: [[organisation]] 1, [[organisation.devices]] 2: needs either count or device",
        id="both",
    ),
    pytest.param(
        LIST,
        LIST + 'families = ["iPad"]',
        "w.toml: [[organisation]] 1, [[organisation.devices]] 2: families goes with count only",
        id="families-of-listed",
    ),
    pytest.param(
        'color = "BLUE"',
        'colour = "BLUE"',
        f"{HARDWARE}: colour is not known here: use serial_number, model, description, color,",
        id="unknown-fact",
    ),
    pytest.param(
        'os = "iPadOS"\n', "", f'{HARDWARE}: os is missing: add os = "OSX"', id="missing-fact"
    ),
    pytest.param(
        '"iPadOS"',
        '"iOS"',
        f"{HARDWARE}: os 'iOS' does not go with iPad: write os = \"iPadOS\"",
        id="os-of-another-family",
    ),
    pytest.param(
        '["00 129600 314225 3"]',
        '"00 129600 314225 3"',
        f"{HARDWARE}: imei must be a list that is not empty, such as imei = [",
        id="imei-no-list",
    ),
    pytest.param(
        DEVICE,
        DEVICE + DEVICE,
        "w.toml: [[organisation]] 1, [[organisation.devices]] 2, "
        "[[organisation.devices.device]] 2: serial_number '0ZEXAMPLE1' is taken by ",
        id="serial-twice",
    ),
    pytest.param(
        DEVICE,
        DEVICE + OTHER + SERVER.replace("main", "b") + LIST.replace('"main"', '"b"') + DEVICE,
        "w.toml: [[organisation]] 2, [[organisation.devices]] 1, "
        "[[organisation.devices.device]] 1: serial_number '0ZEXAMPLE1' is taken by ",
        id="serial-in-two-organisations",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), REPLACED)
def test_bad_file_is_refused_in_one_line_that_says_where_and_what(
    old: str, new: str, message: str
) -> None:
    assert old in WHOLE

    refused = refusal(WHOLE.replace(old, new, 1))

    assert refused.startswith(message)
    assert "\n" not in refused


def test_a_world_has_as_many_lists_as_large_customers_have() -> None:
    world = parse_world(HEAD + ORGANISATION + SERVER + GENERATED * 2000, "many.toml")

    lists = sorted(devices.start for _, devices in world.device_lists())
    assert len(lists) == 2000
    assert lists[:2] == [0, BLOCK]
    assert all(b - a >= 72_072 for a, b in itertools.pairwise(lists))
    assert lists[-1] + 72_072 <= 280 * BLOCK  # behind are the devices that arrive later


def test_a_large_list_behind_many_others_is_refused() -> None:
    many = HEAD + ORGANISATION + SERVER + GENERATED * 279
    large = GENERATED.replace("count = 10", "count = 72073")
    assert large != GENERATED

    refused = refusal(many + large)

    assert refused.startswith(f"{ORG}, [[organisation.devices]] 280: count must be at most 72072")
    world = parse_world(many + large.replace("72073", "72072"), "many.toml")
    assert world.device_count() == 279 * 10 + 72_072


def test_more_lists_than_there_are_indices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert organisations.MOST_LISTS == 10_279
    monkeypatch.setattr("simulator.worlds.world.MOST_LISTS", 3)  # so many take a second to read

    refused = refusal(HEAD + ORGANISATION + SERVER + GENERATED * 4)

    assert refused.startswith(f"{ORG}, [[organisation.devices]] 4: is one list too many")


def test_world_is_loaded_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(WHOLE)

    world = load_world(str(path))

    assert world == parse_world(WHOLE, "mine.toml")


def test_error_in_a_file_names_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[world]")

    with pytest.raises(ConfigurationError) as caught:
        load_world(str(path))

    assert str(caught.value) == f'{path}: [world]: name is missing: add name = "demo"'


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml: No such file or directory: name a"):
        load_world(str(tmp_path / "none.toml"))


def test_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes('[world]\nname = "é"'.encode("latin-1"))

    with pytest.raises(ConfigurationError, match=r"latin\.toml: is not UTF-8: save it as UTF-8"):
        load_world(str(path))


def test_unknown_name_lists_the_shipped_worlds() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_world("dmeo")

    shipped = ", ".join(world_names())
    assert str(caught.value) == (
        f"there is no world 'dmeo': name one of {shipped} or a path that ends in .toml"
    )


def test_demo_ships() -> None:
    assert "demo" in world_names()


@pytest.mark.parametrize("name", world_names())
def test_shipped_world_is_sound_and_named_like_its_file(name: str) -> None:
    assert load_world(name).name == name


@pytest.mark.parametrize("seed", [1, 2, 99])
def test_demo_covers_every_kind_of_device(seed: int) -> None:
    ((_, devices),) = load_world("demo").device_lists()

    made = list(generate(devices.count, seed, start=devices.start))

    assert devices.count == 25
    assert {device["device_family"] for device in made} == set(FAMILIES)
    for name in OPTIONAL:
        assert 0 < sum(name in device for device in made) < 25
    assert {len(device["imei"]) for device in made if "imei" in device} == {1, 2}
    assert {len(device["serial_number"]) for device in made} == {10, 12}


ARRIVALS = """
[[organisation.arrivals]]
server = "main"
assigned_by = "admin@acme.example"
count = 5
every_s = 3600
starts = 2026-01-05T10:00:00Z
ends = 2026-01-06T10:00:00Z
times = 4
families = ["Mac"]
"""


def test_arrivals_are_what_the_file_says() -> None:
    short = ARRIVALS[: ARRIVALS.index("starts")]

    ((whole, bare),) = (
        organisation.arrivals
        for organisation in parse_world(WHOLE + ARRIVALS + short, "w.toml").organisations
    )

    day = milliseconds("2026-01-05T10:00:00Z"), milliseconds("2026-01-06T10:00:00Z")
    assert (whole.count, whole.every_s, whole.times, whole.families) == (5, 3600, 4, ("Mac",))
    assert (whole.starts_ms, whole.ends_ms) == day
    assert (bare.starts_ms, bare.ends_ms, bare.times, bare.families) == (None, None, 0, None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            'server = "main"',
            'server = "other"',
            "server 'other' is not one of the organisation's: use main",
            id="server",
        ),
        pytest.param(
            "ends = 2026-01-06",
            "ends = 2026-01-05",
            "ends must be after starts: set a later time, or drop it",
            id="ends",
        ),
        pytest.param(
            "every_s = 3600",
            "",
            "every_s is missing: add every_s = 3600",
            id="no-interval",
        ),
    ],
)
def test_impossible_arrivals_are_refused(old: str, new: str, message: str) -> None:
    assert old in ARRIVALS

    refused = refusal(WHOLE + ARRIVALS.replace(old, new, 1))

    assert refused == f"{ORG}, [[organisation.arrivals]] 1: {message}"


def test_more_arrivals_than_have_numbers_are_refused() -> None:
    refused = refusal(WHOLE + ARRIVALS * (MOST_EVER + 1))

    assert refused == (
        f"{ORG}, [[organisation.arrivals]] {MOST_EVER + 1}: is one too many: "
        f"a world has at most {MOST_EVER} arrivals"
    )


def test_an_organisation_may_have_several_push_topics() -> None:
    more = ORGANISATION.replace("admin_id", "push_topics = 3\nadmin_id")

    (organisation,) = parse_world(HEAD + more, "w.toml").organisations

    assert organisation.parts["apns"].topics == 3


def test_enterprise_is_large_and_has_several_of_everything() -> None:
    world = load_world("enterprise")

    group = world.organisations[0]
    assert world.device_count() == 200_000
    assert min(len(group.dep_servers), group.parts["apns"].topics) >= 3
    assert len(group.parts["vpp"]) >= 2
    assert group.arrivals
    assert len(world.organisations) == 2
