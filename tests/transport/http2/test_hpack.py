"""Header blocks: what the decoder takes and refuses, and what ours are to others."""

import contextlib

import hpack as hyper
import pytest
from hpack.huffman_constants import REQUEST_CODES_LENGTH
from hypothesis import given
from hypothesis import strategies as st

from simulator.transport.http2 import hpack
from simulator.transport.http2.fields import write
from simulator.transport.http2.frames import Code, ConnectionFailedError

FIELDS = st.lists(
    st.tuples(st.binary(min_size=1, max_size=40), st.binary(max_size=400)), max_size=9
)


@given(st.lists(st.tuples(FIELDS, st.booleans()), max_size=4))
def test_blocks_of_another_encoder_are_read(
    blocks: list[tuple[list[tuple[bytes, bytes]], bool]],
) -> None:
    encoder, decoder = hyper.Encoder(), hpack.Decoder(65_536)

    for fields, huffman in blocks:
        decoded = decoder.decode(encoder.encode(fields, huffman=huffman))

        assert [(name, value) for name, value, _ in decoded] == fields


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(block: bytes) -> None:
    with contextlib.suppress(ConnectionFailedError):
        hpack.Decoder(65_536).decode(block)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"\x80", id="index-0"),
        pytest.param(b"\xff\x20", id="index-too-high"),
        pytest.param(b"\xff\xff\xff\xff\xff\x0f", id="integer-without-end"),
        pytest.param(b"\x82\x20", id="size-update-behind-a-field"),
        pytest.param(b"\x20\x20\x20\x82", id="three-size-updates"),
        pytest.param(b"\x3f\xe2\x1f\x82", id="size-update-too-large"),
        pytest.param(b"\x40", id="literal-without-a-name"),
        pytest.param(b"\x40\x01a", id="literal-without-a-value"),
        pytest.param(b"\x40\x01a\x05b", id="value-cut-off"),
        pytest.param(b"\x40\x01a\x7f", id="length-cut-off"),
        pytest.param(b"\x40\x01a\x81\x18", id="padded-by-zeros"),
        pytest.param(b"\x40\x01a\x82\x1f\xff", id="padded-by-a-byte"),
        pytest.param(b"\x40\x81\x18\x01a", id="name-padded-by-zeros"),
        pytest.param(b"\x40\x01a\x84\xff\xff\xff\xff", id="end-of-string"),
    ],
)
def test_a_broken_block_is_refused(block: bytes) -> None:
    with pytest.raises(ConnectionFailedError) as caught:
        hpack.Decoder(65_536).decode(block)

    assert caught.value.code == Code.COMPRESSION_ERROR


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"\x20\x3f\xe1\x1f\x82", id="two-size-updates-first"),
        pytest.param(b"\x00\x01a\x80", id="empty-huffman-value"),
        pytest.param(b"\x10\x01a\x01b", id="never-indexed"),
        pytest.param(b"\x0f\x12\x01b", id="name-by-a-long-index"),
        pytest.param(b"\x40\x01a\x81\x1f", id="padded-by-ones"),
    ],
)
def test_a_proper_block_is_read(block: bytes) -> None:
    assert len(hpack.Decoder(65_536).decode(block)) == 1


def test_code_lengths_are_those_of_the_rfc() -> None:
    assert list(hpack._CODE_LENGTHS) == list(REQUEST_CODES_LENGTH[:256])


@given(
    st.integers(100, 999),
    st.lists(
        st.tuples(
            st.sampled_from(["content-type", "x-a", "retry-after", "www-authenticate", "x" * 200]),
            st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=300),
        )
    ),
)
def test_our_blocks_are_read_by_another_decoder(
    status: int, headers: list[tuple[str, str]]
) -> None:
    decoder = hyper.Decoder()

    decoded = decoder.decode(hpack.NO_TABLE + write(status, headers))

    said = [(str(name), str(value)) for name, value in decoded]
    assert said == [(":status", str(status)), *headers]


@given(st.integers(0, 1 << 30), st.integers(1, 8))
def test_integers_are_written_as_another_reads_them(value: int, prefix: int) -> None:
    assert hyper.hpack.decode_integer(hpack.integer(value, prefix), prefix)[0] == value
