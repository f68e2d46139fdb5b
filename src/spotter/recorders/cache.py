"""Capture each operation of the work in hand on a cache, with its hits and misses."""

from __future__ import annotations

import contextvars
import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Sized
from time import perf_counter
from typing import Any

from django.core.cache import CacheHandler, caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from spotter.context import Context, current
from spotter.recorders.cache_memory import noticed_cull
from spotter.recorders.cache_shares import shares_of
from spotter.rescue import is_ignoring, rescue
from spotter.spans import CacheSpan

MISSING = object()
#: Where the backends are that take any default for a key that is not there.
KNOWN = ("django.core.cache.backends.", "django_redis.")

# Set while one operation runs, which may be made of others: `get_or_set` of two `get`.
# A context variable, because tasks of one event loop may share a cache.
_inside: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "spotter_inside_cache", default=False
)

Arguments = tuple[Any, ...]
Keywords = dict[str, Any]
Finish = Callable[[Any], Any]
#: Arranges for one call to be counted: its arguments, and what to do with its result.
Prepare = Callable[[CacheSpan, Arguments, Keywords], tuple[Arguments, Keywords, Finish]]


def counting() -> Context | None:
    """The context to count in, or None when this operation is not to be counted."""
    context = current()
    return None if context is None or _inside.get() or is_ignoring() else context


def one_lookup(
    span: CacheSpan, args: Arguments, kwargs: Keywords
) -> tuple[Arguments, Keywords, Finish]:
    """Count a `get`; a default of our own tells a miss from a stored None."""
    default = args[1] if len(args) > 1 else kwargs.get("default")
    if args:
        args = (args[0], MISSING, *args[2:])
        kwargs.pop("default", None)
    else:
        kwargs["default"] = MISSING

    def finish(value: Any) -> Any:
        if value is MISSING:
            span.misses = 1
            return default
        span.hits = 1
        return value

    return args, kwargs, finish


def plain_lookup(
    span: CacheSpan, args: Arguments, kwargs: Keywords
) -> tuple[Arguments, Keywords, Finish]:
    """
    Count a `get` by what it gives, without a default of our own.

    A project's own backend may keep the default that it is given, as one of two layers
    does that writes what the other one gave: ours would be somebody's value then. So a
    stored value that is the default itself counts as a miss: to tell it from one would
    take another call to the cache.
    """
    default = args[1] if len(args) > 1 else kwargs.get("default")

    def finish(value: Any) -> Any:
        if value is default:
            span.misses = 1
        else:
            span.hits = 1
        return value

    return args, kwargs, finish


def many_lookups(
    span: CacheSpan, args: Arguments, kwargs: Keywords
) -> tuple[Arguments, Keywords, Finish]:
    """Count each distinct key of a `get_many`."""
    keys = args[0] if args else kwargs["keys"]
    asked: set[Any] = set()
    is_read_once = not isinstance(keys, Sized)
    if is_read_once:
        # It can be read once, and that is for the cache to do.
        noticed = notice(keys, asked)
        args, kwargs = (
            ((noticed, *args[1:]), kwargs)
            if args
            else (args, kwargs | {"keys": noticed})
        )

    def finish(values: Any) -> Any:
        try:
            asked.update(() if is_read_once else keys)
            span.hits = len(values)
            span.misses = max(0, len(asked) - len(values))
            span.shares = shares_of(asked, values)
        except Exception:
            with rescue("count the lookups of get_many"):
                raise
        return values

    return args, kwargs, finish


def plain_lookups(
    span: CacheSpan, args: Arguments, kwargs: Keywords
) -> tuple[Arguments, Keywords, Finish]:
    """As `many_lookups`; keys that can be read once are left alone, and not counted."""
    keys = args[0] if args else kwargs["keys"]
    if isinstance(keys, Sized):
        return many_lookups(span, args, kwargs)
    return args, kwargs, unchanged


def notice(keys: Iterable[Any], asked: set[Any]) -> Iterator[Any]:
    """Pass keys on, remembering them."""
    for key in keys:
        asked.add(key)
        yield key


def lookup_or_set(
    span: CacheSpan, args: Arguments, kwargs: Keywords
) -> tuple[Arguments, Keywords, Finish]:
    """Count a `get_or_set` once: it missed if its default was asked for."""
    default = args[1] if len(args) > 1 else kwargs["default"]
    missed = False

    def noticed_default() -> Any:
        nonlocal missed
        missed = True
        span.misses = 1
        if not callable(default):
            return default
        # The application's code again, whose own lookups count.
        token = _inside.set(False)
        try:
            return default()
        finally:
            _inside.reset(token)

    if len(args) > 1:
        args = (args[0], noticed_default, *args[2:])
    else:
        kwargs["default"] = noticed_default

    def finish(value: Any) -> Any:
        if not missed:
            span.hits = 1
        return value

    return args, kwargs, finish


def no_lookup(
    span: CacheSpan, args: Arguments, kwargs: Keywords
) -> tuple[Arguments, Keywords, Finish]:
    """Count nothing, though the operation may be made of lookups."""
    return args, kwargs, unchanged


def many_writes(
    span: CacheSpan, args: Arguments, kwargs: Keywords
) -> tuple[Arguments, Keywords, Finish]:
    """Note what keys a `set_many` or `delete_many` is for, if they can be read twice."""
    keys = args[0] if args else named_key(kwargs)
    if isinstance(keys, Collection):
        try:
            span.shares = shares_of(keys)
        except Exception:
            with rescue("count the keys of many"):
                raise
    return args, kwargs, unchanged


def unchanged(value: Any) -> Any:
    return value


def operation(name: str, prepare: Prepare) -> Callable[..., Any]:
    """Make the counted form of a cache's method."""

    @functools.wraps(getattr(BaseCache, name))
    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = getattr(super(CountedCache, self), name)
        context = counting()
        if context is None:
            return call(*args, **kwargs)
        span = begin(self, name, args, kwargs)
        args, kwargs, finish = prepare_or_leave(prepare, span, args, kwargs)
        token = _inside.set(True)
        try:
            return finish(call(*args, **kwargs))
        except BaseException as error:
            span.error = type(error).__name__
            raise
        finally:
            _inside.reset(token)
            end(context, span)

    return counted


def async_operation(name: str, prepare: Prepare) -> Callable[..., Any]:
    """As `operation`, for one that is awaited."""

    @functools.wraps(getattr(BaseCache, name))
    async def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = getattr(super(CountedCache, self), name)
        context = counting()
        if context is None:
            return await call(*args, **kwargs)
        span = begin(self, name.removeprefix("a"), args, kwargs)
        args, kwargs, finish = prepare_or_leave(prepare, span, args, kwargs)
        token = _inside.set(True)
        try:
            return finish(await call(*args, **kwargs))
        except BaseException as error:
            span.error = type(error).__name__
            raise
        finally:
            _inside.reset(token)
            end(context, span)

    return counted


def begin(cache: Any, name: str, args: Arguments, kwargs: Keywords) -> CacheSpan:
    """Start to time an operation."""
    key = args[0] if args else named_key(kwargs)
    return CacheSpan(
        perf_counter(),
        name,
        vars(cache).get("spotter_alias", ""),
        key if type(key) is str else first_of(key),
    )


def named_key(kwargs: Keywords) -> Any:
    """The key, the keys or the data by key, where a call names its arguments."""
    for name in ("key", "keys", "data"):
        if name in kwargs:
            return kwargs[name]
    return ""


def first_of(keys: Any) -> str:
    """The first of several keys, if they can be looked at more than once."""
    if isinstance(keys, list | tuple | dict | set):
        return str(next(iter(keys), ""))
    return ""


def end(context: Context, span: CacheSpan) -> None:
    """Add what was found, and what it took, to the work in hand."""
    seconds = span.seconds = perf_counter() - span.started
    context.cache_hits += span.hits
    context.cache_misses += span.misses
    context.cache_seconds += seconds
    context.put_span(span)


def prepare_or_leave(
    prepare: Prepare, span: CacheSpan, args: Arguments, kwargs: Keywords
) -> tuple[Arguments, Keywords, Finish]:
    """Prepare a call, or leave it as it is when its arguments are wrong."""
    try:
        return prepare(span, args, dict(kwargs))
    except (KeyError, IndexError):
        # A call without a key or a default: the cache itself says so best.
        return args, kwargs, unchanged


class CountedCache:
    """
    What is put before a cache's class: the same operations, with lookups counted.

    A lookup asks for a value: `get`, each key of `get_many`, `get_or_set` (once). The
    rest write, or ask only whether a key is there: they are timed, and are no lookup.
    """

    get = operation("get", one_lookup)
    get_many = operation("get_many", many_lookups)
    get_or_set = operation("get_or_set", lookup_or_set)
    set = operation("set", no_lookup)
    set_many = operation("set_many", many_writes)
    add = operation("add", no_lookup)
    touch = operation("touch", no_lookup)
    delete = operation("delete", no_lookup)
    delete_many = operation("delete_many", many_writes)
    has_key = operation("has_key", no_lookup)
    incr = operation("incr", no_lookup)
    incr_version = operation("incr_version", no_lookup)
    clear = operation("clear", no_lookup)
    aget = async_operation("aget", one_lookup)
    aget_many = async_operation("aget_many", many_lookups)
    aget_or_set = async_operation("aget_or_set", lookup_or_set)
    aset = async_operation("aset", no_lookup)
    aset_many = async_operation("aset_many", many_writes)
    aadd = async_operation("aadd", no_lookup)
    atouch = async_operation("atouch", no_lookup)
    adelete = async_operation("adelete", no_lookup)
    adelete_many = async_operation("adelete_many", many_writes)
    ahas_key = async_operation("ahas_key", no_lookup)
    aincr = async_operation("aincr", no_lookup)
    aincr_version = async_operation("aincr_version", no_lookup)
    aclear = async_operation("aclear", no_lookup)


def is_known(kind: type[BaseCache], name: str) -> bool:
    """Whether a class's method is Django's or django-redis', and not a project's."""
    place = getattr(getattr(kind, name), "__module__", "") or ""
    return place.startswith(KNOWN)


#: What counts the methods of a project's own, which get their arguments as they are.
PLAIN = {"get": plain_lookup, "get_many": plain_lookups}


@functools.cache
def counted_class(kind: type[BaseCache]) -> type[BaseCache]:
    """Give a subclass that counts; one for each backend of the project."""
    names: Keywords = {
        name: getattr(kind, name) for name in ("__module__", "__qualname__")
    }
    for name, prepare in PLAIN.items():
        if not (is_known(kind, name) and is_known(kind, f"a{name}")):
            names[name] = operation(name, prepare)
            names[f"a{name}"] = async_operation(f"a{name}", prepare)
    # It is left alone, and what it asks of the cache counts by itself: a default of
    # ours might be kept, and given to the project.
    for name in ("get_or_set", "aget_or_set"):
        if not is_known(kind, name):
            names[name] = inspect.getattr_static(kind, name)
    if issubclass(kind, LocMemCache):
        names["_cull"] = noticed_cull(kind)
    made: type[BaseCache] = type(kind.__name__, (CountedCache, kind), names)
    return made


def watch_cache(cache: BaseCache, alias: str) -> None:
    """Count the lookups of one cache; one swap costs less than wrapping each method."""
    if isinstance(cache, CountedCache):
        return
    try:
        cache.spotter_alias = alias  # type: ignore[attr-defined]
        cache.__class__ = counted_class(type(cache))  # type: ignore[arg-type]
    except Exception:
        with rescue("count the lookups of a cache"):
            raise


def install() -> None:
    """Watch every cache that is open and every one that will be, once."""
    # Django has no signal for a new cache, and makes one for each thread and task.
    original = CacheHandler.create_connection
    if getattr(original, "is_watched", False):
        return

    @functools.wraps(original)
    def create_connection(self: CacheHandler, alias: str) -> BaseCache:
        cache: BaseCache = original(self, alias)
        watch_cache(cache, alias)
        return cache

    create_connection.is_watched = True  # type: ignore[attr-defined]
    CacheHandler.create_connection = create_connection  # type: ignore[method-assign]
    for alias in caches:
        cache = getattr(caches._connections, alias, None)  # type: ignore[attr-defined]
        if cache is not None:
            watch_cache(cache, alias)
