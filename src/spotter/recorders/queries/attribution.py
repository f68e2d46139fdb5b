"""What the ORM was doing when it ran a query: read off the frames of its own code."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from spotter.call_sites import is_project
from spotter.rescue import rescue

#: Frames between a query and the project's code: about ten, or forty in a template.
MAX_DEPTH = 80


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """
    What was asked of the ORM.

    Args:
        operation: "relation" (an object's single relation), "related" (its related
            objects), "deferred" (a field left out), "get", "count", "exists", "first",
            "rows", "save", "delete", "refresh"; "" when it was no ORM at all.
        model: whose rows were asked for, as `bookings.Booking`.
        relation: the relation or field on the object in hand, as `Booking.client`.
        template: `name:line` when a template asked.
    """

    operation: str = ""
    model: str = ""
    relation: str = ""
    template: str = ""


Reader = Callable[[dict[str, Any]], Told]


def tell(frame: FrameType | None) -> Told:
    """Give what is known; nothing is known of raw SQL."""
    told, template = Told(), ""
    with rescue("attribute a query"):
        readers, rendering = known_code()
        for _ in range(MAX_DEPTH):
            if frame is None or is_project(frame.f_code.co_filename):
                break
            read = readers.get(frame.f_code)
            if read is not None:
                # The outermost says most: what the project's own line asked for.
                told = better(told, read(frame.f_locals))
            elif frame.f_code is rendering and not template:
                template = template_line(frame.f_locals)
            frame = frame.f_back
    return dataclasses.replace(told, template=template)


def better(told: Told, found: Told) -> Told:
    """Keep the relation that an inner frame named when the outer one names none."""
    if told.relation and not found.relation:
        return told
    return found


@functools.cache
def known_code() -> tuple[dict[CodeType, Reader], CodeType]:
    """Django's own functions that tell, by their code; looked up once."""
    from django.db.models import Model, QuerySet
    from django.db.models.fields import related_descriptors as related
    from django.db.models.query_utils import DeferredAttribute
    from django.template.base import Node

    forward = related.ForwardManyToOneDescriptor.__get__
    backward = related.ReverseOneToOneDescriptor.__get__
    readers: dict[Any, Reader] = {
        forward: lambda names: single(names["self"].field, names["instance"]),
        backward: lambda names: single(names["self"].related, names["instance"]),
        DeferredAttribute.__get__: deferred,
        Model.save: functools.partial(of_instance, "save"),
        Model.delete: functools.partial(of_instance, "delete"),
        Model.refresh_from_db: functools.partial(of_instance, "refresh"),
        QuerySet._fetch_all: functools.partial(of_rows, "rows"),
        **{
            getattr(QuerySet, name): functools.partial(of_rows, name)
            for name in ("get", "count", "exists", "first", "get_or_create")
        },
    }
    return {f.__code__: r for f, r in readers.items()}, Node.render_annotated.__code__


def single(field: Any, instance: Any) -> Told:
    """A single related object, asked for by its attribute."""
    name = getattr(field, "name", "") or field.get_accessor_name()
    return Told(
        operation="relation",
        model=field.related_model._meta.label,
        relation=f"{type(instance).__name__}.{name}",
    )


def deferred(names: dict[str, Any]) -> Told:
    """A field that the query had left out."""
    field, owner = names["self"].field, type(names["instance"])
    return Told(
        operation="deferred",
        model=owner._meta.label,
        relation=f"{owner.__name__}.{field.name}",
    )


def of_instance(operation: str, names: dict[str, Any]) -> Told:
    """A single object's own statement."""
    return Told(operation=operation, model=type(names["self"])._meta.label)


def of_rows(operation: str, names: dict[str, Any]) -> Told:
    """A queryset's rows, and through which relation it was reached if any."""
    rows = names["self"]
    relation = relation_of(rows)
    if operation == "rows" and relation:
        operation = "related"
    return Told(operation=operation, model=rows.model._meta.label, relation=relation)


def relation_of(rows: Any) -> str:
    """The relation that a manager of related objects goes through."""
    instance = rows._hints.get("instance")
    if instance is None:
        return ""
    for field in rows._known_related_objects:
        return f"{type(instance).__name__}.{field.remote_field.get_accessor_name()}"
    names = [
        getattr(each, "name", "")
        if each in instance._meta.many_to_many
        else each.get_accessor_name()
        for each in (*instance._meta.many_to_many, *instance._meta.related_objects)
        if each.related_model is rows.model
    ]
    return f"{type(instance).__name__}.{names[0]}" if len(names) == 1 else ""


def template_line(names: dict[str, Any]) -> str:
    """Where in which template a node is."""
    token, context = names["self"].token, names["context"]
    template = getattr(context.render_context, "template", None)
    name = getattr(template, "name", None) or "a template"
    return f"{name}:{token.lineno}" if token is not None else name
