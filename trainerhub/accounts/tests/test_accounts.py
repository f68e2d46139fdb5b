"""Opening an account, getting in, and what may be changed then."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from django.contrib.auth import hashers
from knox.models import AuthToken
from rest_framework.test import APIClient

from trainerhub.accounts.models import User
from trainerhub.conftest import PASSWORD, api_client

URL = "/api/users/"
NEW = {"email": "dora@example.org", "password": PASSWORD, "full_name": "Dora"}
OTHER = "another horse, another battery"


def login(
    client: APIClient, email: str = "alice@example.org", password: str = PASSWORD
) -> Any:
    return client.post(f"{URL}login/", {"email": email, "password": password})


def test_a_registered_user_has_a_token_that_works(anonymous, db):
    token = anonymous.post(f"{URL}register/", NEW).json()["token"]
    anonymous.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert anonymous.get(f"{URL}me/").json()["email"] == "dora@example.org"


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"password": "12345678"}, "password"),
        ({"password": "short"}, "password"),
        ({"email": "ALICE@example.org"}, "email"),
        ({"email": "a\x00@example.org"}, "email"),
        ({"full_name": "\ud800"}, "full_name"),
        ({"full_name": ["Dora"]}, "full_name"),
    ],
)
def test_a_bad_registration_is_refused_and_makes_nobody(anonymous, alice, bad, field):
    answer = anonymous.post(
        f"{URL}register/", json.dumps(NEW | bad), content_type="application/json"
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert User.objects.count() == 1


@pytest.mark.parametrize("email", ["alice@example.org", "ALICE@Example.org"])
def test_the_case_of_an_address_does_not_matter(anonymous, alice, email):
    answer = login(anonymous, email).json()
    assert answer["user"]["trainer"] == alice.pk


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org"])
def test_a_wrong_password_and_an_unknown_address_look_the_same(
    anonymous, alice, email, monkeypatch
):
    """Also in time: the password is hashed once either way."""
    hashed = Counter[str]()
    hasher = type(hashers.get_hasher())
    encode = hasher.encode

    def counted(*given: Any) -> str:
        hashed["times"] += 1
        return str(encode(*given))

    monkeypatch.setattr(hasher, "encode", counted)
    answer = login(anonymous, email, "wrong")
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")
    assert answer["WWW-Authenticate"] == "Token"
    assert hashed["times"] == 1


def test_the_eleventh_attempt_at_an_account_in_a_minute_waits(anonymous, alice):
    codes = [login(anonymous, password="x").status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]
    assert int(login(anonymous)["Retry-After"]) <= 60
    assert login(anonymous, "other@example.org").status_code == 401


def test_logging_out_ends_this_token_alone(alice):
    here, there = api_client(alice.user), api_client(alice.user)
    assert here.post(f"{URL}logout/").status_code == 204
    assert here.get(f"{URL}me/").status_code == 401
    assert there.get(f"{URL}me/").status_code == 200


def test_a_new_password_revokes_the_other_tokens(as_alice, alice, anonymous):
    other = api_client(alice.user)
    change = {"current_password": PASSWORD, "new_password": OTHER}
    assert as_alice.post(f"{URL}me/password/", change).status_code == 204
    assert as_alice.get(f"{URL}me/").status_code == 200
    assert other.get(f"{URL}me/").status_code == 401
    assert login(anonymous, password=OTHER).status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [("wrong", OTHER, "current_password"), (PASSWORD, "12345678", "new_password")],
)
def test_a_password_change_that_is_refused_changes_nothing(
    as_alice, alice, current, new, field
):
    change = {"current_password": current, "new_password": new}
    answer = as_alice.post(f"{URL}me/password/", change)
    assert answer.json()["errors"][0]["field"] == field
    alice.user.refresh_from_db()
    assert alice.user.check_password(PASSWORD)


def test_one_changes_name_and_phone_but_not_the_address(as_bob):
    answer = as_bob.patch(f"{URL}me/", {"full_name": "Rob", "email": "x@example.org"})
    assert answer.json()["full_name"] == "Rob"
    assert answer.json()["email"] == "bob@example.org"


@pytest.mark.parametrize("token", ["x", "\xff\xfe", "a\x00b", "f" * 5000])
def test_a_token_of_any_bytes_is_a_401(anonymous, db, token):
    anonymous.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert anonymous.get(f"{URL}me/").status_code == 401


def test_a_request_costs_one_query_however_many_tokens_there_are(
    alice, django_assert_num_queries
):
    client = api_client(alice.user)
    for _ in range(5):
        AuthToken.objects.create(alice.user)
    # The token, and the user with the trainer.
    with django_assert_num_queries(2):
        client.get(f"{URL}me/")


def test_staff_find_users_and_never_see_a_hash(admin_client, alice):
    page = admin_client.get(f"/admin/accounts/user/{alice.user_id}/change/")
    assert page.status_code == 200
    assert 'name="password"' not in page.content.decode()
    assert admin_client.get("/admin/accounts/user/?q=alice").status_code == 200
    assert admin_client.get("/admin/accounts/user/add/").status_code == 200
