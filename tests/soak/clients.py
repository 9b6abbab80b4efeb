"""The clients of a soak: each asks one thing after the other, whatever becomes of it."""

import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.bench.account import log_in

PAUSE_S = 0.04
PATIENCE_S = 20.0
LARGE = 20_000
"""Characters that make a body one that is read beside the writer."""
LISTENS_S = 3.0
Json = dict[str, Any]


class Site:
    """What all clients share: where the simulator is at present, and what became of requests."""

    def __init__(self, data: Path) -> None:
        self._path = data / "ready.json"
        self.ready: Json = {}
        self.stop = threading.Event()
        self.statuses: Counter[str] = Counter()
        self.planted = {
            f"planted {number}": f"S3cret-{secrets.token_hex(16)}" for number in range(8)
        }
        """Secrets of clients, which no file may hold."""
        self.minted: dict[str, str] = {}
        """Secrets that the simulator gave out, which the journal may not hold."""

    def look(self) -> None:
        """Read where it is, once it serves."""
        self.ready = json.loads(self._path.read_bytes())

    @property
    def organisation(self) -> Json:
        """The first organisation."""
        found: Json = self.ready["organisations"][0]
        return found

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Ask a service, over plain HTTP/1.1; *headers* have dashes for underscores."""
        return self._ask(self.ready["http"], method, path, body, headers)

    def control(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call the control API."""
        return self._ask(self.ready["control"], method, f"/api/v1{path}", body, {})

    def _ask(
        self, base: str, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[int, Any]:
        connection = HTTPConnection(urlsplit(base).netloc, timeout=PATIENCE_S)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = body if body is None or isinstance(body, str) else json.dumps(body)
        try:
            about = {"User-Agent": "soak/1", "Content-Type": "application/json", **named}
            connection.request(method, path, sent, about)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        self.statuses[str(answer.status)] += 1
        try:
            return answer.status, json.loads(content)
        except ValueError:
            return answer.status, None

    def again(self, work: Callable[[], None]) -> None:
        """Do *work* until the end of the soak; faults and restarts are part of it."""
        while not self.stop.wait(PAUSE_S):
            try:
                work()
            except (OSError, HTTPException, httpx.HTTPError):
                self.statuses["no answer"] += 1
                self.stop.wait(0.2)


class Pushes:
    """Pushes over HTTP/2."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._number = 0

    def work(self) -> None:
        """Push to some devices on a new connection."""
        site = self._site
        topic = site.organisation["push_topics"][0]["topic"]
        with httpx.Client(http1=False, http2=True, timeout=PATIENCE_S) as client:
            for _ in range(20):
                self._number += 1
                url = f"{site.ready['http']}/3/device/{self._number % 200:064x}"
                about = {"apns-topic": topic, "apns-push-type": "mdm"}
                answer = client.post(url, json={"mdm": "magic"}, headers=about)
                site.statuses[str(answer.status_code)] += 1
                if site.stop.wait(PAUSE_S / 2):
                    return


class Enrolment:
    """An MDM server that keeps its devices in step by a cursor."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._session = self._cursor = ""
        self.seen: set[str] = set()
        """Serial numbers that were answered."""
        self.lost: list[str] = []
        """What was answered to cursors that were refused."""

    def work(self) -> None:
        """Fetch, or sync, and ask for the account, which takes a password along by mistake."""
        site = self._site
        if not self._session:
            token = site.organisation["dep_servers"][0]["token"]
            self._session = log_in(site.ready["http"], token, None)
            site.minted[f"session {len(site.minted)}"] = self._session
        status, _ = self._ask("GET", "/account")
        if status in {401, 403}:
            self._session = ""
            return
        self.step()
        body = {"profile_name": "soak", "url": "https://mdm.example/enrol"}
        filler = {"filler": "f" * LARGE, "password": site.planted["planted 0"]}
        self._ask("POST", "/profile", body | filler)

    def step(self) -> bool:
        """Get the next page; return whether it was the last for now."""
        path = "/devices/sync" if self._cursor else "/server/devices"
        status, page = self._ask("POST", path, {"cursor": self._cursor} if self._cursor else {})
        if status != 200 or not isinstance(page, dict):
            if status == 400:
                self.lost.append(f"{path}: {status}")
                self._cursor = ""
            return False
        self.seen.update(one["serial_number"] for one in page["devices"])
        self._cursor = page["cursor"]
        return not page["more_to_follow"]

    def _ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        about = {"X_Server_Protocol_Version": "10", "X_ADM_Auth_Session": self._session}
        return self._site.ask(method, path, body, **about)


class Licences:
    """An MDM server that gives licences to users, and takes them back."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._number = 0

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask Apps and Books."""
        stoken = self._site.organisation["vpp_locations"][0]["stoken"]
        self._site.minted["sToken"] = stoken
        return self._site.ask(method, f"/mdm/v2{path}", body, Authorization=f"Bearer {stoken}")

    def work(self) -> None:
        """Register a user, assign, and mostly revoke."""
        self._number += 1
        user = f"user-{self._number % 50}"
        _, shown = self.ask("GET", "/assets?pageIndex=0")
        self.ask(
            "POST",
            "/users/create",
            {"users": [{"clientUserId": user, "email": f"{user}@a.example"}]},
        )
        assets = (shown or {}).get("assets", [])
        if not assets:
            return
        chosen = assets[self._number % len(assets)]
        asset = {"adamId": chosen["adamId"], "pricingParam": chosen["pricingParam"]}
        body = {"assets": [asset], "clientUserIds": [user]}
        self.ask("POST", "/assets/associate", body)
        if self._number % 4:
            self.ask("POST", "/assets/disassociate", body)

    def is_even(self) -> str:
        """Return what does not add up; empty if all does."""
        sizes: list[int] = []
        index: int | None = 0
        while index is not None:
            _, page = self.ask("GET", f"/assignments?pageIndex={index}")
            sizes.append(page["size"])
            index = page.get("nextPageIndex")
        _, shown = self.ask("GET", "/assets?pageIndex=0")
        odd = [
            one["adamId"]
            for one in shown["assets"]
            if one["totalCount"] != one["assignedCount"] + one["availableCount"]
        ]
        assigned = sum(one["assignedCount"] for one in shown["assets"])
        if odd:
            return f"assigned and available make no total of {odd}"
        return "" if assigned == sum(sizes) else f"{assigned} assigned, {sum(sizes)} listed"


class Strangers:
    """What comes by: look-ups, secrets at odd places, large bodies of nobody."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def work(self) -> None:
        """Ask all of it once."""
        site, planted = self._site, self._site.planted
        site.ask("GET", "/v2/pmv")
        site.ask("GET", "/appleca/AppleIncRootCertificate.cer")
        site.ask("GET", "/v1/orgDevices", Authorization=f"Bearer {planted['planted 1']}")
        site.ask("GET", f"/nowhere?access_token={planted['planted 2']}")
        form = f"client_secret={planted['planted 3']}&grant_type=client_credentials"
        site.ask(
            "POST", "/auth/oauth2/token", form, Content_Type="application/x-www-form-urlencoded"
        )
        body = {"password": planted["planted 4"], "filler": ["f"] * LARGE}
        site.ask("POST", "/profile", body)
        site.ask("GET", "/account", X_ADM_Auth_Session=planted["planted 5"])
        site.ask("GET", "/nowhere", Cookie=f"itvt={planted['planted 6']}")
        site.ask("POST", "/mdm/getVPPUserSrv", {"sToken": planted["planted 7"]})


class Listeners:
    """Pages and tools that watch what happens, for a while."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def work(self) -> None:
        """Listen to events, and search meanwhile."""
        connection = HTTPConnection(
            urlsplit(self._site.ready["control"]).netloc, timeout=PATIENCE_S
        )
        try:
            connection.request("GET", "/api/v1/events")
            events = connection.getresponse()
            until = time.monotonic() + LISTENS_S
            while time.monotonic() < until and not self._site.stop.is_set():
                events.read1(65_536)
        finally:
            connection.close()
        for path in ("/exchanges?limit=20", "/exchanges?q=nowhere&limit=5", "/ledger"):
            self._site.control("GET", path)
