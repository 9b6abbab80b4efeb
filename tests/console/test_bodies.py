import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.console.bodies import MOST_LINES, MOST_TEXT, dump, shown

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


@given(st.lists(JSON) | st.dictionaries(st.text(), JSON))
def test_the_lines_say_what_the_body_says(tree: Any) -> None:
    lines = shown({"text": json.dumps(tree)}).lines

    assert json.loads("".join(line.key + line.value for line in lines)) == tree


@given(st.dictionaries(st.text(), JSON))
def test_each_line_has_the_pointer_to_its_value(tree: dict[str, Any]) -> None:
    for line in shown({"text": json.dumps(tree)}).lines:
        found: Any = tree
        for step in line.place.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found[int(name)] if isinstance(found, list) else found[name]
        if not line.closes and not isinstance(found, (dict, list)):
            assert json.loads(line.value.removesuffix(",")) == found


def test_keys_that_stand_twice_are_both_shown() -> None:
    lines = shown({"text": '{"a":1,"a":{"b":2,"b":3}}'}).lines

    assert [line.place for line in lines if line.key] == ["/a", "/a", "/a/b", "/a/b"]


@pytest.mark.parametrize("text", ["", "  ", '"text"', "1", "{", "NaN words", "[" * 100_000])
def test_what_is_no_json_of_many_lines_stays_text(text: str) -> None:
    body = shown({"text": text})

    assert body.lines == ()
    assert body.text == text[:MOST_TEXT]


def test_a_long_body_is_cut() -> None:
    body = shown({"text": json.dumps(list(range(MOST_LINES * 2)))})

    assert len(body.lines) == MOST_LINES
    assert body.cut


def test_bytes_are_dumped() -> None:
    body = shown({"base64": "AAFBQv8="})

    assert body.binary
    assert body.text == "0000  00 01 41 42 ff                                   ..AB."
    assert dump(bytes(32)).count("\n") == 1
