"""Values that others keep, written down: the chain's links, fingerprints, cursors and tokens.

They were computed with sha256sum, ``openssl dgst -sha256 -hmac`` and base64, as the comments say,
and not by what is tested. A change that alters one of them breaks journals that were kept,
reports that are compared, or clients that hold a cursor.
"""

import pytest

from simulator.disclosure.observe.values import Fingerprinter
from simulator.journal.chain import START, link_of
from simulator.services.dep import cursors, rosters
from simulator.services.dep.sessions import family_of, session_token
from simulator.services.vpp.v2 import versions

KEY = b"a key of 32 bytes for these tests"
FAMILY = "0123456789ABCDEF" * 2


def test_a_link_is_the_hash_of_the_link_before_and_the_record() -> None:
    # (head -c 32 /dev/zero; printf first) | sha256sum; (that, in bytes; printf second) | sha256sum
    first = link_of(START, b"first")
    second = link_of(first, b"second")

    assert first.hex() == "3db4b4eb1df29e1585bc017b9194e30e583d7dbe9e2a7513a58442c6d4ac96bc"
    assert second.hex() == "de1e86981ce97f7ca334a50ce77d42ace7c020d4c3d4dd9aa6185f4fd8bf40a0"


def test_a_fingerprint_is_keyed_and_of_its_concept() -> None:
    # printf 'device.serial\\x1f0ZAAAAAAAAAA' | openssl dgst -sha256 -hmac KEY, 16 digits of it
    made = Fingerprinter(KEY)

    assert made.fingerprint("device.serial", "0ZAAAAAAAAAA") == "35903b47c55a3004"
    assert made.key_id == "c1d3eaed"  # printf KEY | sha256sum


@pytest.mark.parametrize(
    ("cursor", "line", "text"),
    [
        # 7:((3 * 4 + 0) << 48 | code):1000:2000:true:1000, where code is 48 bits of the HMAC of
        # dep.cursor|a|fetching|7|3|1000|2000
        pytest.param(
            cursors.DeviceCursor("fetching", 7, 3, 1000, 2000),
            0,
            "NzozNDI4OTcxMjMxMDA5OTM2OjEwMDA6MjAwMDp0cnVlOjEwMDA",
            id="fetching",
        ),
        # 9:((3 * 4 + 2) << 48 | code):..., of dep.cursor|a|syncing|9|3|1000|2000|5
        pytest.param(
            cursors.DeviceCursor("syncing", 9, 3, 1000, 2000),
            5,
            "OTozOTgyNDM1Mzg4NzY1MTA3OjEwMDA6MjAwMDp0cnVlOjEwMDA",
            id="syncing",
        ),
    ],
)
def test_a_cursor_is_bound_to_its_server_and_line(
    cursor: cursors.DeviceCursor, line: int, text: str
) -> None:
    assert cursors.encode(cursor, KEY, "a", line) == text
    assert cursors.decode(text, KEY, "a", line) == cursor
    assert cursors.decode(text, KEY, "b", line) is None
    assert cursors.decode(text, KEY, "a", line + 1) is None
    assert cursors.decode(text, b"another", "a", line) is None


def test_a_cursor_of_a_roster_is_bound_to_its_server_and_kind() -> None:
    # 8 bytes of the HMAC of roster.cursor|a|person|TEXT, and fetched|3|2000|000000000000007
    cursor = rosters.RosterCursor("fetched", 3, 2000, "000000000000007")
    text = "QjWY7gTFTP5mZXRjaGVkfDN8MjAwMHwwMDAwMDAwMDAwMDAwMDc"

    assert rosters.encode(cursor, KEY, "a", "person") == text
    assert rosters.decode(text, KEY, "a", "person") == cursor
    assert rosters.decode(text, KEY, "a", "class") is None
    assert rosters.decode(text, KEY, "b", "person") is None


def test_a_session_token_is_bound_to_its_session_and_server() -> None:
    # The HMAC of dep.session|FAMILY|1772366400000|4 in capitals, then the SHA-256 of that.
    code = "7C344529CBD9B8E382ACCCF3E3D94D51001F88B3AE0AB7E3EB8535E3750A7ECE"
    tail = "2EBB56FC5E8FEE2BC3A851F324F4245DO58E95BB3375307C7B21A5A6E8C5B3378"
    token = f"1772366400000O1O{FAMILY}O{code}O4O11Op1O{tail}"

    assert session_token(KEY, FAMILY, 1_772_366_400_000, 4) == token
    assert family_of(KEY, token) == FAMILY
    assert family_of(KEY, token.replace("O4O11", "O5O11")) == ""
    assert family_of(b"another", token) == ""


def test_a_version_id_is_bound_to_its_list() -> None:
    # 42 under 48 bits of the HMAC of mask|u/assets, then 72 bits of that of version|u/assets|42
    text = "3afe2295-3578-44f6-816c-7321a3d59e5d"

    assert versions.uuid_of(KEY, "u/assets", 42) == text
    assert versions.value_of(KEY, "u/assets", text) == 42
    assert versions.value_of(KEY, "u/users", text) is None
    assert versions.value_of(b"another", "u/assets", text) is None
