"""Monitors that can't be asked are told by `manage.py check`."""

from __future__ import annotations

import pytest

from spotter.probes import Http, Tcp
from spotter.probes.checks import check_connectivity, check_monitors

URL = "http://example.com/"


@pytest.mark.parametrize(
    ("monitor", "said"),
    [
        (Http(name="it", url="example.com/health/"), "url must begin with http://"),
        (Http(name="it", url="ftp://example.com/"), "url must begin with http://"),
        (Http(name="it", url="http:///health/"), "name a host"),
        (Http(name="it", url="http://example.com:99999/"), "url must begin"),
        (Http(name="it", url="http://ann:s3cret@example.com/"), "give it as a header"),
        (Http(name="it", url=URL, proxy="squid:3128"), "proxy must begin"),
        (Http(name="it", url=URL, matches="("), "no regular expression"),
        (Http(name="it", url=URL, method="get it"), "method is 'get it'"),
        (Http(name="it", url=URL, expect=99), "expect is 99"),
        (Http(name="it", url=URL, expect=600), "expect is 600"),
        (Http(name="it", url=URL, expect=()), "expect is ()"),
        (Http(name="it", url=URL, follow=-1), "follow is -1"),
        (Http(name="it", url=URL, follow=11), "follow is 11"),
        (Http(name="it", url=URL, headers={"X": "a\r\nb"}), "without line breaks"),
        (Http(name="it", url=URL, ca="/nowhere.pem"), "ca is '/nowhere.pem'"),
        (Http(name="it", url=URL, timeout_seconds=0), "timeout_seconds is 0"),
        (Http(name="it", url=URL, timeout_seconds=61), "timeout_seconds is 61"),
        (Http(name="it", url=URL, timeout_seconds=float("nan")), "timeout_seconds is nan"),
        (Http(name=" ", url=URL), "name is ' '"),
        (Tcp(name="it", address="example.com"), "must be 'host:port'"),
        (Tcp(name="it", address="example.com:0"), "must be 'host:port'"),
        (Tcp(name="it", address="example.com:65536"), "must be 'host:port'"),
        (Tcp(name="it", address=":5432"), "must be 'host:port'"),
    ],
)  # fmt: skip
def test_a_monitor_that_can_not_be_asked_is_refused(settings, monitor, said):
    settings.SPOTTER = {"MONITORS": [monitor]}
    (error,) = check_monitors()
    assert error.id == "spotter.E070"
    assert said in error.msg
    assert "s3cret" not in error.msg
    assert error.hint


@pytest.mark.parametrize(
    "monitor",
    [
        Http(name="it", url="https://example.com:8443/", matches="^a+$", follow=10),
        Http(
            name="it", url="http://[::1]:8000/", timeout_seconds=60, expect=(100, 599)
        ),
        Tcp(name="it", address="[::1]:65535", tls=True),
    ],
)
def test_one_that_can_be_asked_is_not(settings, monitor):
    settings.SPOTTER = {"MONITORS": [monitor]}
    assert check_monitors() == []


@pytest.mark.parametrize(
    ("given", "count"),
    [("", 0), ("1.1.1.1:443", 0), ("1.1.1.1", 1), ("1.1.1.1:0", 1), (":53", 1)],
)
def test_what_connectivity_is_asked_of_is_a_host_and_a_port(settings, given, count):
    settings.SPOTTER = {"CONNECTIVITY": given}
    assert [e.id for e in check_connectivity()] == ["spotter.E071"] * count
