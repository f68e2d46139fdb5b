"""Whether a program or a person asked, by what it calls itself."""

from __future__ import annotations

import functools
import re

#: Characters that are looked at, and remembered; a header may have thousands.
MAX_AGENT = 512
# Words by which crawlers, scanners, monitors and HTTP libraries name themselves.
# Cubot makes phones.
BOT = re.compile(
    r"(?<!\bcu)bot\b|crawl|spider|slurp|scan|monitor|uptime|pingdom|preview|facebookexternal"
    r"|curl|wget|python|httpx|aiohttp|urllib|requests|go-http|okhttp|java/|libwww|ruby"
    r"|axios|node|headless|phantom|lighthouse|nikto|sqlmap|zgrab|masscan|nuclei",
    re.I,
)


@functools.lru_cache(maxsize=1024)
def agent_kind(agent: str) -> str:
    """`bot` or `none`, as OpenTelemetry's user_agent.synthetic.type; none said is one."""
    return "bot" if not agent or BOT.search(agent) else "none"
