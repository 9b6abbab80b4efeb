"""A spool in memory: bytes that are written once and read many times."""

from array import array


class MemorySpool(bytearray):
    """Bytes that are written first and then read.

    No BytesIO: that is closed when it goes, which fails while others still see what it holds, as
    they do if the garbage collector takes all of them at once. Python 3.13 prints that failure.
    """

    __slots__ = ()

    def write(self, data: "array[int] | memoryview", /) -> None:
        """Add to the end."""
        self += memoryview(data).cast("B")

    def getbuffer(self) -> memoryview:
        """Return all that was written; nothing can be added then."""
        return memoryview(self)
