from typing import Any

import pytest

from tests.console.conftest import Console

OPEN = pytest.mark.parametrize("settings", [{"host": "0.0.0.0"}])  # noqa: S104 (off loopback)


@pytest.mark.parametrize("path", ["/", "/ca.pem", "/static/base.css", "/curl/dep/main"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="plain"),
        pytest.param({"Host": "evil.example"}, 403, id="rebinding"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="foreign-page"),
    ],
)
async def test_pages_have_the_guards_of_the_api(
    console: Console, path: str, headers: dict[str, str], status: int
) -> None:
    assert (await console.open(path, headers=headers)).status == status


@pytest.mark.parametrize("path", ["/", "/nowhere"])
async def test_pages_may_load_nothing_but_our_own(console: Console, path: str) -> None:
    page = await console.open(path)
    policy = page.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<style" not in page.text
    assert " style=" not in page.text
    assert " onclick=" not in page.text
    assert page.text.count("<script") == page.text.count('<script type="module" src="/static/')
    assert page.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_problem_is_a_page_for_people_and_a_document_for_programs(
    console: Console,
) -> None:
    page = await console.open("/nowhere")
    document = await console.open("/nowhere", headers={"Accept": "*/*"})
    api = await console.open("/api/v1/nowhere")

    assert (page.status, document.status, api.status) == (404, 404, 404)
    assert "<h1>Not Found</h1>" in page.text
    assert "problem+json" in document.headers["Content-Type"]
    assert "problem+json" in api.headers["Content-Type"]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="none"),
        pytest.param({"form_token": ""}, id="empty"),
        pytest.param({"form_token": "0" * 64}, id="guessed"),
    ],
)
async def test_a_form_that_is_not_ours_does_nothing(
    console: Console, fields: dict[str, Any]
) -> None:
    await console.open("/")

    refused = await console.open("/credentials/dep/main/token", method="POST", data=fields)

    assert refused.status == 403
    assert "not one of this console" in refused.words


async def test_the_token_of_another_browsers_form_is_no_good(console: Console) -> None:
    page = await console.open("/")
    console.http.cookie_jar.clear()
    await console.open("/")

    refused = await console.submit(page, "/credentials/dep/main/token")

    assert refused.status == 403


@OPEN
async def test_off_loopback_a_page_leads_to_the_login(console: Console) -> None:
    page = await console.open("/?a=1&b=2")

    assert page.status == 200
    assert page.path == "/login?to=/?a%3D1%26b%3D2"
    assert '<h1 id="login">Log in</h1>' in page.text
    assert (await console.open("/ca.pem", headers={"Accept": "*/*"})).status == 401


@OPEN
async def test_the_control_token_opens_every_page_until_the_log_out(console: Console) -> None:
    token = console.ready["control_token"]
    login = await console.open("/login?to=/start.json")

    wrong = await console.submit(login, "/login", token=f"{token}x")
    opened = await console.submit(login, "/login", token=token, to="/start.json")
    start = await console.open("/")
    clock = await console.open("/api/v1/clock")
    left = await console.submit(start, "/logout")
    shut = await console.open("/")

    assert (wrong.status, opened.status, clock.status) == (403, 200, 200)
    assert "not the control token" in wrong.words
    assert opened.path == "/start.json"
    assert start.path == "/"
    assert token not in start.text
    assert "CONTROL_TOKEN" in start.words
    assert left.path == "/login"
    assert shut.path.startswith("/login")


@OPEN
async def test_the_cookie_of_a_login_is_out_of_reach_of_scripts_and_other_sites(
    console: Console,
) -> None:
    login = await console.open("/login")
    answer = await console.http.post(
        f"{console.base}/login",
        data={"form_token": login.form_token, "token": console.ready["control_token"]},
        allow_redirects=False,
    )
    kept = answer.headers.getall("Set-Cookie")[0]

    assert kept.startswith("mdmsim_login_")
    assert "HttpOnly" in kept
    assert "SameSite=Strict" in kept
    assert console.ready["control_token"] not in kept


@OPEN
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        pytest.param(None, 401, id="no-origin"),
        pytest.param("http://evil.example", 401, id="foreign"),
        pytest.param("null", 401, id="opaque"),
        pytest.param("own", 200, id="own"),
    ],
)
async def test_a_cookie_alone_changes_nothing_from_elsewhere(
    console: Console, origin: str | None, status: int
) -> None:
    login = await console.open("/login")
    await console.submit(login, "/login", token=console.ready["control_token"])
    headers = {} if origin is None else {"Origin": console.base if origin == "own" else origin}

    answer = await console.open(
        "/api/v1/clock", method="PUT", json={"mode": "frozen"}, headers=headers
    )

    assert answer.status == status


@OPEN
@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example"])
async def test_the_login_leads_to_pages_of_ours_only(console: Console, target: str) -> None:
    login = await console.open("/login", params={"to": target})
    opened = await console.submit(login, "/login", token=console.ready["control_token"], to=target)

    assert 'name="to" value="/"' in login.text
    assert opened.path == "/"


async def test_on_loopback_there_is_no_login(console: Console) -> None:
    page = await console.open("/login")

    assert page.path == "/"
    assert "/logout" not in page.text
