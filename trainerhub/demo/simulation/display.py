"""What a simulation shows while it runs and at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from trainerhub.demo.simulation.browser import Pacer
from trainerhub.demo.simulation.ledger import Ledger

REFRESH_SECONDS = 0.25
LINE_SECONDS = 5.0


def watcher(console: Console) -> Callable[[Pacer, Ledger], Coroutine[Any, Any, None]]:
    """A bar that moves on a terminal, a line now and then in a file."""
    return show_bar if console.is_terminal else lines(console)


def progress(pacer: Pacer) -> float:
    """How much of the plan is done, from 0 to 1."""
    limit = pacer.plan.request_limit
    return max(pacer.moment().share, pacer.given / limit if limit else 0.0)


def line(pacer: Pacer, ledger: Ledger) -> str:
    moment = pacer.moment()
    seen = sum(ledger.seen.values())
    return (
        f"{progress(pacer):4.0%}  {moment.label}  {ledger.count} requests, "
        f"{ledger.surprise_count} unexpected, {seen} faults"
    )


async def show_bar(pacer: Pacer, ledger: Ledger) -> None:
    with Live(transient=True, refresh_per_second=4) as live:
        while True:
            bar = Table.grid(padding=(0, 2))
            bar.add_row(
                ProgressBar(100, progress(pacer) * 100, width=30),
                Text(line(pacer, ledger)),
            )
            live.update(bar)
            await asyncio.sleep(REFRESH_SECONDS)


def lines(console: Console) -> Callable[[Pacer, Ledger], Coroutine[Any, Any, None]]:
    async def show(pacer: Pacer, ledger: Ledger) -> None:
        while True:
            await asyncio.sleep(LINE_SECONDS)
            console.print(line(pacer, ledger), highlight=False)

    return show


def show_summary(console: Console, ledger: Ledger) -> None:
    """Print the figures of every action, the faults and what was unexpected."""
    totals = ledger.totals()
    columns = ("count", "statuses", "p50 ms", "p95 ms", "p99 ms", "unexpected")
    table = Table("action", title=None, box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column == "statuses" else "right")
    for name, figures in totals["actions"].items():
        table.add_row(name, *row(figures))
    console.print(table)
    console.print(f"{totals['requests']} requests, {totals['unexpected']} unexpected")
    for name, fault in totals["faults"].items():
        console.print(
            f"fault {name}: asked for {fault['asked']}, "
            f"carried out {fault['carried_out']}",
            highlight=False,
        )
    show_surprises(console, ledger)


def row(figures: dict[str, Any]) -> list[str]:
    statuses = " ".join(f"{name}:{n}" for name, n in figures["statuses"].items())
    times = [
        f"{figures[f'{name}_seconds'] * 1000:.0f}" for name in ("p50", "p95", "p99")
    ]
    return [str(figures["count"]), statuses, *times, str(figures["unexpected"])]


def show_surprises(console: Console, ledger: Ledger) -> None:
    for surprise in ledger.surprises[:10]:
        expected = " or ".join(map(str, surprise["expected"]))
        got = surprise["status"] or surprise["error"]
        console.print(
            f"unexpected: {surprise['method']} {surprise['route']} gave {got} "
            f"instead of {expected} (request {surprise['id']})",
            highlight=False,
            soft_wrap=True,
        )
    for promise in ledger.broken_promises[:10]:
        console.print(f"unexpected: {promise}", highlight=False, soft_wrap=True)
