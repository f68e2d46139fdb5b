"""Which names are those of secrets."""

from __future__ import annotations

import pytest

from spotter.privacy import is_secret_key, keys

_SECRET_NAMES = """
password PASSWORD Passwd new_password userPassword pwd secret client_secret SECRET_KEY
token access_token accessToken csrfmiddlewaretoken api_key apikey API-Key x-api-key
sendgrid_key TWILIO_AUTH_TOKEN auth Authorization proxy-authorization HTTP_COOKIE cookie
Set-Cookie sessionid session session_id session_key csrftoken X-CSRFToken signature
X-Twilio-Signature credentials card card_number creditCard cvc cvv iban ssn pin jwt otp
phone phone_number private_key passphrase
"""
_INNOCENT_NAMES = """
author authority authenticated monkey key keys token_count token_type tokenizer
cache_key event_key primary_key foreign_key sort_key dedup_key keyboard secretary spin pinned
cardinality discard dashboard sessions_left session_price sessions password_changed_at
AUTH_PASSWORD_VALIDATORS email status id business_name microphone opinion compass
"""


@pytest.mark.parametrize("name", _SECRET_NAMES.split())
def test_a_secret_is_known_by_its_name(name):
    assert is_secret_key(name)


@pytest.mark.parametrize("name", _INNOCENT_NAMES.split())
def test_an_innocent_name_is_left_alone(name):
    assert not is_secret_key(name)


def test_what_is_too_long_for_a_name_is_judged_and_remembered_by_its_beginning():
    assert is_secret_key("password_" + "a" * 300)
    before = keys._is_secret.cache_info()
    assert is_secret_key("password_" + "a" * 300_000)
    assert keys._is_secret.cache_info().hits == before.hits + 1
