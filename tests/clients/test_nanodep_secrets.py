"""What nanodep makes beside DEP calls: bypass codes, and tokens for Managed Apple Accounts."""

import pytest

from simulator.auth import bypass_code
from tests.clients.harness import Simulator
from tests.clients.nanodep import NAME, Nanodep

pytestmark = pytest.mark.clients


@pytest.mark.parametrize(
    "raw",
    [
        "1ea841db5edfafe6075b5ae0d845d254",
        "000102030405060708090a0b0c0d0e0f",
        "ffffffffffffffffffffffffffffffff",
        "00000000000000000000000000000000",
    ],
)
def test_nanodep_writes_and_hashes_bypass_codes_as_we_do(nanodep: Nanodep, raw: str) -> None:
    answer = nanodep.api("GET", f"/v1/bypasscode?raw={raw}")

    assert answer.status == 200, answer.text
    code = bytes.fromhex(raw)
    assert answer.json["code"] == bypass_code.as_text(code)
    assert answer.json["hash"] == bypass_code.hash_of(code)


def test_a_token_of_nanodep_for_managed_accounts_is_taken_once(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    made = nanodep.api("GET", f"/v1/maidjwt/{NAME}")
    assert made.status == 200, made.text
    body = {"jwt": made.text, "account": "anna@appleid.school.example"}

    first = simulator.control("POST", "/maid/verify", body)
    second = simulator.control("POST", "/maid/verify", body)

    assert (first["ok"], first["reason"]) == (True, "")
    assert (second["ok"], second["reason"]) == (False, "jti_reused")
