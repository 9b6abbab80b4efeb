"""A simulated device, as a test suite holds it."""

import base64
import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any
from urllib.parse import quote

from msgspec import Struct

_POLL_S = 0.02


class SimulatedDevice(Struct, frozen=True):
    """A device that a test turns on, enrols and erases as a person would."""

    _control: Callable[..., Any]
    serial: str

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the control API shows: state, UDID, profiles, apps, trouble, life."""
        shown: Mapping[str, Any] = self._control("GET", f"/simulated-devices/{quote(self.serial)}")
        return shown

    @property
    def udid(self) -> str:
        """The UDID."""
        return str(self.facts["udid"])

    @property
    def state(self) -> str:
        """Where it is in its life, such as ``enrolled``."""
        return str(self.facts["state"])

    def power_on(self) -> None:
        """Turn it on: after an erase it activates and enrols again."""
        self._act("power-on")

    def power_off(self) -> None:
        """Turn it off; pushes wait."""
        self._act("power-off")

    def enrol(self, profile: str | bytes) -> None:
        """Enrol it by a profile: its URL, or the profile itself."""
        if isinstance(profile, bytes):
            self._act("enrol", profile=base64.b64encode(profile).decode())
        else:
            self._act("enrol", profile_url=profile)

    def sign_in(self, account: str) -> None:
        """Enrol it by an account of its user, such as ``anna@example.com``."""
        self._act("enrol", account=account)

    def use_account(self, account: str) -> None:
        """Sign in to a Managed Apple Account; `facts` say in ``managed_account`` how it went."""
        self._act("sign-in", account=account)

    def erase(self) -> None:
        """Erase it, as its user can."""
        self._act("erase")

    def return_to_service(self) -> None:
        """Let its user return it to service: its MDM says how it comes back (iOS 26)."""
        self._act("return-to-service")

    def unenrol(self) -> None:
        """Remove the MDM profile, as its user can."""
        self._act("unenrol")

    def log_in(self, user: str, password: str = "") -> None:
        """Let a person log in to a Mac, by the short name, or to a Shared iPad, by the account.

        *password*: that of a network account, which the MDM checks.
        """
        self._act("log-in", user=user, password=password)

    def log_out(self, user: str) -> None:
        """Let a person log out."""
        self._act("log-out", user=user)

    def migrate(self) -> None:
        """Move it to the server that it is assigned to now, as its user can before the deadline."""
        self._act("migrate")

    def poll(self) -> None:
        """Let it ask for commands without a push."""
        self._act("poll")

    def wait(self, *, timeout_s: float = 30, **facts: Any) -> Mapping[str, Any]:
        """Wait until it has the *facts*, such as ``state="enrolled"``, and return all of them."""
        deadline, pause = time.monotonic() + timeout_s, Event()
        while True:
            shown = self.facts
            if all(shown[name] == value for name, value in facts.items()):
                return shown
            if time.monotonic() > deadline:
                have = {name: shown[name] for name in facts} | {"trouble": shown["trouble"]}
                raise AssertionError(f"{self.serial} did not come to {facts}: it has {have}")
            pause.wait(_POLL_S)

    def _act(self, action: str, **body: Any) -> None:
        self._control("POST", f"/simulated-devices/{quote(self.serial)}/{action}", body)
