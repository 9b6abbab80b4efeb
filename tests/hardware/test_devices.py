import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.hardware.devices import (
    CAPACITY,
    MARK,
    DeviceMix,
    eid,
    generate,
    imeis,
    lines,
    mac_addresses,
    serial_number,
)
from simulator.hardware.products import FAMILIES, PRODUCTS

MANY = 200_000
WIRE_NAMES = {
    "serial_number": str,
    "model": str,
    "description": str,
    "color": str,
    "asset_tag": str,
    "os": str,
    "device_family": str,
    "imei": list,
    "meid": list,
    "eid": str,
    "wifi_mac_address": str,
    "bluetooth_mac_address": str,
    "ethernet_mac_address": str,
}
indices = st.integers(0, CAPACITY - 1)


def luhn_holds(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number.replace(" ", ""))]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def device_at(index: int, seed: int = 1) -> dict[str, Any]:
    return next(generate(1, seed, start=index))


def numbers(devices: Iterator[dict[str, Any]], name: str) -> list[str]:
    found = [device[name] for device in devices if name in device]
    return [number for each in found for number in (each if isinstance(each, list) else [each])]


@pytest.fixture(scope="module")
def many() -> list[dict[str, Any]]:
    return list(generate(MANY, seed=7))


@pytest.mark.parametrize(
    "name",
    [
        "serial_number",
        "asset_tag",
        "imei",
        "meid",
        "eid",
        "wifi_mac_address",
        "bluetooth_mac_address",
        "ethernet_mac_address",
    ],
)
def test_no_two_devices_share_a_number(many: list[dict[str, Any]], name: str) -> None:
    found = numbers(iter(many), name)

    assert len(set(found)) == len(found) > 1000


def test_no_two_interfaces_share_an_address(many: list[dict[str, Any]]) -> None:
    found = [device[name] for device in many for name in device if name.endswith("_mac_address")]

    assert len(set(found)) == len(found)


@given(first=indices, second=indices)
def test_far_apart_indices_have_different_numbers(first: int, second: int) -> None:
    one, other = device_at(first), device_at(second)

    assert (first == second) == (one["serial_number"] == other["serial_number"])
    assert (first == second) == (one["wifi_mac_address"] == other["wifi_mac_address"])


def test_same_seed_gives_same_devices() -> None:
    assert list(generate(300, 5)) == list(generate(300, 5))


def test_another_seed_gives_other_devices() -> None:
    one = {device["serial_number"] for device in generate(300, 5)}
    other = {device["serial_number"] for device in generate(300, 6)}

    assert not one & other


@pytest.mark.parametrize("families", [None, ["iPad"], ["Mac", "Vision"]])
def test_pieces_make_the_whole(families: list[str] | None) -> None:
    whole = list(generate(100, 3, families=families))

    pieces = [
        device
        for start in range(0, 100, 7)
        for device in generate(min(7, 100 - start), 3, start=start, families=families)
    ]

    assert pieces == whole


def test_known_device_stays_as_it_is() -> None:
    assert device_at(0) == {
        "serial_number": "0Z0LTCR4NT",
        "model": "Mac Studio",
        "description": "MAC STUDIO/M4 MAX/36GB/512GB-USA",
        "os": "OSX",
        "device_family": "Mac",
        "asset_tag": "AT-00000000",
        "wifi_mac_address": "AE:97:2C:43:E5:1C",
        "bluetooth_mac_address": "AE:97:2C:43:E5:1D",
        "ethernet_mac_address": "AE:97:2C:43:E5:1E",
    }


@pytest.mark.parametrize("seed", range(20))
def test_one_run_has_every_product_line(seed: int) -> None:
    run = generate(len(PRODUCTS), seed, start=3 * len(PRODUCTS))

    assert sorted(device["model"] for device in run) == sorted(line.model for line in PRODUCTS)


def test_lines_come_in_another_order_each_run() -> None:
    devices = generate(2 * len(PRODUCTS), seed=1)

    first = [device["model"] for device in islice(devices, len(PRODUCTS))]
    second = [device["model"] for device in devices]

    assert first != second


@given(index=indices, seed=st.integers())
def test_device_has_nothing_but_wire_names_of_the_right_type(index: int, seed: int) -> None:
    device = device_at(index, seed)

    assert device.keys() <= WIRE_NAMES.keys()
    assert all(isinstance(value, WIRE_NAMES[name]) for name, value in device.items())
    assert all(device.values())
    assert device["os"] == FAMILIES[device["device_family"]]
    assert "{" not in device["description"]


@given(place=indices, length=st.sampled_from((10, 12)))
def test_serial_number_is_marked_and_free_of_ambiguous_letters(place: int, length: int) -> None:
    serial = serial_number(place, length)

    assert len(serial) == length
    assert serial.startswith(MARK)
    assert re.fullmatch(r"[0-9C-HJ-NP-TV-Z]+", serial)


@given(place=indices)
def test_imeis_are_test_numbers_with_a_valid_check_digit(place: int) -> None:
    first, second = imeis(place, 2)

    assert all(re.fullmatch(r"00 \d{6} \d{6} \d", number) for number in (first, second))
    assert luhn_holds(first)
    assert luhn_holds(second)
    assert first != second


def test_luhn_check_of_this_test_knows_a_valid_number() -> None:
    assert luhn_holds("49 015420 323751 8")
    assert not luhn_holds("49 015420 323751 7")


def test_meid_is_the_imei_without_its_check_digit(many: list[dict[str, Any]]) -> None:
    with_meid = [device for device in many if "meid" in device]

    assert all(device["meid"] == [device["imei"][0].replace(" ", "")[:-1]] for device in with_meid)


@given(place=indices)
def test_eid_is_nobodys_and_its_check_digits_hold(place: int) -> None:
    number = eid(place)

    assert re.fullmatch(r"89999\d{27}", number)
    assert int(number) % 97 == 1


@given(place=indices)
def test_mac_addresses_are_locally_administered_and_in_a_row(place: int) -> None:
    wifi, bluetooth, ethernet = mac_addresses(place)
    first, second, third = (
        int(address.replace(":", ""), 16) for address in (wifi, bluetooth, ethernet)
    )

    assert re.fullmatch(r"AE(:[0-9A-F]{2}){5}", wifi)
    assert first >> 40 & 0b11 == 0b10
    assert (second, third) == (first + 1, first + 2)


@pytest.mark.parametrize("family", FAMILIES)
def test_families_narrow_the_lines(family: str) -> None:
    devices = list(generate(20, 1, families=[family]))

    assert {device["device_family"] for device in devices} == {family}


def test_families_do_not_change_the_addresses() -> None:
    macs = generate(10, 1, families=["Mac"])

    assert [device["wifi_mac_address"] for device in macs] == [
        device["wifi_mac_address"] for device in generate(10, 1)
    ]


@pytest.mark.parametrize("families", [["Watch"], ["iPad", "Watch"], []])
def test_unknown_family_is_refused(families: list[str]) -> None:
    with pytest.raises(ValueError, match="iPhone, iPad, iPod, Mac, AppleTV, Vision"):
        lines(families)


@pytest.mark.parametrize(
    ("count", "start"),
    [
        pytest.param(1, -1, id="before-the-first"),
        pytest.param(2, CAPACITY - 1, id="behind-the-last"),
        pytest.param(-1, 0, id="negative-count"),
    ],
)
def test_index_out_of_range_is_refused(count: int, start: int) -> None:
    with pytest.raises(ValueError, match="indices run from 0"):
        generate(count, 1, start=start)


@given(indices, st.integers(0, 2**31), st.sampled_from([None, ["Mac"], ["iPad", "iPhone"]]))
def test_a_device_is_found_by_its_serial_number(
    index: int, seed: int, families: list[str] | None
) -> None:
    plan = DeviceMix(seed, families)

    assert plan.find(plan.device(index)["serial_number"]) == index


@pytest.mark.parametrize(
    "serial",
    [
        pytest.param("", id="empty"),
        pytest.param("C02XX123", id="no-mark"),
        pytest.param("0Z", id="mark-only"),
        pytest.param("0Z0000000", id="short"),
        pytest.param("0ZA0000000", id="letter-that-is-left-out"),
        pytest.param("0ZYYYYYYYY", id="beyond-the-last-place"),
        pytest.param("0Z000000001111", id="long"),
        pytest.param("0Zé0000000", id="other-letters"),
    ],
)
def test_no_device_has_another_serial_number(serial: str) -> None:
    assert DeviceMix(1).find(serial) is None


def test_places_in_order_are_serial_numbers_in_order() -> None:
    plan = DeviceMix(5)

    places = plan.by_serial(range(1000, 3000))

    serials = [plan.device(plan.index(place))["serial_number"] for place in places]
    assert serials == sorted(serials)
    assert sorted(plan.index(place) for place in places) == list(range(1000, 3000))
