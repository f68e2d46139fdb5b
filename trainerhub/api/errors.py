"""One shape for every error: RFC 9457 problem details."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as handle
from rest_framework.views import set_rollback

from trainerhub.lib.refusals import (
    Conflict,
    Forbidden,
    Invalid,
    Refused,
    WrongCredentials,
)

MEDIA_TYPE = "application/problem+json"
STATUS_OF: dict[type[Refused], int] = {
    Invalid: 400,
    WrongCredentials: 401,
    Forbidden: 403,
    Conflict: 409,
}


class BodyTooLarge(exceptions.APIException):
    """The body is over `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes."""

    status_code = 413
    default_detail = "The body is too large; send less."
    default_code = "body_too_large"


def problem(
    status: int,
    *,
    code: str,
    detail: str,
    errors: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Describe an error; `errors` names the fields when the input was invalid."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": printable(detail),
        "code": code,
    }
    if errors is not None:
        body["errors"] = errors
    return body


def printable(text: Any) -> str:
    """Replace lone surrogates: messages quote the input, and UTF-8 cannot hold them."""
    return str(text).encode("utf-8", "replace").decode()


def exception_handler(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Answer what REST framework and the services raise; the rest is a 500."""
    if isinstance(exception, Refused):
        set_rollback()
        status, body = of_refusal(exception)
        # A 401 has to name a scheme.
        return answer(
            status, body, {"WWW-Authenticate": "Token"} if status == 401 else {}
        )
    if isinstance(exception, RequestDataTooBig):
        exception = BodyTooLarge()
    response = handle(exception, context)
    if response is None:
        return None
    body = of_exception(exception, response.status_code)
    # WWW-Authenticate and Retry-After stay.
    return answer(response.status_code, body, dict(response.items()))


def answer(status: int, body: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(body, status=status, headers=headers, content_type=MEDIA_TYPE)


def of_refusal(refusal: Refused) -> tuple[int, dict[str, Any]]:
    status = next(
        status for kind, status in STATUS_OF.items() if isinstance(refusal, kind)
    )
    errors = None
    if isinstance(refusal, Invalid):
        errors = [{"field": refusal.field, "message": printable(refusal.message)}]
    return status, problem(
        status, code=refusal.code, detail=refusal.message, errors=errors
    )


def of_exception(exception: Exception, status: int) -> dict[str, Any]:
    if isinstance(exception, exceptions.ValidationError):
        return problem(
            status,
            code="invalid",
            detail="The input is not valid; see errors.",
            errors=list(field_errors(exception.detail)),
        )
    if isinstance(exception, Http404 | exceptions.NotFound):
        # Without the exception's own words, which name the model.
        return problem(status, code="not_found", detail="There is no such thing here.")
    if isinstance(exception, PermissionDenied):
        exception = exceptions.PermissionDenied()
    code = getattr(exception, "default_code", "error")
    details = getattr(exception, "detail", "")
    # Given at raise time, a code is more exact than that of the class.
    code = getattr(details, "code", None) or code
    return problem(status, code=code, detail=str(details))


def field_errors(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Flatten REST framework's nested details: `steps.0.action`."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            # A nested object's own errors belong to the object.
            name = "" if path and key == "non_field_errors" else printable(key)
            yield from field_errors(value, ".".join(filter(None, (path, name))))
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, dict | list)
            yield from field_errors(value, f"{path}.{index}" if nested else path)
    else:
        yield {"field": path or "non_field_errors", "message": printable(detail)}


def _json(status: int, code: str, detail: str) -> JsonResponse:
    body = problem(status, code=code, detail=detail)
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400 for what Django refused before a view saw it."""
    if _is_api(request):
        return _json(400, "bad_request", "The request could not be understood.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403 outside REST framework's views."""
    if _is_api(request):
        return _json(403, "permission_denied", "You may not do this.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404 for an address that no view has."""
    if _is_api(request):
        return _json(404, "not_found", "There is no such thing here.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 without a word about what broke: that is in the log."""
    if _is_api(request):
        return _json(500, "server_error", "Something broke here; it has been logged.")
    return defaults.server_error(request)
