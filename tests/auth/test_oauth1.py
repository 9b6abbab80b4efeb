import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.auth import oauth1

PARAMETERS = {
    "realm": "ADM",
    "oauth_consumer_key": "CK_00fadb3d36c6094cf479838455321b7c",
    "oauth_token": "AT_O2109279022Oe03b641fd6f07d7face7894211d521fd8bef09c3O137392",
    "oauth_signature_method": "HMAC-SHA1",
    "oauth_timestamp": "137131200",
    "oauth_nonce": "4572616e48616d6d65724c61686176",
    "oauth_version": "1.0",
    "oauth_signature": "not signed",
}
SECRETS = {
    "consumer_secret": "CS_5fb17e5676db0cf875211937e5166d0f662ea1f9",
    "token_secret": "AS_837c228d968ff303837086a5a54be645314ef755",
}


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        pytest.param(
            "https://mdmenrollment.apple.com/session", "xRn7T/tMQ7u6ixBIjI0XXPIbCuk=", id="apple"
        ),
        pytest.param(
            "http://localhost:8080/session", "f10xy+VY0NG7ypWFayu96f0P2v4=", id="localhost"
        ),
    ],
)
def test_the_vectors_of_the_protocol_notes_verify(url: str, signature: str) -> None:
    assert oauth1.sign("GET", url, PARAMETERS.items(), **SECRETS) == signature


def test_the_base_string_leaves_realm_and_signature_out() -> None:
    base = oauth1.base_string("get", "https://mdmenrollment.apple.com/session", PARAMETERS.items())

    assert base == (
        "GET&https%3A%2F%2Fmdmenrollment.apple.com%2Fsession&oauth_consumer_key%3D"
        "CK_00fadb3d36c6094cf479838455321b7c%26oauth_nonce%3D4572616e48616d6d65724c61686176"
        "%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131200%26oauth_token%3D"
        "AT_O2109279022Oe03b641fd6f07d7face7894211d521fd8bef09c3O137392%26oauth_version%3D1.0"
    )


@pytest.mark.parametrize(
    ("scheme", "host", "forwarded", "expected"),
    [
        pytest.param("https", "h:8443", [], ["https://h:8443/s"], id="port"),
        pytest.param("https", "h", [], ["https://h/s", "https://h:443/s"], id="default"),
        pytest.param("https", "h:443", [], ["https://h/s", "https://h:443/s"], id="written-out"),
        pytest.param("http", "H:80", [], ["http://h/s", "http://H:80/s", "http://h:80/s"], id="80"),
        pytest.param("http", "[::1]:8080", [], ["http://[::1]:8080/s"], id="ipv6"),
        pytest.param(
            "http",
            "inner:8080",
            [("x-forwarded-proto", "https"), ("x-forwarded-host", "mdm.example")],
            [
                "https://inner:8080/s",
                "https://mdm.example/s",
                "https://mdm.example:443/s",
                "http://inner:8080/s",
                "http://mdm.example/s",
                "http://mdm.example:80/s",
            ],
            id="terminator",
        ),
    ],
)
def test_the_urls_that_a_client_may_have_signed(
    scheme: str, host: str, forwarded: list[tuple[str, str]], expected: list[str]
) -> None:
    assert list(oauth1.urls(scheme, host, "/s", forwarded)) == expected


@given(st.text(), st.text(), st.dictionaries(st.text(), st.text()))
def test_what_is_signed_verifies_and_nothing_else(
    consumer_secret: str, token_secret: str, parameters: dict[str, str]
) -> None:
    secrets = {"consumer_secret": consumer_secret, "token_secret": token_secret}
    signature = oauth1.sign("GET", "https://h/s", parameters.items(), **secrets)

    def verifies(text: str, url: str) -> bool:
        return oauth1.verifies(text, "GET", [url], parameters.items(), **secrets)

    assert verifies(signature, "https://h/s")
    assert not verifies(signature, "https://h/t")
    assert not verifies(signature + " ", "https://h/s")
