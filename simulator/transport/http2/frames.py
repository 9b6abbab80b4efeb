"""Frames of HTTP/2 as bytes, and the numbers of RFC 9113."""

import struct
from enum import IntEnum

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client sends first."""

# Types of frames; plain numbers, because every frame is compared with them.
DATA = 0
HEADERS = 1
PRIORITY = 2
RST_STREAM = 3
SETTINGS = 4
PUSH_PROMISE = 5
PING = 6
GOAWAY = 7
WINDOW_UPDATE = 8
CONTINUATION = 9

END_STREAM = 1
ACK = 1
END_HEADERS = 4
PADDED = 8
WITH_PRIORITY = 32

HEADER_SIZE = 9
FRAME_LIMIT = 16_384
"""Largest payload that each side takes unless it says more; we never do."""
FRAME_LIMIT_CEILING = 16_777_215
WINDOW = 65_535
"""Bytes of bodies that may be under way before the first WINDOW_UPDATE."""
WINDOW_CEILING = 2_147_483_647

read_header = struct.Struct(">BHBBL").unpack_from
"""Reads a frame's header: length (high byte, low half), type, flags, stream."""
read_uint32 = struct.Struct(">L").unpack_from
read_settings = struct.Struct(">HL").iter_unpack
_write_header = struct.Struct(">BHBBL").pack


class Code(IntEnum):
    """Why a stream or the connection ends."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11
    INADEQUATE_SECURITY = 12
    HTTP_1_1_REQUIRED = 13


class Setting(IntEnum):
    """What a side can ask of the other in SETTINGS."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6
    ENABLE_CONNECT_PROTOCOL = 8


class ConnectionFailedError(Exception):
    """The peer broke a rule in a way that ends the connection."""

    def __init__(self, code: Code, about: str) -> None:
        """Keep the *code* for GOAWAY; *about* holds nothing that the peer sent."""
        super().__init__(about)
        self.code = code
        self.about = about


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return one frame."""
    size = len(payload)
    return _write_header(size >> 16, size & 0xFFFF, kind, flags, stream) + payload


def frame_header(size: int, kind: int, flags: int, stream: int) -> bytes:
    """Return the header of a frame whose payload of *size* bytes follows apart."""
    return _write_header(size >> 16, size & 0xFFFF, kind, flags, stream)


def rst_stream(stream: int, code: int) -> bytes:
    """Return the frame that ends one stream."""
    return frame(RST_STREAM, 0, stream, struct.pack(">L", code))


def window_update(stream: int, increment: int) -> bytes:
    """Return the frame that allows *increment* further bytes."""
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">L", increment))


def goaway(last_stream: int, code: int, debug: bytes = b"") -> bytes:
    """Return the frame that announces the end: nothing after *last_stream* was looked at."""
    return frame(GOAWAY, 0, 0, struct.pack(">LL", last_stream, code) + debug)


def settings(values: dict[Setting, int]) -> bytes:
    """Return a SETTINGS frame."""
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HL", *item) for item in values.items()))


def header_block(stream: int, block: bytes, limit: int, *, end_stream: bool) -> bytes:
    """Return HEADERS, and CONTINUATION as far as *block* is longer than *limit*."""
    flags = END_STREAM if end_stream else 0
    if len(block) <= limit:
        return frame(HEADERS, flags | END_HEADERS, stream, block)
    parts = [frame(HEADERS, flags, stream, block[:limit])]
    for start in range(limit, len(block), limit):
        part = block[start : start + limit]
        last = END_HEADERS if start + limit >= len(block) else 0
        parts.append(frame(CONTINUATION, last, stream, part))
    return b"".join(parts)


def unpadded(flags: int, payload: bytes) -> bytes:
    """Return *payload* of DATA or HEADERS without padding; ConnectionFailedError if it is wrong."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise ConnectionFailedError(Code.PROTOCOL_ERROR, "the padding is longer than the frame")
    return payload[1 : len(payload) - payload[0]]
