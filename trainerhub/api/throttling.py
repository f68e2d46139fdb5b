"""How often somebody may try."""

from __future__ import annotations

import hashlib
import logging
import time
from typing import Any

import redis
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

logger = logging.getLogger(__name__)


class AttemptThrottle(SimpleRateThrottle):
    """
    So many attempts from one address in a window of fixed length.

    Counted with the cache's atomic increment: a burst in parallel gets no more
    attempts than one in a row.
    """

    scope: str

    def __init__(self) -> None:
        # Read when used: the parent class reads the settings when it is imported.
        rate = api_settings.DEFAULT_THROTTLE_RATES[self.scope]
        self.limit, self.duration_seconds = self.parse_rate(str(rate))
        self.wait_seconds = 0.0

    def subject(self, request: Request) -> str:
        return ""

    def get_cache_key(self, request: Request, view: APIView) -> str:
        who = f"{self.get_ident(request)} {self.subject(request)}"
        # Hashed: addresses do not belong into a cache that others can read.
        digest = hashlib.sha256(who.encode("utf-8", "replace")).hexdigest()
        return f"throttle-{self.scope}-{digest}"

    def allow_request(self, request: Request, view: APIView) -> bool:
        if self.limit is None or self.duration_seconds is None:
            return True
        window, elapsed = divmod(int(time.time()), self.duration_seconds)
        self.wait_seconds = float(self.duration_seconds - elapsed)
        key = f"{self.get_cache_key(request, view)}-{window}"
        return self._count(key, self.duration_seconds) <= self.limit

    def wait(self) -> float:
        return self.wait_seconds

    def _count(self, key: str, timeout: int) -> int:
        try:
            cache.add(key, 0, timeout=timeout)
            return cache.incr(key)
        except ValueError:
            # It expired between the two calls: the window is over.
            return 1
        except (redis.RedisError, OSError):
            # Without a cache people must still be able to log in.
            logger.warning("Attempts are not throttled: the cache does not answer")
            return 0


class LoginThrottle(AttemptThrottle):
    """Attempts from one address at one account."""

    scope = "login"

    def subject(self, request: Request) -> str:
        data: Any = request.data
        email = data.get("email") if isinstance(data, dict) else None
        return str(email).strip().lower()[:254]


class PasswordThrottle(AttemptThrottle):
    """Attempts at one's own password: a stolen token must not be used to guess it."""

    scope = "login"

    def subject(self, request: Request) -> str:
        return f"password {request.user.pk}"


class RegisterThrottle(AttemptThrottle):
    """New accounts from one address, which also slows down asking who has one."""

    scope = "register"
