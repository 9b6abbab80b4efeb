"""Which property lists of devices are looked at for secrets: all that may hold one."""

import plistlib

import pytest

from simulator.control.device_journal import is_suspicious


@pytest.mark.parametrize(
    "key",
    [
        "PIN",
        "PIN ",
        "P<!-- -->IN",
        "P<?x?>IN",
        "<![CDATA[PIN]]>",
        "&#80;IN",
        "userPassword",
        "Payload",
    ],
)
def test_a_key_of_a_secret_is_seen_however_it_is_written(key: str) -> None:
    text = f'<?xml version="1.0"?><plist><dict><key>{key}</key ><string>7</string></dict></plist>'

    (read,) = plistlib.loads(text.encode())

    assert read.strip() in {"PIN", "userPassword", "Payload"}
    assert is_suspicious(text.encode()) == (read == read.strip())


def test_a_result_without_secrets_is_not() -> None:
    result = {"Status": "Acknowledged", "QueryResponses": {"DeviceName": "PIN", "Pins": 3}}

    assert not is_suspicious(plistlib.dumps(result))
