"""Count the bytes of a streamed response, and notice its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

from django.http.response import HttpResponseBase

from spotter import errors
from spotter.context import Context, enter, leave
from spotter.recorders.api_log import name_of
from spotter.rescue import rescue

#: Called once with the response, the bytes sent (None when a file was handed to the
#: server, which sends it itself) and whether the client stayed to the end.
Ended = Callable[[HttpResponseBase, int | None, bool], None]


class Stream:
    """What has been sent so far of one response."""

    def __init__(
        self, response: HttpResponseBase, context: Context, ended: Ended
    ) -> None:
        self.response = response
        self.context = context
        self.ended: Ended | None = ended
        self.sent_bytes: int | None = None
        self.is_broken = False

    def close(self) -> None:
        """The server is done; if there would be more content, the client left."""
        self.end(complete=self.is_broken or self.sent_bytes is None)

    def end(self, *, complete: bool) -> None:
        """Tell of the end the first time."""
        ended, self.ended = self.ended, None
        if ended is None:
            return
        try:
            ended(self.response, self.sent_bytes, complete)
        except Exception:
            with rescue("measure a streamed response"):
                raise

    def add(self, part: bytes) -> None:
        self.sent_bytes = (self.sent_bytes or 0) + len(part)

    def fail(self, error: BaseException) -> None:
        """Note the exception; the server will close the response."""
        if isinstance(error, asyncio.CancelledError):
            return  # The client left: nothing went wrong.
        self.is_broken = True
        self.context.exception = name_of(type(error))
        if isinstance(error, Exception):
            # Nobody else does: Django's own handlers are done with the request.
            errors.capture((type(error), error, error.__traceback__))


class CountedIterator:
    """A synchronous stream, whose code runs in the context of its request."""

    def __init__(self, parts: Iterator[bytes], stream: Stream) -> None:
        self.parts = parts
        self.stream = stream

    def __iter__(self) -> CountedIterator:
        return self

    def __next__(self) -> bytes:
        stream = self.stream
        token = enter(stream.context)
        try:
            part = next(self.parts)
        except StopIteration:
            stream.end(complete=True)
            raise
        except BaseException as error:
            stream.fail(error)
            raise
        finally:
            leave(token)
        stream.add(part)
        return part


class CountedAsyncIterator:
    """As `CountedIterator`, for an asynchronous stream."""

    def __init__(self, parts: AsyncIterator[bytes], stream: Stream) -> None:
        self.parts = parts
        self.stream = stream

    def __aiter__(self) -> CountedAsyncIterator:
        return self

    async def __anext__(self) -> bytes:
        stream = self.stream
        token = enter(stream.context)
        try:
            part = await anext(self.parts)
        except StopAsyncIteration:
            stream.end(complete=True)
            raise
        except BaseException as error:
            stream.fail(error)
            raise
        finally:
            leave(token)
        stream.add(part)
        return part


def count_stream(response: HttpResponseBase, context: Context, ended: Ended) -> None:
    """Count what a streamed response sends and call `ended` when that is over."""
    stream = Stream(response, context, ended)
    streaming = cast(Any, response)
    streaming._resource_closers.append(stream.close)
    # A file goes to the server as a file (sendfile); wrapping would undo that.
    if getattr(streaming, "file_to_stream", None) is not None:
        return
    counted = CountedAsyncIterator if streaming.is_async else CountedIterator
    streaming.streaming_content = counted(streaming.streaming_content, stream)
    stream.sent_bytes = 0
