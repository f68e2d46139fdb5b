"""How request bodies are read, with limits that a hostile body cannot pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework import exceptions, parsers, status
from rest_framework.request import Request


class BodyTooLarge(exceptions.APIException):
    """The body is over `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large; send less."
    default_code = "body_too_large"


class JSONParser(parsers.JSONParser):
    """JSON, refusing what is too large or nested too deeply to be meant."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        # Reading from a stream, REST framework passes by Django's own limit.
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        request: Request = (parser_context or {})["request"]
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if limit and length > limit:
            raise BodyTooLarge
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise exceptions.ParseError("The JSON is nested too deeply.") from None
