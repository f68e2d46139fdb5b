"""What the status page shows: its title and components."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

#: More, and nobody sees which one is down.
MAX_COMPONENTS = 50


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """
    The page of `SPOTTER["STATUS_PAGE"]`.

    Args:
        title: whose status it is.
        components: by the public name of each, the monitor or monitors that tell how
            it is. A monitor's own name is not shown.
        url: where the public reaches it, for links in the feed; taken from the request
            when empty.
        path: where `spotter.urls` has it; "" when the project mounts
            `spotter.statuspage.urls` itself.
    """

    title: str
    components: Mapping[str, str | Sequence[str]]
    url: str = ""
    path: str = "status"

    def monitors_of(self, component: str) -> list[str]:
        """The names of a component's monitors."""
        given = self.components[component]
        return [given] if isinstance(given, str) else list(given)

    def problems(self, monitors: set[str]) -> Iterator[str]:
        """What is wrong with it, for the system check."""
        # Settings are written without a type checker.
        title: object = self.title
        components: object = self.components
        if not isinstance(title, str) or not title.strip():
            yield "title must be a text"
        if not isinstance(components, Mapping) or not components:
            yield "components must be a dict of public names and monitors"
            return
        if len(self.components) > MAX_COMPONENTS:
            yield f"there are more than {MAX_COMPONENTS} components"
        for name in self.components:
            wanted = self.monitors_of(name)
            if not wanted:
                yield f"the component {name!r} has no monitor"
            for each in wanted:
                if each not in monitors:
                    yield f"the component {name!r} names {each!r}, which is no monitor"
        if self.path and not re.fullmatch(
            r"[\w.-]+(?:/[\w.-]+)*", self.path.strip("/")
        ):
            yield f"path is {self.path!r}; it must be one such as 'status'"
        if self.url and urlsplit(self.url).scheme not in ("http", "https"):
            yield f"url is {self.url!r}; it must begin with https://"
