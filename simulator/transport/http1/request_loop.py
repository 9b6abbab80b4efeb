"""The loop of an HTTP/1.1 connection: one request after the other, over aiohttp's parser.

It takes the place of aiohttp's own, which makes a task, a writer, a `web.BaseRequest` and a
`web.StreamResponse` for each request: an eighth of the time of a brief one.
"""

import contextlib
from abc import abstractmethod
from asyncio import timeout
from collections.abc import Iterator
from typing import Any, cast

from aiohttp import web
from aiohttp.streams import StreamReader

LINGER_S = 2.0
"""How long the rest of a refused body is read, so that the client hears the answer."""


class _Body:
    """A body that is read; aiohttp's handler ends that with the connection."""

    def __init__(self, content: StreamReader) -> None:
        self.content = content

    def _cancel(self, error: BaseException) -> None:
        self.content.set_exception(error)


class RequestLoop(web.RequestHandler):
    """aiohttp's handler of a connection, but that each request is answered by `_answer`."""

    unread = b""
    """Bytes of a body that arrived, but were not read when the connection ended."""

    @abstractmethod
    async def _answer(self, message: Any, payload: StreamReader) -> bool:
        """Answer one request; return whether the connection stays.

        *message* is the parser's, or tells why there is none; *payload* is the body.
        """

    @property
    def closing(self) -> bool:
        """Whether no further request is taken."""
        return self._close or self._force_close

    async def start(self) -> None:
        """Answer requests one after the other, in the order in which they came."""
        try:
            while not self._force_close:
                if not self._messages:
                    await self._wait_for_message()
                message, payload = self._messages.popleft()
                self._go_on_reading()
                self._request_in_progress = True
                self._keepalive = await self._answer(message, payload)
                if not payload.is_eof():
                    await self._linger(payload)
                self._request_in_progress = False
                if not self._keepalive or self.closing:
                    break
                if self._upgraded and not self._messages:
                    self._decline_upgrade()
                self._stay()
        except ConnectionError:
            pass  # the client has gone
        except BaseException:
            self.force_close()
            raise
        finally:
            self._end()

    def _end(self) -> None:
        """Close the connection unless that is done, and tell who waits to shut it down."""
        self._request_in_progress = False
        if self._handler_waiter is not None:
            self._handler_waiter.set_result(None)
        if not self._force_close:
            self._task_handler = None
            if self.transport is not None:
                self.transport.close()

    async def _wait_for_message(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _stay(self) -> None:
        """Close the connection after a while, unless a request comes."""
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(
                self._next_keepalive_close_time, self._process_keepalive
            )

    def _go_on_reading(self) -> None:
        """Let the parser go on, which stops where many requests wait."""
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()

    @contextlib.contextmanager
    def reading(self, content: StreamReader) -> Iterator[None]:
        """Have the reading of *content* end with the connection, inside the block."""
        self._current_request = cast("web.BaseRequest", _Body(content))
        try:
            yield
        finally:
            self._current_request = None

    async def _linger(self, payload: StreamReader) -> None:
        """Read the rest of a refused body, so that the client hears the answer."""
        with contextlib.suppress(TimeoutError):
            async with timeout(LINGER_S):
                while not (payload.is_eof() or self._force_close):
                    await payload.readany()

    def _decline_upgrade(self) -> None:
        """Go on in HTTP/1.1 with what came after a request for another protocol."""
        if self._parser is None:
            return
        self._parser.set_upgraded(False)
        self._upgraded = False
        rest, self._message_tail = self._message_tail, b""
        if rest:
            self.data_received(rest)
        if self._buffer_paused:
            self._resume_reading_if_drained()
