"""Network and mobile accounts of Macs: the MDM checks the password by UserAuthenticate.

The MDM challenges, the Mac answers with a digest of short name, password and
challenge (YA: userauthenticate). That both are of HTTP's Digest scheme (RFC
2617), for a PUT to the check-in URL, is inferred.
"""

import hashlib
import re
from http import HTTPStatus
from urllib.parse import urlsplit

from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment import check_in
from simulator.devices.flow import OK, Flow, FlowResponse
from simulator.devices.plists import kind, read_dictionary
from simulator.devices.records import DeviceUser, Enrolment

_PARAMETER = re.compile(r'([A-Za-z-]+)="([^"]*)"')


def authenticated(
    device: VirtualDevice, enrolment: Enrolment, user: DeviceUser, password: str
) -> Flow[str]:
    """Log a network account in: set its token; return why the MDM refuses it, or nothing."""
    user.auth_token = ""
    received = yield from check_in.user_authenticate(device, enrolment, user)
    if received.status == HTTPStatus.GONE:
        return f"the MDM does not manage the user {user.name}"
    try:
        challenge = _text(received, "DigestChallenge")
        if not challenge:
            return ""
        answer = digest(challenge, user.name, password, urlsplit(enrolment.check_in_url).path)
        received = yield from check_in.user_authenticate(device, enrolment, user, answer)
        user.auth_token = _text(received, "AuthToken")
    except ValueError as error:
        return f"UserAuthenticate was answered {error}"
    return "" if user.auth_token else f"the MDM refuses the password of {user.name}"


def _text(received: FlowResponse, key: str) -> str:
    """Return a string of an answer; ValueError says what came instead."""
    if received.status != OK:
        raise ValueError(f"with {received.status or received.problem}")
    value = read_dictionary(received.body, "the body").get(key)
    if not isinstance(value, str):
        what = "is missing" if value is None else f"is {kind(value)}"
        raise ValueError(f"wrongly: {key} {what}")  # noqa: TRY004 (the server's fault)
    return value


def digest(challenge: str, name: str, password: str, path: str) -> str:
    """Return the answer to a challenge: the header that HTTP's Digest scheme would send."""
    given = dict(_PARAMETER.findall(challenge))
    realm, nonce = given.get("realm", ""), given.get("nonce", challenge)
    secret = _md5(f"{name}:{realm}:{password}")
    response = _md5(f"{secret}:{nonce}:{_md5(f'PUT:{path}')}")
    return (
        f'Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{path}", '
        f'response="{response}"'
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
