"""Heads that are read once: what they say is what each block says when it is decoded anew."""

import hpack as hyper
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.transport.http2.fields import read_head
from simulator.transport.http2.frames import ConnectionFailedError
from simulator.transport.http2.heads import Heads
from simulator.transport.http2.hpack import Decoder

LIMIT = 65_536
PATHS = st.sampled_from(["/3/device/a1", "/3/device/a1", "/3/device/b2", "/", "/å", "*", "a", ""])
AGENTS = st.sampled_from(["a", "a", "a", "b"])


class Counted(Decoder):
    """Counts the blocks that it decodes."""

    blocks = 0

    def decode(self, block: bytes) -> list[tuple[bytes, bytes, bool]]:
        self.blocks += 1
        return super().decode(block)


def fields(path: str, agent: str = "a", *, indexed: bool = False) -> list[tuple[str, str, bool]]:
    """Return the fields of a request, whose path is not to be indexed unless it is *indexed*."""
    return [
        (":method", "POST", False),
        (":scheme", "https", False),
        (":path", path, not indexed),
        (":authority", "api.push.apple.com", False),
        ("user-agent", agent, False),
    ]


@given(
    st.lists(
        st.tuples(
            PATHS,
            AGENTS,
            st.sampled_from([False, False, False, True]),
            st.booleans(),
            st.sampled_from([None, None, None, None, 0, 64, 4096]),
            st.sampled_from(["head"] * 5 + ["trailers", "two paths", "broken"]),
        ),
        max_size=20,
    )
)
def test_they_are_those_that_are_read_anew(
    blocks: list[tuple[str, str, bool, bool, int | None, str]],
) -> None:
    encoder, decoder, other = hyper.Encoder(), Decoder(LIMIT), Decoder(LIMIT)
    heads = Heads(decoder)
    for path, agent, indexed, huffman, table, kind in blocks:
        sent = fields(path, agent, indexed=indexed)
        if table is not None:
            encoder.header_table_size = table
        if kind == "two paths":
            sent.insert(3, sent[2])
        elif kind == "trailers":
            sent = [("x-a", agent, False)]
        block = encoder.encode(sent, huffman=huffman)
        if kind == "trailers":
            assert decoder.decode(block) == other.decode(block)
        elif kind == "broken":
            for read in (heads.read, other.decode):
                with pytest.raises(ConnectionFailedError):
                    read(block + b"\x04")
            break
        else:
            assert heads.read(block) == read_head(other.decode(block))


@pytest.mark.parametrize("huffman", [True, False])
def test_a_block_is_decoded_once_whatever_known_path_it_has(huffman: bool) -> None:
    encoder, decoder = hyper.Encoder(), Counted(LIMIT)
    heads = Heads(decoder)
    paths = [f"/3/device/{huffman}{number}" for number in range(3)]

    read = [heads.read(encoder.encode(fields(path), huffman)) for path in paths * 4]

    assert [head.target for head in read] == paths * 4
    assert {head.headers for head in read} == {read[0].headers}
    # Paths are known once they came twice, whether or not they fill the table meanwhile.
    assert decoder.blocks == len(paths) + 1  # the first one fills the table


def test_what_stands_for_a_field_may_change_with_the_table() -> None:
    encoder = hyper.Encoder()
    heads = Heads(Decoder(LIMIT))
    for agent in ("a", "b", "b", "a", "b"):
        block = encoder.encode(fields("/3/device/a1", agent))
        assert dict(heads.read(block).headers)["user-agent"] == agent


def test_a_block_that_fills_the_table_fills_it_each_time_that_it_comes() -> None:
    def literal(text: bytes, value: bytes) -> bytes:
        return b"\x40" + bytes((len(text),)) + text + bytes((len(value),)) + value

    start = b"\x83\x87\x04\x02/a"
    heads, oldest = Heads(Decoder(LIMIT)), b"\xc0"  # the third entry of the table
    heads.read(start + literal(b"x-a", b"1"))
    for _ in range(2):
        heads.read(start + literal(b"x-b", b"2"))

    assert heads.read(start + oldest).headers == (("x-a", "1"),)
    heads.read(start + literal(b"x-b", b"2"))
    assert heads.read(start + oldest).headers == (("x-b", "2"),)
