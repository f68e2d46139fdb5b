"""Send requests as people would, at the pace of the week, and enter each one."""

from __future__ import annotations

import asyncio
import random
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from trainerhub.demo import faults
from trainerhub.demo.simulation.ledger import Ledger, Request
from trainerhub.demo.simulation.week import Moment

OK = frozenset({200})
TIMEOUT_SECONDS = 30.0
FAILURES_LIMIT = 20
_number = re.compile(r"/\d+(?=/)")


class PlanDoneError(Exception):
    """The time or the number of requests is used up."""


class UnreachableError(Exception):
    """The server has not answered for many requests in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much traffic, for how long, and which faults in which share of it."""

    rate: float
    duration_seconds: float
    request_limit: int | None = None
    faults: tuple[str, ...] = ()
    fault_share: float = 0.1
    users: int = 8


class Pacer:
    """Hand out the instants at which requests may start."""

    def __init__(
        self,
        plan: Plan,
        chance: random.Random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.plan = plan
        self.chance = chance
        self.clock = clock
        self.started = self.next = clock()
        self.given = 0

    def moment(self) -> Moment:
        """Where in the compressed week we are."""
        passed = self.clock() - self.started
        return Moment(min(passed / self.plan.duration_seconds, 0.999999))

    def is_over(self) -> bool:
        is_late = self.clock() - self.started >= self.plan.duration_seconds
        return is_late or self.given == self.plan.request_limit

    def delay(self) -> float:
        """Seconds until the next request may start; raises PlanDoneError at the end."""
        if self.is_over():
            raise PlanDoneError
        self.given += 1
        now = self.clock()
        rate = self.plan.rate * max(self.moment().activity, 0.02)
        # A server that falls behind is not flooded with what it missed.
        self.next = max(self.next, now - 1) + self.chance.expovariate(rate)
        return max(0.0, self.next - now)

    async def turn(self) -> None:
        """Wait for the next turn, but not past the end."""
        wait = self.delay()
        left = self.started + self.plan.duration_seconds - self.clock()
        if wait >= left:
            self.given -= 1
            await asyncio.sleep(max(0.0, left))
            raise PlanDoneError
        await asyncio.sleep(wait)


class Browser:
    """One HTTP client that all simulated people share; each request is entered."""

    def __init__(
        self, client: httpx.AsyncClient, pacer: Pacer, ledger: Ledger, run_id: str
    ) -> None:
        self.client = client
        self.pacer = pacer
        self.ledger = ledger
        self.run_id = run_id

    async def send(
        self,
        action: str,
        method: str,
        path: str,
        *,
        token: str = "",
        expected: frozenset[int] = OK,
        may_fail: bool = True,
        **content: Any,
    ) -> httpx.Response | None:
        """
        Send one request when its turn comes; give None when there was no good answer.

        Args:
            expected: the statuses that are right; anything else is entered as
                unexpected.
            may_fail: whether a fault may be asked for with this request.
        """
        await self.pacer.turn()
        fault = self.draw_fault() if may_fail else ""
        request_id = f"{self.run_id}-{uuid.uuid4().hex[:16]}"
        headers = {"X-Request-ID": request_id}
        if token:
            headers["Authorization"] = f"Token {token}"
        if fault:
            headers[faults.HEADER] = faults.sign(fault)
        started = time.monotonic()
        response, error = None, ""
        try:
            response = await self.client.request(
                method, path, headers=headers, **content
            )
        except httpx.HTTPError as failure:
            error = type(failure).__name__
        self.ledger.add(
            Request(
                id=request_id,
                action=action,
                method=method,
                route=_number.sub("/{id}", path),
                status=response.status_code if response is not None else 0,
                seconds=time.monotonic() - started,
                fault_asked=fault,
                fault_seen=response.headers.get(faults.HEADER, "")
                if response is not None
                else "",
                error=error,
            ),
            expected=expected,
        )
        if self.ledger.failures_in_a_row >= FAILURES_LIMIT:
            raise UnreachableError(error)
        is_right = response is not None and response.status_code in expected
        return response if is_right else None

    def draw_fault(self) -> str:
        plan = self.pacer.plan
        if plan.faults and self.pacer.chance.random() < plan.fault_share:
            return self.pacer.chance.choice(plan.faults)
        return ""
