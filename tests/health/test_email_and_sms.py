"""E-mail and SMS: configured or not, and accepted by the provider where asked."""

from __future__ import annotations

import http.server
import threading

import pytest

from spotter.health import Degraded, Status, Unhealthy
from spotter.health.email import EmailCheck
from spotter.health.sms import SmsCheck
from tests.servers.processes import free_port

SENDGRID = "anymail.backends.sendgrid.EmailBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"
CONSOLE = "django.core.mail.backends.console.EmailBackend"


class Provider(http.server.ThreadingHTTPServer):
    """Answers as a provider's API does, with the status that the test sets."""

    status = 200

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    """Notes who asks for what."""

    def do_GET(self):
        assert isinstance(self.server, Provider)
        self.server.asked.append((self.path, self.headers["Authorization"]))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def provider():
    with Provider() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def sendgrid(settings):
    settings.EMAIL_BACKEND = SENDGRID
    settings.SENDGRID_API_KEY = "SG.key"


@pytest.fixture
def twilio(settings):
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC1", "secret"


@pytest.mark.parametrize(
    ("backend", "key", "status", "message"),
    [
        (SENDGRID, "SG.key", "configured", "SendGrid API key present"),
        (SENDGRID, "", "not_configured", "SendGrid API key missing"),
        (SMTP, "", "configured", "SMTP server set"),
        (CONSOLE, "SG.key", "not_configured", "Backend that sends nothing"),
        ("shop.mail.OwnBackend", "", "configured", "E-mail backend set"),
    ],
)
def test_email_is_configured_or_not(settings, backend, key, status, message):
    settings.EMAIL_BACKEND, settings.SENDGRID_API_KEY = backend, key
    report = EmailCheck().run()
    assert (report.status, report.message) == (status, message)


@pytest.mark.parametrize(
    ("account", "secret", "status", "message"),
    [
        ("AC1", "secret", "configured", "Twilio credentials present"),
        ("AC1", "", "not_configured", "Twilio auth token missing"),
        ("", "secret", "not_configured", "Twilio account SID missing"),
        ("", "", "not_configured", "Twilio credentials missing"),
    ],
)
def test_sms_is_configured_or_not(settings, account, secret, status, message):
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = account, secret
    report = SmsCheck().run()
    assert (report.status, report.message) == (status, message)


def test_sendgrid_is_asked_for_the_scopes_of_the_key(provider, sendgrid):
    report = EmailCheck(verify=True, base_url=provider.url).run()
    assert report.message == "SendGrid credentials accepted"
    assert provider.asked == [("/v3/scopes", "Bearer SG.key")]


def test_twilio_is_asked_for_the_account(provider, twilio):
    SmsCheck(verify=True, base_url=provider.url).run()
    [(path, authorization)] = provider.asked
    assert path == "/2010-04-01/Accounts/AC1.json"
    assert authorization.startswith("Basic ")


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_ours_to_mend(provider, sendgrid, status):
    provider.status = status
    with pytest.raises(Unhealthy, match="refuses"):
        EmailCheck(verify=True, base_url=provider.url).run()


@pytest.mark.parametrize("status", [500, 503, 302])
def test_a_provider_that_fails_is_degraded(provider, sendgrid, status):
    provider.status = status
    with pytest.raises(Degraded, match="does not work"):
        EmailCheck(verify=True, base_url=provider.url).run()


def test_a_rate_limit_is_no_failure(provider, sendgrid):
    provider.status = 429
    report = EmailCheck(verify=True, base_url=provider.url).run()
    assert report.status is Status.CONFIGURED


def test_a_provider_that_is_gone_is_degraded(sendgrid):
    check = EmailCheck(verify=True, base_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Degraded, match="cannot be reached"):
        check.run()


def test_verification_is_asked_for_once_a_minute():
    checks = EmailCheck(verify=True), SmsCheck(verify=True)
    assert [check.ttl_seconds for check in checks] == [60.0, 60.0]


def test_an_smtp_server_is_asked_for_nothing_but_an_answer(settings):
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Sink

    controller = Controller(Sink(), hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = SMTP
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    try:
        assert EmailCheck(verify=True).run().message == "SMTP server answers"
    finally:
        controller.stop()


def test_neither_is_critical():
    assert not EmailCheck().critical
    assert not SmsCheck().critical
