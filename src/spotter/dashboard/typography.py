"""Sentences of the pages as HTML: what stands between backticks is code."""

from __future__ import annotations

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

CODE = re.compile(r"`([^`]+)`")


@register.filter
def sentence(text: str) -> SafeString:
    """A text with its code marked as such; everything in it is escaped first."""
    return mark_safe(CODE.sub(r"<code>\1</code>", escape(text)))  # noqa: S308 (escaped)
