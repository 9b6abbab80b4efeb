import pytest

from simulator.services import organisations
from simulator.services.dep import tokens
from tests.apple import AGENT, Apple, authorization, request


def test_a_good_signature_opens_a_session(apple: Apple) -> None:
    answer = apple.log_in()

    assert answer.status == 200
    assert answer.header("Content-Type") == "application/json;charset=UTF8"
    assert list(answer.json) == ["auth_session_token"]
    assert answer.exchange.organisation == "acme"
    assert answer.exchange.client == "dep:a"
    assert answer.rules == []


@pytest.mark.parametrize(
    ("separator", "quoted", "realm"),
    [
        pytest.param(", ", True, False, id="comma-space"),
        pytest.param(",", True, True, id="comma"),
        pytest.param(",\n   ", True, True, id="folded"),
        pytest.param(", ", False, False, id="raw-values"),
    ],
)
def test_every_header_grammar_of_real_clients_is_read(
    apple: Apple, separator: str, quoted: bool, realm: bool
) -> None:
    header = apple.oauth()
    parameters = header.removeprefix("OAuth ").split(", ")
    if not quoted:
        parameters = [
            part if part.startswith("oauth_signature=") else part.replace("%2D", "-")
            for part in parameters
        ]
    if realm:
        parameters.insert(0, 'realm="ADM"')

    answer = apple.log_in("OAuth " + separator.join(reversed(parameters)))

    assert answer.status == 200


@pytest.mark.parametrize(
    ("changes", "status", "body"),
    [
        pytest.param({"oauth_nonce": None}, 400, "Bad Request", id="no-nonce"),
        pytest.param({"oauth_consumer_key": None}, 400, "Bad Request", id="no-consumer-key"),
        pytest.param({"oauth_timestamp": None}, 400, "Bad Request", id="no-timestamp"),
        pytest.param({"oauth_timestamp": "soon"}, 400, "Bad Request", id="odd-timestamp"),
        pytest.param({"oauth_callback": "oob"}, 400, "Bad Request", id="unknown-parameter"),
        pytest.param({"oauth_signature_method": "PLAINTEXT"}, 400, "Bad Request", id="method"),
        pytest.param({"oauth_version": "2.0"}, 400, "Bad Request", id="version"),
        pytest.param({"oauth_version": None}, 200, "", id="no-version"),
        pytest.param({"oauth_token": None}, 401, "Unauthorized", id="two-legged"),
        pytest.param({"oauth_token": "AT_other"}, 401, "Unauthorized", id="unknown-token"),
        pytest.param({"oauth_consumer_key": "CK_other"}, 401, "Unauthorized", id="wrong-key"),
        pytest.param({"oauth_signature": "AAAA"}, 401, "Unauthorized", id="wrong-signature"),
    ],
)
def test_oauth_parameters_are_checked(
    apple: Apple, changes: dict[str, str | None], status: int, body: str
) -> None:
    answer = apple.log_in(apple.oauth(**changes))

    assert answer.status == status
    if status != 200:
        assert answer.text == f"oauth_problem_advice{body}"
        assert answer.header("Content-Type") == "text/plain;Charset=UTF8"
        assert answer.exchange.findings[-1].refused


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="none"),
        pytest.param([("Authorization", "Basic eDp5")], id="basic"),
        pytest.param([("Authorization", "OAuth")], id="empty"),
        pytest.param([("Authorization", "OAuth a"), ("Authorization", "OAuth b")], id="two"),
        pytest.param([("Authorization", 'OAuth oauth_nonce="1", oauth_nonce="1"')], id="repeated"),
    ],
)
def test_a_header_that_is_no_oauth_is_a_bad_request(
    apple: Apple, headers: list[tuple[str, str]]
) -> None:
    answer = apple.send(request("GET", "/session", headers))

    assert (answer.status, answer.exchange.error) == (400, "oauth_bad_request")
    assert "oauth-parameter" in answer.rules


def test_a_nonce_is_good_once_per_time_stamp(apple: Apple) -> None:
    header = apple.oauth()

    first, second = apple.log_in(header), apple.log_in(header)

    assert (first.status, second.status) == (200, 401)


def test_the_url_that_the_client_used_is_what_is_signed(apple: Apple) -> None:
    from simulator.auth import oauth1  # noqa: PLC0415 (used by this test only)

    token = apple.token()
    parameters = {
        "oauth_consumer_key": token["consumer_key"],
        "oauth_token": token["access_token"],
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "1",
        "oauth_nonce": "1",
    }
    parameters["oauth_signature"] = oauth1.sign(
        "GET",
        "http://localhost:8080/session",
        parameters.items(),
        consumer_secret=token["consumer_secret"],
        token_secret=token["access_secret"],
    )
    headers = [("Host", "localhost:8080"), ("Authorization", authorization(parameters))]

    answer = apple.send(request("GET", "/session", headers, scheme="http"))

    assert answer.status == 200


def test_the_clock_window_is_checked_where_it_is_set() -> None:
    apple = Apple(oauth_window_s=300)
    early = apple.oauth(oauth_timestamp=str(apple.now_ms // 1000 - 301))

    refused = apple.log_in(early)

    assert refused.status == 401
    assert "301 s behind the simulator's clock" in refused.exchange.findings[0].message
    assert apple.log_in().status == 200


def test_a_revoked_token_is_rejected_and_its_sessions_end(apple: Apple) -> None:
    session = apple.session()
    header = apple.oauth()

    apple.home(lambda home: tokens.revoke_token(home, "a"))

    assert apple.call("GET", "/account", session=session).status == 401
    answer = apple.log_in(header)
    assert (answer.status, answer.text) == (403, "token_rejected")


def test_a_new_token_replaces_the_old_one_and_keeps_the_consumer_key(apple: Apple) -> None:
    old, header = apple.token(), apple.oauth()

    apple.home(lambda home: apple.issue(home, "a"))

    assert apple.log_in(header).text == "signature_invalid"
    assert apple.log_in().status == 200
    assert apple.token()["consumer_key"] == old["consumer_key"]
    assert apple.token()["access_token"] != old["access_token"]


def test_a_token_ends_after_a_year(apple: Apple) -> None:
    apple.advance(365 * 24 * 3600)

    answer = apple.log_in()

    assert (answer.status, answer.text) == (403, "token_expiredForbidden")


def test_terms_that_are_not_accepted_stop_session_and_data(apple: Apple) -> None:
    session = apple.session()
    apple.run(lambda state: organisations.change_organisation(state, "acme", terms_accepted=False))

    log_in, account = apple.log_in(), apple.call("GET", "/account", session=session)

    assert (log_in.status, log_in.text) == (403, "T_C_NOT_SIGNED")
    assert (account.status, account.text) == (403, "T_C_NOT_SIGNED")
    apple.run(lambda state: organisations.change_organisation(state, "acme", terms_accepted=True))
    assert apple.call("GET", "/account", session=session).status == 200


def test_a_session_lives_while_it_is_used(apple: Apple) -> None:
    session = apple.session()
    for _ in range(5):
        apple.advance(179)
        assert apple.call("GET", "/account", session=session).status == 200

    apple.advance(181)
    answer = apple.call("GET", "/account", session=session)

    assert (answer.status, answer.text) == (401, "UNAUTHORIZED")
    assert answer.header("WWW-Authenticate") == "ADM-Auth-Token"


def test_rotation_gives_a_new_token_and_the_old_one_stays_good(apple: Apple) -> None:
    session = apple.session()
    apple.advance(100)

    answer = apple.call("GET", "/account", session=session)
    rotated = answer.header("X-ADM-Auth-Session")

    assert rotated != session
    assert apple.call("GET", "/account", session=rotated).status == 200
    assert apple.call("GET", "/account", session=session).status == 200


@pytest.mark.parametrize(
    ("dialect", "status", "body"),
    [
        pytest.param("apple", 401, "UNAUTHORIZED", id="apple"),
        pytest.param("depsim", 403, '"FORBIDDEN"', id="depsim"),
    ],
)
def test_an_unknown_session_is_refused_in_each_dialect(
    dialect: str, status: int, body: str
) -> None:
    apple = Apple(dialect=dialect)

    answer = apple.call("GET", "/account", session="from-before-the-restart")

    assert (answer.status, answer.text) == (status, body)
    assert answer.response.close


def test_a_session_token_of_one_directory_is_none_of_another(apple: Apple) -> None:
    forged = apple.session()[:-1] + "0"

    assert apple.call("GET", "/account", session=forged).status == 401


def test_the_agent_is_on_record(apple: Apple) -> None:
    assert apple.log_in().exchange.request.header("user-agent") == AGENT
