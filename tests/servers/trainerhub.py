"""The real TrainerHub, migrated and served from a home of its own."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from tests.servers.web import CHECKOUT, WebServer, child_environment, serving

# Empty, not absent: an empty variable also hides what a developer's .env says.
NOTHING_OUTSIDE = dict.fromkeys(
    (
        *("REDIS_URL", "SENDGRID_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
        *("STRIPE_API_KEY", "SENTRY_DSN"),
    ),
    "",
)


def environment(
    home: pathlib.Path, extra: Mapping[str, str] | None = None
) -> dict[str, str]:
    """
    The variables of a TrainerHub on a home of its own.

    What the developer's environment says of databases and keys is hidden.
    """
    return {
        "TRAINERHUB_HOME": str(home),
        "TRAINERHUB_ENVIRONMENT": "development",
        "DATABASE_URL": f"sqlite:///{home / 'var' / 'trainerhub.db'}",
        **NOTHING_OUTSIDE,
        **(extra or {}),
    }


def manage(
    home: pathlib.Path, *arguments: str, env: Mapping[str, str] | None = None
) -> str:
    """Run a `manage.py` command on that home; gives what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=CHECKOUT,
        env=child_environment(environment(home, env)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"manage.py {arguments[0]}: {done.stderr[-4000:]}")
    return done.stdout


@contextlib.contextmanager
def running_trainerhub(
    home: pathlib.Path,
    env: Mapping[str, str] | None = None,
    workers: int = 2,
    server: str = "gunicorn",
    threads: int = 8,
    options: Sequence[str] = (),
) -> Iterator[WebServer]:
    """
    Migrate and serve TrainerHub while the block runs.

    Args:
        home: an empty directory, `tmp_path`, which is migrated first, or what the
            fixture `migrated_home()` gives; database and logs go there.
        env: what differs from a bare TrainerHub: DATABASE_URL, REDIS_URL …
        server: "gunicorn" or "uvicorn".
        options: more of the server's own, such as `--config`.
    """
    is_elsewhere = "DATABASE_URL" in (env or {})
    if is_elsewhere or not (home / "var" / "trainerhub.db").exists():
        (home / "var").mkdir(parents=True, exist_ok=True)
        manage(home, "migrate", "--verbosity", "0", env=env)
    variables = environment(home, env)
    with serving(
        "trainerhub",
        home,
        server=server,
        env=variables,
        workers=workers,
        threads=threads,
        options=options,
    ) as running:
        yield running
