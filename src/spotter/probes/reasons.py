"""Why a probe failed, in words for a person."""

from __future__ import annotations

import os
import ssl

from urllib3 import exceptions


class Unexpected(Exception):  # noqa: N818 (a finding)
    """The answer is not the expected one."""


def reason(error: BaseException) -> str:
    """What went wrong, without any part of an answer or a request."""
    if isinstance(error, Unexpected):
        return str(error)
    if isinstance(error, exceptions.MaxRetryError) and error.reason is not None:
        return reason(error.reason)
    if isinstance(error, exceptions.ProxyError):
        return f"the proxy: {reason(error.original_error)}"
    if isinstance(error, exceptions.NameResolutionError):
        return "no host of this name"
    if isinstance(error, exceptions.SSLError | ssl.SSLError):
        return tls_reason(error)
    if isinstance(error, exceptions.DecodeError):
        return "the answer's Content-Encoding is wrong"
    if isinstance(error, exceptions.ProtocolError):
        return "the connection was cut, or what answers is no HTTP"
    return connection_reason(error)


def connection_reason(error: BaseException) -> str:
    """Why there is no connection, or no answer over it."""
    cause = error.__cause__ or error
    if isinstance(cause, OSError) and cause.errno:
        return f"no connection: {os.strerror(cause.errno)}"
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return "no answer in time"
    return f"no answer: {type(error).__name__}"


def tls_reason(error: BaseException) -> str:
    """What is wrong with a certificate, or with the handshake."""
    inner = error.args[0] if error.args else error
    for each in (error, inner):
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"the certificate is not valid: {each.verify_message}"
    named = getattr(inner, "reason", None) or getattr(error, "reason", None)
    return f"no TLS: {str(named or type(error).__name__).replace('_', ' ').lower()}"
