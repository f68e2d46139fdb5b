"""As much of Markdown as the runbooks use, as HTML: everything in it is escaped first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from django.utils.html import escape

#: Gives the address of what a link, or a page's name in bold, leads to; "" for none.
Resolve = Callable[[str], str]

INLINE = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+)\)"
    r"|\*\*(?P<strong>[^*]+)\*\*"
    r"|\*(?P<em>[^*]+)\*"
)
ITEM = re.compile(r"(?P<mark>\d+\.|-) (?P<text>.*)")


def to_html(text: str, resolve: Resolve) -> str:
    """Headings from the second level on, paragraphs, lists and code."""
    return "".join(blocks(text.splitlines(), resolve))


def blocks(lines: list[str], resolve: Resolve) -> Iterator[str]:
    """One block after the other."""
    number = 0
    while number < len(lines):
        line = lines[number]
        if line.startswith("```"):
            end = number + 1
            while end < len(lines) and not lines[end].startswith("```"):
                end += 1
            code = escape("\n".join(lines[number + 1 : end]))
            yield f'<pre tabindex="0"><code>{code}</code></pre>'
            number = end + 1
        elif line.startswith("#"):
            level = min(6, len(line) - len(line.lstrip("#")))
            if level > 1:
                yield f"<h{level}>{inline(line.lstrip('# '), resolve)}</h{level}>"
            number += 1
        elif ITEM.match(line):
            number, html = listed(lines, number, resolve)
            yield html
        elif line.strip():
            end = number
            while end < len(lines) and is_prose(lines[end]):
                end += 1
            yield f"<p>{inline(' '.join(lines[number:end]), resolve)}</p>"
            number = end
        else:
            number += 1


def is_prose(line: str) -> bool:
    """Whether a line goes on with a paragraph."""
    return bool(line.strip()) and not line.startswith(("#", "```"))


def listed(lines: list[str], number: int, resolve: Resolve) -> tuple[int, str]:
    """A list from a line on, and the line after it."""
    tag = "ul" if lines[number].startswith("-") else "ol"
    items = []
    while number < len(lines) and (match := ITEM.match(lines[number])):
        items.append(f"<li>{inline(match['text'], resolve)}</li>")
        number += 1
    return number, f"<{tag}>{''.join(items)}</{tag}>"


def inline(text: str, resolve: Resolve) -> str:
    """A line's code, links and emphasis."""
    parts, at = [], 0
    for match in INLINE.finditer(text):
        parts += [escape(text[at : match.start()]), marked(match, resolve)]
        at = match.end()
    return "".join([*parts, escape(text[at:])])


def marked(match: re.Match[str], resolve: Resolve) -> str:
    """One of them; a link that leads nowhere is its text."""
    if match["code"]:
        return f"<code>{escape(match['code'])}</code>"
    if match["em"]:
        return f"<em>{escape(match['em'])}</em>"
    text = match["text"] or match["strong"]
    address = resolve(match["target"] or text)
    if address:
        return f'<a href="{escape(address)}">{escape(text)}</a>'
    return f"<strong>{escape(text)}</strong>" if match["strong"] else escape(text)
