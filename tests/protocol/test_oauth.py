import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.protocol.oauth import parse_authorization

WANTED = [("oauth_token", "AT_1"), ("oauth_signature", "a+b/c=")]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param('OAuth oauth_token="AT_1", oauth_signature="a%2Bb%2Fc%3D"', id="encoded"),
        pytest.param('OAuth oauth_token="AT_1",oauth_signature="a+b/c="', id="raw"),
        pytest.param('OAuth oauth_token="AT_1",\n   oauth_signature="a%2Bb/c%3D"', id="folded"),
        pytest.param("OAuth oauth_token=AT_1, oauth_signature=a%2Bb%2Fc%3D", id="bare"),
        pytest.param('  OAuth  oauth_token = "AT_1" ,, oauth_signature="a+b/c=", ', id="untidy"),
    ],
)
def test_every_way_to_write_the_header_is_read(header: str) -> None:
    scheme, parameters = parse_authorization(header)

    assert scheme == "OAuth"
    assert [(one.name, one.value) for one in parameters] == WANTED


def test_offsets_are_those_of_the_raw_value() -> None:
    header = 'OAuth realm="ADM", oauth_token=AT%5F1,oauth_signature="x%3D"'

    _, parameters = parse_authorization(header)

    raw = [header[one.start : one.end] for one in parameters]
    assert raw == ["ADM", "AT%5F1", "x%3D"]
    assert [one.quoted for one in parameters] == [True, False, True]


def test_repeated_parameters_are_kept() -> None:
    _, parameters = parse_authorization('OAuth a="1", a="2"')

    assert [one.value for one in parameters] == ["1", "2"]


@pytest.mark.parametrize(
    ("header", "scheme"),
    [
        pytest.param("Bearer abc.def", "Bearer", id="bearer"),
        pytest.param("Basic dXNlcjpwYXNz", "Basic", id="basic"),
        pytest.param("OAuth", "OAuth", id="nothing-follows"),
        pytest.param('OAuth a="1" b="2"', "OAuth", id="no-comma"),
        pytest.param('OAuth a="1', "OAuth", id="open-quote"),
        pytest.param("", "", id="empty"),
        pytest.param('="1"', "", id="no-scheme"),
    ],
)
def test_what_is_no_parameter_list_gives_none(header: str, scheme: str) -> None:
    assert parse_authorization(header) == (scheme, [])


@given(st.text())
def test_any_text_is_taken(header: str) -> None:
    _, parameters = parse_authorization(header)

    assert all(header[one.start : one.end] is not None for one in parameters)
