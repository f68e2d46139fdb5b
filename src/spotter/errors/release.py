"""Which version of the project runs, found without asking git."""

from __future__ import annotations

import contextlib
import importlib.metadata
import pathlib
from collections.abc import Mapping

OWN_VARIABLES = ("SENTRY_RELEASE", "SPOTTER_RELEASE")
FILES = ("RELEASE", ".release", "VERSION")
PLATFORM_VARIABLES = (
    "HEROKU_SLUG_COMMIT",
    "HEROKU_BUILD_COMMIT",
    "SOURCE_VERSION",
    "CODEBUILD_RESOLVED_SOURCE_VERSION",
    "CIRCLE_SHA1",
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "RENDER_GIT_COMMIT",
    "RAILWAY_GIT_COMMIT_SHA",
    "GAE_DEPLOYMENT_ID",
    "K_REVISION",
)
_LONGEST = 200


def find_release(
    environ: Mapping[str, str], directory: pathlib.Path, distribution: str = ""
) -> str | None:
    """
    Look at variables, then files, then the platform, then the installed package.

    Args:
        directory: where a RELEASE, .release or VERSION file is looked for, and in its
            parent; usually BASE_DIR.
        distribution: the name of an installed distribution.
    """
    return (
        _first(environ, OWN_VARIABLES)
        or _from_files(directory)
        or _first(environ, PLATFORM_VARIABLES)
        or _from_distribution(distribution)
    )


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environ[name].strip() for name in names if environ.get(name)), None)


def _from_files(directory: pathlib.Path) -> str | None:
    for folder in (directory, directory.parent):
        for name in FILES:
            with contextlib.suppress(OSError, UnicodeDecodeError, IndexError):
                text = (folder / name).read_text("utf-8")
                return text.strip().splitlines()[0].strip()[:_LONGEST]
    return None


def _from_distribution(name: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError, ValueError):
        return f"{name}@{importlib.metadata.version(name)}"
    return None
