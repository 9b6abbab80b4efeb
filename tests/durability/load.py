"""Clients that keep a simulator busy, each in a thread, and note what was answered."""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events

from simulator.auth import oauth1

AT_ONCE = 32
"""Pushes under way on the connection."""
UNLIMITED = "1900000002"
"""A free app of the world demo."""
_GONE = (OSError, HTTPException, ValueError)
"""What a client sees of a server that was killed."""


class Busy(threading.Thread):
    """One client; *answered* holds what it knows to be done."""

    def __init__(self, ready: dict[str, Any], label: str) -> None:
        super().__init__(daemon=True)
        self.ready = ready
        self.label = label
        self.answered: list[str] = []
        self.gone = False
        """Whether the simulator said that it goes, and then went."""
        self.port = urlsplit(ready["http"]).port or 0

    def run(self) -> None:
        """Work until the simulator is gone."""
        with suppress(*_GONE):
            self.work()

    def work(self) -> None:
        """Ask, and note each answer; whatever ends the connection ends it."""
        raise AssertionError


class Profiles(Busy):
    """Logs in to DEP and defines profiles; notes the name of each."""

    def work(self) -> None:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            self._define(connection)

    def _define(self, connection: HTTPConnection) -> None:
        headers = {"User-Agent": "ExampleMDM/1", "Content-Type": "application/json;charset=UTF8"}
        headers["X-ADM-Auth-Session"] = self._session(connection)
        for number in range(10**6):
            name = f"{self.label}-{number}"
            body = json.dumps({"profile_name": name, "url": "https://mdm.example/enrol"})
            connection.request("POST", "/profile", body, headers)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200, content
            self.answered.append(name)

    def _session(self, connection: HTTPConnection) -> str:
        token = self.ready["organisations"][0]["dep_servers"][0]["token"]
        pairs = [
            ("oauth_consumer_key", token["consumer_key"]),
            ("oauth_token", token["access_token"]),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", str(time.time_ns() // 10**9)),
            ("oauth_nonce", self.label),
        ]
        url = f"http://127.0.0.1:{self.port}/session"
        signature = oauth1.sign(
            "GET",
            url,
            pairs,
            consumer_secret=token["consumer_secret"],
            token_secret=token["access_secret"],
        )
        pairs.append(("oauth_signature", signature))
        said = ", ".join(f'{name}="{oauth1.encode(value)}"' for name, value in pairs)
        connection.request("GET", "/session", headers={"Authorization": f"OAuth {said}"})
        return str(json.loads(connection.getresponse().read())["auth_session_token"])


class Pushes(Busy):
    """Pushes over HTTP/2, in clear with prior knowledge; notes the apns-id of each."""

    def work(self) -> None:
        client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        client.initiate_connection()
        under_way: dict[int, str] = {}
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as wire:
            number = 0
            while True:
                while len(under_way) < AT_ONCE:
                    under_way[self._push(client, number)] = self._id(number)
                    number += 1
                wire.sendall(client.data_to_send())
                goes = self._hear(client, wire, under_way)
                if goes is None:
                    return
                if goes:
                    break
            # The server goes: what it took before is still answered.
            while self._hear(client, wire, under_way) is not None:
                pass
            self.gone = True

    def _hear(
        self, client: h2.connection.H2Connection, wire: socket.socket, under_way: dict[int, str]
    ) -> bool | None:
        """Note the answers that come next; return whether the server goes, None if it has gone."""
        received = wire.recv(65536)
        if not received:
            return None
        goes = False
        for event in client.receive_data(received):
            if isinstance(event, h2.events.StreamEnded):
                self.answered.append(under_way.pop(event.stream_id))
            if isinstance(event, h2.events.ConnectionTerminated):
                goes = True
                # h2 takes no frames after GOAWAY, though RFC 9113, 6.8 has them come.
                client.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
        return goes

    def _id(self, number: int) -> str:
        return f"{int(self.label):08x}-0000-4000-8000-{number:012x}"

    def _push(self, client: h2.connection.H2Connection, number: int) -> int:
        stream: int = client.get_next_available_stream_id()
        fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", f"/3/device/{number:064x}"),
            (":authority", f"127.0.0.1:{self.port}"),
            ("apns-topic", self.ready["organisations"][0]["push_topics"][0]["topic"]),
            ("apns-id", self._id(number)),
        ]
        client.send_headers(stream, fields)
        client.send_data(stream, b'{"mdm":"magic"}', end_stream=True)
        return stream


class Licences(Busy):
    """Assigns an app that cannot run out to devices; notes the serial number of each."""

    def work(self) -> None:
        stoken = self.ready["organisations"][0]["vpp_locations"][0]["stoken"]
        headers = {"Authorization": f"Bearer {stoken}", "Content-Type": "application/json"}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            for number in range(10**6):
                serial = f"0Z{int(self.label):02d}{number:06d}"
                body = {"assets": [{"adamId": UNLIMITED}], "serialNumbers": [serial]}
                target = "/mdm/v2/assets/associate"
                connection.request("POST", target, json.dumps(body), headers)
                answer = connection.getresponse()
                content = answer.read()
                assert answer.status == 200, content
                self.answered.append(serial)


MAKERS: tuple[Callable[[dict[str, Any], str], Busy], ...] = (Profiles, Pushes, Licences)
