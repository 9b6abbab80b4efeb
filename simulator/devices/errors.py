"""Errors as devices report them: chains of domain, code and text (device.md 6.6)."""

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""What no XML property list can hold."""


class ErrorLink(Struct, frozen=True):
    """One link of a chain."""

    domain: str
    code: int
    text: str

    def plist(self, *, english: bool) -> dict[str, Any]:
        """Return it as it stands in ``ErrorChain``; *english* as on iOS."""
        text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", self.text)  # names that the server sent
        link: dict[str, Any] = {
            "ErrorDomain": self.domain,
            "ErrorCode": self.code,
            "LocalizedDescription": text,
        }
        return link | ({"USEnglishDescription": text} if english else {})


class DeviceError(Exception):
    """What a device refuses or fails at, with the chain that it tells of it."""

    def __init__(self, *links: ErrorLink) -> None:
        super().__init__(" <- ".join(f"{one.text} ({one.domain} {one.code})" for one in links))
        self.links: Sequence[ErrorLink] = links
        self.keys: dict[str, Any] = {}
        """What the result holds beside the chain, such as ``RejectionReason``."""

    def chain(self, *, english: bool) -> list[dict[str, Any]]:
        """Return ``ErrorChain``, the outermost link first."""
        return [link.plist(english=english) for link in self.links]


class CommandFormatError(Exception):
    """A command lacks a key, or has one of the wrong type."""


def profile_invalid(text: str, *, queued: bool = False) -> DeviceError:
    """Return the error of a profile that cannot be installed (GH micromdm/micromdm#496)."""
    return DeviceError(
        ErrorLink("MCInstallationErrorDomain", 4001, "Profile Installation Failed"),
        ErrorLink("MCProfileErrorDomain", 1000, "The profile is invalid."),
        ErrorLink("MCPayloadErrorDomain", 4000 if queued else 2000, text),
    )


def enrolment_failed(text: str) -> DeviceError:
    """Return the error of an enrolment that the server or the network ended (device.md 6.6)."""
    return DeviceError(ErrorLink("MCInstallationErrorDomain", 4001, text))


def activation_locked() -> DeviceError:
    """Return the error of a device that asks for who has locked it; its domain is ours."""
    text = "Activation Lock is on: the device waits for its user, or for the bypass code"
    return DeviceError(ErrorLink("MAActivationErrorDomain", -1, text))


def unknown_command(name: str, *, mac: bool) -> DeviceError:
    """Return the error of a command that is unknown, unsupported or not allowed."""
    text = f"“{name}” is not a valid request type."
    if mac:
        text = f"Unknown command: {name} <MDMClientError:91>"
    return DeviceError(ErrorLink("MCMDMErrorDomain", 12021, text))


def profile_missing(identifier: str, *, mac: bool) -> DeviceError:
    """Return the error of RemoveProfile for what is not installed (GH fleetdm/fleet#43872)."""
    text = f"The profile “{identifier}” is not installed."
    if mac:
        # The domain is inferred: the thread quotes the code only.
        return DeviceError(ErrorLink("MDMClientError", 89, text))
    return DeviceError(ErrorLink("MDMErrorDomain", 12075, text))


def no_update() -> DeviceError:
    """Return the error of a device that has no update to offer, iOS 11.3 and later."""
    return DeviceError(
        ErrorLink("DeviceManagement.error", 2213, "No software update available."),
        ErrorLink("com.apple.softwareupdateservices.errors", 3, "No update available."),
    )


def no_licence(app: str) -> DeviceError:
    """Return the error of an app without a licence (GH fleetdm/fleet#25458)."""
    return DeviceError(
        ErrorLink("MCMDMErrorDomain", 12064, f"The app “{app}” could not be licensed."),
        ErrorLink("ASDServerErrorDomain", 9610, "License not found"),
    )


def refused(text: str, code: int = 12006) -> DeviceError:
    """Return the error of a command that the device could have executed, but did not."""
    return DeviceError(ErrorLink("MCMDMErrorDomain", code, text))
