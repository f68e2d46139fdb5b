"""A store of a test's own, and the command with what it printed."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from spotter.drills import real
from spotter.recording import buffer


@pytest.fixture
def configured(tmp_path, settings):
    """Name channels, and more of the settings; what others captured before is dropped."""
    buffer._flusher.stop()

    def configure(*channels, **more):
        settings.SPOTTER = {
            "STORE": f"sqlite:///{tmp_path / 'spotter.db'}",
            "CHANNELS": list(channels),
            "FLUSH_SECONDS": 3600.0,
            "ENVIRONMENT": "production",
            **more,
        }

    configure()
    return configure


@pytest.fixture
def command():
    """Run `spotter drill`; gives its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        try:
            call_command("spotter", "drill", *arguments, stdout=out)
        except SystemExit as end:
            return int(str(end.code)), out.getvalue()
        return 0, out.getvalue()

    return run


@pytest.fixture
def hurried(monkeypatch):
    """Real time, but little of it."""
    monkeypatch.setattr(real, "FAST_STEP_SECONDS", 0.2)
    monkeypatch.setattr(real, "FAST_FOR_SECONDS", 0.5)
    monkeypatch.setattr(real, "FAST_WINDOW_SECONDS", 12.0)
