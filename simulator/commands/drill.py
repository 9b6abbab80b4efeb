"""``mdmsim ctl drill``: what a team cannot rehearse with Apple, in minutes instead of a year."""

import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from msgspec import Struct
from msgspec.structs import asdict

from simulator.commands.put_back import kept_clock
from simulator.commands.steering import ControlClient, control_options
from simulator.core.settings import ConfigurationError

_PUSH = "apns.push"
_GOOD = 200
_PAGE = 1000
_MOST_DAYS = 400


class DrillDay(Struct, frozen=True):
    """What happened on one day of the drill."""

    day: int
    """Days after the expiry; below 0 before it."""
    date: str
    accepted: int
    """Pushes that APNs took."""
    refused: int
    errors: tuple[str, ...]
    """Why it did not."""
    renewed: bool
    """Whether the portal has a newer certificate for the topic by then."""
    mails: tuple[str, ...]


@click.group("drill")
def drill() -> None:
    """Rehearse what happens once a year."""


@drill.command("push-certificate")
@click.option("--topic", help="The push topic; not needed if there is one.")
@click.option(
    "--each-day",
    metavar="COMMAND",
    help="Run on each day, such as what has the MDM server push to a device.",
)
@click.option("--before", default=30, show_default=True, help="Days before expiry to begin on.")
@click.option("--after", default=1, show_default=True, help="Days after expiry to end on.")
@click.option(
    "--wait",
    "wait_s",
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a push on each day.",
)
@control_options
def push_certificate(
    topic: str | None,
    each_day: str | None,
    before: int,
    after: int,
    wait_s: float,
    **options: Any,
) -> None:
    """Move the clock through the expiry of a push certificate, day by day.

    Says which pushes failed, which mails the portal sent, and whether the server
    was renewed in time; exits with 1 if it was not. The clock is put back, however this ends.
    """
    if not (0 <= before <= _MOST_DAYS and 1 <= after <= _MOST_DAYS):
        raise ConfigurationError(f"--before must be from 0, --after from 1, to {_MOST_DAYS} days")
    control = ControlClient.of(**options)
    run = _DrillRun(control, _chosen(control, topic), each_day, wait_s)
    with kept_clock(control):
        days = [run.day(number) for number in range(-before, after + 1)]
    verdict = _verdict(days)
    rows = [
        (one.day, one.date, one.accepted, one.refused, ", ".join(one.errors),
         "yes" if one.renewed else "no", "; ".join(one.mails))
        for one in days
    ]  # fmt: skip
    heads = ("day", "date", "pushes", "refused", "why", "renewed", "mails")
    answer = {
        "topic": run.topic,
        "expires": run.expires,
        "days": [asdict(one) for one in days],
        "verdict": verdict,
        "passed": not verdict,
    }
    control.table(answer, heads, rows)
    if not control.as_json:
        click.echo(verdict or "Renewed in time: no push was refused.")
    if verdict:
        raise SystemExit(1)


def _chosen(control: ControlClient, topic: str | None) -> Any:
    """Return the certificate that the drill is about: the one that expires last of its topic."""
    listed = control.call("GET", "/push-certificates")["push_certificates"]
    good = [one for one in listed if one["state"] == "active"]
    topics = sorted({one["topic"] for one in good})
    if topic is None and len(topics) != 1:
        there = ", ".join(topics) or "none: upload a request first"
        raise ConfigurationError(f"--topic must name one of the topics; there are {there}")
    wanted = topic or topics[0]
    chosen = [one for one in good if one["topic"] == wanted]
    if not chosen:
        raise ConfigurationError(
            f"no good certificate has the topic {wanted}; there are {', '.join(topics)}"
        )
    return max(chosen, key=lambda one: str(one["expires"]))


class _DrillRun:
    """One drill."""

    def __init__(
        self, control: ControlClient, certificate: Any, each_day: str | None, wait_s: float
    ) -> None:
        self.topic = str(certificate["topic"])
        self.expires = str(certificate["expires"])
        self._serial = certificate["serial"]
        self._control = control
        self._command = shlex.split(each_day) if each_day else []
        self._wait_s = wait_s
        self._end = datetime.fromisoformat(self.expires)
        self._seq = _last(control)
        self._mails = len(control.call("GET", "/mails")["mails"])

    def day(self, number: int) -> DrillDay:
        """Move the clock to *number* days after the expiry, and return what happens then."""
        now = self._end + timedelta(days=number, seconds=1 if number >= 0 else 0)
        text = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        self._control.call("PUT", "/clock", {"mode": "frozen", "now": text})
        if self._command:
            subprocess.run(self._command, check=False, stdout=subprocess.DEVNULL)  # noqa: S603 (the user's own)
        self._control.answer(
            "POST",
            "/exchanges/wait",
            {
                "match": {"operation": _PUSH},
                "after": self._seq,
                "count": 1,
                "timeout_s": self._wait_s,
            },
            timeout_s=self._wait_s + 30,
        )
        pushes = self._pushes()
        refused = [one for one in pushes if one["status"] != _GOOD]
        certificates = self._control.call("GET", "/push-certificates")["push_certificates"]
        mails = self._control.call("GET", "/mails")["mails"]
        new = mails[: len(mails) - self._mails]
        self._mails = len(mails)
        return DrillDay(
            day=number,
            date=text[:10],
            accepted=len(pushes) - len(refused),
            refused=len(refused),
            errors=tuple(sorted({str(one["error"]) for one in refused})),
            renewed=any(
                one["topic"] == self.topic
                and one["state"] == "active"
                and one["expires"] > self.expires
                for one in certificates
            ),
            mails=tuple(one["subject"] for one in reversed(new)),
        )

    def _pushes(self) -> list[Any]:
        found: list[Any] = []
        while True:
            query = f"operation={_PUSH}&after={self._seq}&limit={_PAGE}"
            page = self._control.call("GET", f"/exchanges?{query}")["exchanges"]
            found += page
            if page:
                self._seq = page[-1]["seq"]
            if len(page) < _PAGE:
                return found


def _last(control: ControlClient) -> int:
    """Return the number of the newest exchange."""
    page = control.call("GET", "/exchanges?limit=1&order=newest")["exchanges"]
    return int(page[0]["seq"]) if page else 0


def _verdict(days: list[DrillDay]) -> str:
    """Return what went wrong; nothing if the server was renewed in time."""
    ended = [one for one in days if one.day >= 0]
    refused = sum(one.refused for one in days)
    if not any(one.renewed for one in days if one.day < 0):
        return f"Not renewed in time: {refused} pushes were refused."
    if refused:
        return f"Renewed in the portal, but {refused} pushes were refused."
    if not any(one.accepted for one in ended):
        return (
            "Renewed in the portal, but no push was seen after the expiry: have the server push "
            "with --each-day."
        )
    return ""
