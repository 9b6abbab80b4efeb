"""What a server answered to a device, by what the device had asked for."""

import re
from collections.abc import Iterator
from typing import Any

from simulator.core.messages import Finding
from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment.profile import read_profile
from simulator.devices.errors import DeviceError
from simulator.devices.flow import OK, FlowResponse, Send
from simulator.devices.judging.commands import judge_answer
from simulator.devices.judging.declarations import judge_declarative
from simulator.devices.judging.form import TargetDevice, finding, judge_form
from simulator.devices.judging.profiles import judge_profile
from simulator.devices.judging.schema import Key
from simulator.devices.plists import read_dictionary

_USER = re.compile(rb"<key>(?:Enrollment)?UserID</key>")
_PROFILE = "application/x-apple-aspen-config"
_ANSWERS = {
    "GetBootstrapToken": Key("dictionary", keys={"BootstrapToken": Key("data")}),
    "GetToken": Key("dictionary", keys={"TokenData": Key("data", required=True)}),
    "ReturnToService": Key(
        "dictionary",
        keys={
            "ReturnToService": Key(
                "dictionary",
                required=True,
                keys={
                    "Enabled": Key("boolean", required=True),
                    "WiFiProfileData": Key("data"),
                    "MDMProfileData": Key("data"),
                    "BootstrapToken": Key("data"),
                    "ShouldRetryEnrollment": Key("boolean"),
                },
            ),
            "PreserveDataPlan": Key("boolean"),
        },
    ),
    "UserAuthenticate": Key(
        "dictionary", keys={"DigestChallenge": Key("string"), "AuthToken": Key("string")}
    ),
}
"""What check-in messages are answered with, where it is not nothing."""


def judge(device: VirtualDevice, step: Send, received: FlowResponse) -> list[Finding]:
    """Return what is wrong with what the server answered."""
    return list(_judge(device, step, received))


def _judge(device: VirtualDevice, step: Send, received: FlowResponse) -> Iterator[Finding]:
    if received.status != OK or not received.body:
        return
    if received.content_type == _PROFILE:
        yield from _profile(received.body, device, "")
    elif step.purpose == "connect":
        yield from _command(device, received.body, by_user=_USER.search(step.body) is not None)
    elif step.purpose == "DeclarativeManagement":
        endpoint = read_dictionary(step.body, "the message").get("Endpoint")
        yield from judge_declarative(str(endpoint), received.body, device)
    elif step.purpose in _ANSWERS:
        answer, problem = _read(received.body)
        if problem:
            yield finding("device-type", "", problem)
        else:
            yield from judge_form(_ANSWERS[step.purpose], answer, "", TargetDevice(device, None))


def _command(device: VirtualDevice, body: bytes, *, by_user: bool) -> Iterator[Finding]:
    answer, problem = _read(body)
    if problem:
        yield finding("device-type", "", problem)
        return
    if not answer:
        text = "an answer without a command must have no body, not an empty dictionary"
        yield finding("device-type", "", text)
        return
    if device.enrolment is None:
        return
    yield from judge_answer(answer, device, device.enrolment, by_user=by_user)
    command = answer.get("Command")
    if isinstance(command, dict) and command.get("RequestType") == "InstallProfile":
        payload = command.get("Payload")
        if isinstance(payload, bytes):
            yield from _profile(payload, device, "/Command/Payload")


def _profile(content: bytes, device: VirtualDevice, at: str) -> Iterator[Finding]:
    try:
        profile = read_profile(content)
    except DeviceError:
        return  # the device says so itself
    yield from judge_profile(profile, device, at)


def _read(body: bytes) -> tuple[dict[str, Any], str]:
    """Return the dictionary in *body*, or what it is instead."""
    try:
        return read_dictionary(body, "the body"), ""
    except ValueError:
        return {}, "the body is no property list with a dictionary"
