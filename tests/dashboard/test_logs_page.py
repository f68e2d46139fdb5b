"""The page of the log files, which is there when the store is not."""

from __future__ import annotations

import pytest

from spotter.stores.contract import StoreError

pytestmark = pytest.mark.django_db


def test_the_log_files_are_searched_without_the_store(
    store, client, monkeypatch, settings, tmp_path
):
    handler = {"class": "logging.FileHandler", "filename": str(tmp_path / "app.log")}
    settings.LOGGING = {"version": 1, "handlers": {"file": handler}}
    (tmp_path / "app.log").write_text(
        "2999-01-01 00:00:00.000Z ERROR shop.cart: the cart is gone process=1\n"
    )

    def refuse(self, *, write):
        raise StoreError("no room on the disk")

    monkeypatch.setattr(type(store), "transaction", refuse)
    page = str(client.get("/spotter/logs/?text=cart").content.decode())
    assert "no room on the disk" in page
    assert page.count("shop.cart") == 1
    assert '<span class="text">the cart is gone process=1</span>' in page
