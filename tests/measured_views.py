"""Views that do one thing each, for what the middleware says of it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.urls import include, path

from spotter.context import current


def request_id() -> str:
    """The id of the request in hand, as any code of the project would ask for it."""
    context = current()
    assert context is not None
    return context.request_id


def empty(request, **kwargs):
    return HttpResponse(b"")


async def aempty(request):
    return HttpResponse(b"")


def echo(request):
    return HttpResponse(request.body, status=201)


def busy(request):
    User.objects.count()
    User.objects.exists()
    cache.set("here", 1)
    cache.get_many(["here", "there"])
    return HttpResponse(request_id())


async def abusy(request):
    await asyncio.gather(User.objects.acount(), User.objects.acount())
    await cache.aget("there")
    await sync_to_async(cache.get)("there")
    return HttpResponse(request_id())


def fail(request):
    raise LookupError("no such trainer")


async def afail(request):
    raise LookupError("no such trainer")


def missing(request, pk):
    raise Http404


def stream(request):
    def parts():
        yield request_id()
        User.objects.count()
        yield "é"

    return StreamingHttpResponse(parts())


def torn_stream(request):
    def parts():
        yield b"one"
        raise LookupError("no more")

    return StreamingHttpResponse(parts())


async def astream(request):
    async def parts():
        yield request_id()
        await User.objects.acount()
        yield b"end"

    return StreamingHttpResponse(parts())


#: Where a view waits for what never comes, each says so to whoever is to leave then.
reached: list[asyncio.Event] = []


async def never(request):
    reached[0].set()
    await asyncio.Event().wait()


async def endless_stream(request):
    async def parts():
        yield b"one"
        reached[0].set()
        await asyncio.Event().wait()

    return StreamingHttpResponse(parts())


def file(request):
    handle = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
    handle.write(b"x" * 5000)
    handle.seek(0)
    return FileResponse(handle)


def refuse(request, token):
    raise LookupError(f"no such token as {token}")


def who(request):
    return HttpResponse(str(request.user.pk))


def deface(request):
    """Take away all that the middleware might want to look at."""
    for name in ("user", "session", "resolver_match", "path"):
        with contextlib.suppress(AttributeError):
            delattr(request, name)
    return HttpResponse(b"", headers={"X-Request-ID": "theirs"})


urlpatterns = [
    path("", empty),
    path("async/", aempty),
    path("echo/", echo),
    path("busy/", busy),
    path("abusy/", abusy),
    path("fail/", fail),
    path("reset/<str:token>/", refuse),
    path("afail/", afail),
    path("clients/", include([path("<int:pk>/", empty)])),
    path("missing/<int:pk>/", missing),
    path("stream/", stream),
    path("torn-stream/", torn_stream),
    path("astream/", astream),
    path("never/", never),
    path("endless-stream/", endless_stream),
    path("file/", file),
    path("who/", who),
    path("deface/", deface),
]
