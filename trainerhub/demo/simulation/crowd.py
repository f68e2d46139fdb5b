"""Let a crowd of people act at once until the plan is done."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

import httpx

from trainerhub.demo.simulation.actions import ACTIONS, Visit
from trainerhub.demo.simulation.browser import (
    TIMEOUT_SECONDS,
    Browser,
    Pacer,
    Plan,
    PlanDoneError,
    UnreachableError,
)
from trainerhub.demo.simulation.ledger import Ledger
from trainerhub.demo.simulation.people import People

Watch = Callable[[Pacer, Ledger], Coroutine[Any, Any, None]]


async def act(browser: Browser, people: People, chance: random.Random) -> None:
    """Do one thing after another, as the hour suggests, until it is over."""
    while True:
        weights = browser.pacer.moment().weights()
        [name] = chance.choices(list(weights), list(weights.values()))
        visit = Visit(name, browser, people, chance)
        try:
            await ACTIONS[name](visit)
        except (ValueError, KeyError, TypeError) as error:
            # The answer had a good status and a body that the contract rules out.
            browser.ledger.break_promise(f"{name}: {type(error).__name__}: {error}")


async def simulate(
    url: str, plan: Plan, people: People, seed: int | None, watch: Watch
) -> tuple[Ledger, bool]:
    """
    Run the plan against a server.

    Args:
        watch: shows the progress; cancelled at the end.

    Returns:
        What was sent and answered, and whether the server could be reached throughout.
    """
    chance = random.Random(seed)  # noqa: S311 (traffic, not secrets)
    ledger = Ledger()
    pacer = Pacer(plan, chance)
    limits = httpx.Limits(max_connections=plan.users * 2)
    async with httpx.AsyncClient(
        base_url=url, timeout=TIMEOUT_SECONDS, limits=limits, trust_env=False
    ) as client:
        browser = Browser(client, pacer, ledger, f"sim-{secrets.token_hex(4)}")
        crowd = [
            asyncio.create_task(act(browser, people, chance)) for _ in range(plan.users)
        ]
        watching = asyncio.create_task(watch(pacer, ledger))
        try:
            return ledger, await is_over(crowd)
        finally:
            await cancelled([*crowd, watching])


async def is_over(crowd: list[asyncio.Task[None]]) -> bool:
    """
    Wait for everybody; say whether the server was reachable until the end.

    Who finds that it is over goes home; who finds nobody there sends all home.
    """
    waiting = set(crowd)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when="FIRST_COMPLETED")
        for task in done:
            error = task.exception()
            if isinstance(error, UnreachableError):
                return False
            if error is not None and not isinstance(error, PlanDoneError):
                raise error
    return True


async def cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
