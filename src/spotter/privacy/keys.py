"""Whether a field's name alone says that its value is a secret."""

from __future__ import annotations

import functools
import re

# A name longer than this is no name; it is judged by its beginning.
_LONGEST = 200
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")

# Wherever they stand in a name, written together or apart.
_ANYWHERE = re.compile(
    r"password|passwd|passphrase|passcode|secret(?!ar)|apikey|accesskey|privatekey"
    r"|authorization|credential|csrf|xsrf|cookie|signature|sessionid|sessionkey"
    r"|cardnumber|creditcard|token$"
)
# Only as whole words, since they are parts of innocent ones: author, spin, cardinal.
_WORDS = frozenset({
    "auth", "bearer", "card", "cvc", "cvv", "iban", "jwt", "otp", "pan", "passwords",
    "phone", "phones", "pin", "pwd", "ssn", "telephone", "token", "tokens",
})  # fmt: skip
# "session" alone is a secret; a trainer's "sessions_left" is not.
_OF_A_SESSION = frozenset({"cookie", "data", "hash", "id", "key", "token"})
# What makes "…_key" a name of something and not a secret.
_INNOCENT_KEYS = frozenset({
    "cache", "candidate", "composite", "context", "dedup", "dict", "event", "extra",
    "field", "foreign", "group", "idempotency", "index", "lookup", "message", "natural",
    "object", "partition", "primary", "public", "row", "shard", "sort", "translation",
    "unique",
})  # fmt: skip
# A last word that says the value is about the secret, not the secret itself.
_ABOUT = frozenset({
    "age", "at", "backend", "backends", "brand", "changed", "class", "count", "counts",
    "enabled", "expired", "expires", "expiry", "field", "invalid", "length", "limit",
    "method", "middleware", "model", "required", "seconds", "size", "total", "ttl",
    "type", "used", "valid", "validators", "verified",
})  # fmt: skip


def is_secret_key(name: str) -> bool:
    """Whether what stands under this name is to be filtered, whatever it is."""
    # Cut before it is remembered: what is taken for a name may be a picture in base 64.
    return _is_secret(name[:_LONGEST])


@functools.lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    apart = _SEPARATORS.sub("_", _CAMEL.sub("_", name)).strip("_").lower()
    words = apart.split("_")
    if words[-1] in _ABOUT:
        return False
    return (
        not _WORDS.isdisjoint(words)
        or _ANYWHERE.search("".join(words)) is not None
        or _is_session(words)
        or _is_key(words)
    )


def _is_session(words: list[str]) -> bool:
    if "session" not in words:
        return False
    following = words[words.index("session") + 1 :]
    return words == ["session"] or not _OF_A_SESSION.isdisjoint(following)


def _is_key(words: list[str]) -> bool:
    return words[-1] == "key" and len(words) > 1 and words[-2] not in _INNOCENT_KEYS
