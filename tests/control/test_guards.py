import asyncio
import io
import json
from pathlib import Path

import aiohttp
import pytest

from simulator import services
from simulator.app import Simulator
from simulator.control.guards import LARGEST, WrongTokens, is_loopback
from simulator.control.web import PREFIX, routes
from simulator.core.settings import Settings
from tests.control.conftest import Control

ROUTES = routes(services.provisionings())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="plain"),
        pytest.param({"Host": "localhost:1"}, 200, id="localhost"),
        pytest.param({"Host": "[::1]:8081"}, 200, id="ipv6"),
        pytest.param({"Host": "evil.example"}, 403, id="rebinding"),
        pytest.param({"Host": "127.0.0.1.evil.example"}, 403, id="looks-like-loopback"),
        pytest.param({"Host": "[::1"}, 403, id="broken-host"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="foreign-page"),
        pytest.param({"Origin": "null"}, 403, id="opaque-origin"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="cross-site"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 200, id="same-origin"),
        pytest.param({"Sec-Fetch-Site": "none"}, 200, id="typed"),
    ],
)
async def test_web_pages_cannot_reach_the_control_port(
    control: Control, headers: dict[str, str], status: int
) -> None:
    assert (await control.call("GET", "/clock", headers=headers))[0] == status


@pytest.mark.parametrize("path", ["/api/v1/clock", "/api/v1/nowhere", "/metrics", "/livez", "/"])
async def test_no_browser_guesses_what_an_answer_is_or_shows_it_elsewhere(
    control: Control, path: str
) -> None:
    async with control.http.get(control.base + path) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_each_wrong_token_waits_longer_until_somebody_logs_in() -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    wrong = WrongTokens(note)
    await asyncio.gather(*(wrong.wait() for _ in range(9)))
    wrong.forgive()
    await wrong.wait()

    assert waits == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 0.05]


STREAM = "text/event-stream"
FOREIGN = (
    {"Host": "evil.example"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
)


async def test_no_call_at_all_is_for_a_foreign_page(control: Control) -> None:
    for route in ROUTES:
        for headers in FOREIGN:
            status, body = await control.call(route.method, route.path, headers=headers)
            assert (status, body["title"]) == (403, "Forbidden"), (route, headers)


@pytest.mark.parametrize("path", ["/", "/reference", "/metrics", "/events?token=00", "/nowhere"])
async def test_nor_is_any_page_or_figure(control: Control, path: str) -> None:
    for headers in FOREIGN:
        async with control.http.get(control.base + path, headers=headers) as answer:
            assert answer.status == 403


async def test_no_key_of_the_data_directory_is_served(control: Control) -> None:
    folder = Path(control.simulator.ready["ca"]).parent
    kept = await asyncio.to_thread((folder / "keys.json").read_bytes)
    lines = (await asyncio.to_thread((folder / "ca.key").read_text)).splitlines()
    secrets = [json.loads(kept)[name] for name in ("fingerprint_key", "secret")]
    paths = [PREFIX + one.path for one in ROUTES if one.method == "GET" and one.gives != STREAM]
    paths += ["/", "/reference", "/start", "/world", "/metrics", "/ca.key", "/keys.json"]

    for path in paths:
        async with control.http.get(control.base + path.replace("{seq}", "1")) as answer:
            told = await answer.read()
        assert not any(one.encode() in told for one in (*secrets, *lines[1:-1])), path


async def test_a_page_of_our_own_may_use_the_control_api(control: Control) -> None:
    assert (await control.call("GET", "/clock", headers={"Origin": control.base}))[0] == 200


async def test_off_loopback_the_token_is_wanted() -> None:
    settings = Settings(
        host="0.0.0.0",  # noqa: S104 (that is what is tested; nothing else reaches the machine)
        data=":memory:",
        tls_port=(None,),
        http_port=None,
        control_port=0,
        proxy_port=None,
    )
    async with Simulator(settings) as simulator, aiohttp.ClientSession() as session:
        port = simulator.ready["control"].rpartition(":")[2]
        base = f"http://127.0.0.1:{port}"

        async def status(path: str, token: str = "", method: str = "GET") -> int:
            headers = {"Authorization": f"bEARER {token}"} if token else {}
            async with session.request(method, base + path, headers=headers) as answer:
                return answer.status

        refused = [await status(PREFIX + one.path, method=one.method) for one in ROUTES]
        assert set(refused) == {401}
        assert await status("/api/v1/clock") == 401
        assert await status("/api/v1/clock", "wrong") == 401
        assert await status("/api/v1/clock", simulator.control_token) == 200
        assert await status("/reference") == 401
        assert await status("/livez") == 200
        assert await status("/readyz") == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104 (an argument)
        ("192.0.2.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_what_loopback_is(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


@pytest.mark.parametrize(
    ("method", "path", "size", "status", "detail"),
    [
        pytest.param(
            "PATCH", "/clock", 0, 405, "/api/v1/clock takes no PATCH: use GET, PUT", id="method"
        ),
        pytest.param("GET", "/clocks", 0, 404, "there is no /api/v1/clocks: GET", id="path"),
        pytest.param(
            "POST",
            "/faults",
            LARGEST + 1,
            413,
            f"a body of /api/v1/faults has at most {LARGEST} bytes",
            id="large",
        ),
        pytest.param(
            "GET", "/exchanges?limit=-1", 0, 400, "limit must be a whole number from 1", id="number"
        ),
    ],
)
async def test_what_no_call_takes_is_said_with_what_one_would(
    control: Control, method: str, path: str, size: int, status: int, detail: str
) -> None:
    answered, problem = await control.call(method, path, data=io.BytesIO(bytes(size)))

    assert answered == status
    assert problem["detail"].startswith(detail)
