"""Every error has one shape, and the document of the API is complete."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client

from trainerhub.trainers.models import Trainer

SHAPE = {"type", "title", "status", "detail", "code"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("get", "/api/nothing/", "", 404, "not_found"),
        ("get", "/api/trainers/99999999999999999999999/", "", 404, "not_found"),
        ("get", "/api/bookings/?page=x", "", 404, "not_found"),
        ("put", "/api/bookings/", "{}", 405, "method_not_allowed"),
        ("post", "/api/bookings/", "{", 400, "parse_error"),
        ("post", "/api/bookings/", "NaN", 400, "parse_error"),
        ("post", "/api/bookings/", "[]", 400, "invalid"),
        ("post", "/api/bookings/", "[" * 100_000, 400, "parse_error"),
        ("post", "/api/bookings/", '"' + "x" * 3_000_000, 413, "body_too_large"),
    ],
)
def test_an_error_is_a_problem(as_alice, method, path, body, status, code):
    ask = getattr(as_alice, method)
    answer = ask(path, body, content_type="application/json") if body else ask(path)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json().keys() >= SHAPE
    assert (answer.json()["status"], answer.json()["code"]) == (status, code)


def test_who_does_not_say_who_he_is_gets_a_401(anonymous, db):
    answer = anonymous.get("/api/bookings/")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")


def test_what_breaks_is_a_problem_without_a_word_about_it(as_alice, monkeypatch):
    def break_down(*given, **named):
        raise RuntimeError("secret")

    monkeypatch.setattr(Trainer.objects, "filter", break_down)
    as_alice.raise_request_exception = False
    answer = as_alice.get("/api/trainers/me/")
    assert (answer.status_code, answer.json()["code"]) == (500, "server_error")
    assert "secret" not in answer.content.decode()


def test_the_document_has_no_warnings(tmp_path, db):
    target = tmp_path / "schema.yml"
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(target))
    assert "Problem" in target.read_text()


def test_the_front_page_leads_to_documentation_served_from_here(db):
    page = Client().get("/", follow=True)
    assert page.redirect_chain == [("/api/docs/", 302)]
    assert "cdn" not in page.content.decode()
