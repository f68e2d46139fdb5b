"""The shared store when its server stops, hangs, or is not there."""

from __future__ import annotations

import multiprocessing
import signal
import time

import psycopg
import pytest

from spotter.entries import Batch, Series
from spotter.stores import postgresql
from spotter.stores.contract import ConnectionLostError, Query, StoreError
from spotter.stores.postgresql import PostgresqlStore
from tests.servers.postgres import running_postgres, send, started_again
from tests.servers.processes import wait_until
from tests.stores.killing import killed_at_random

pytestmark = pytest.mark.long


def hits() -> Batch:
    made = Batch()
    made.point(Series("hits"), time.time()).add(1)
    return made


def counted(store: PostgresqlStore) -> float:
    now = time.time()
    return store.total(Query(name="hits", start=now - 3600, end=now + 3600))[()].sum


@pytest.fixture
def proxy(postgres, proxy_to):
    return proxy_to(postgres.port)


@pytest.fixture
def store(request, postgres, proxy):
    name = f"faults_{abs(hash(request.node.nodeid))}"
    postgres.create_database(name)
    store = PostgresqlStore(postgres.url(name, port=proxy.port))
    store.write(hits())
    yield store
    store.close()


@pytest.mark.parametrize("fault", ["down", "reset"])
def test_a_server_that_is_gone_is_reported_without_its_address(store, proxy, fault):
    proxy.misbehave(fault)
    with pytest.raises(StoreError) as failure:
        store.write(hits())
    assert "127.0.0.1" not in str(failure.value)


def test_an_interpreter_that_ends_and_starts_no_thread_still_writes(store, monkeypatch):
    def refuse(timer):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Timer.start", refuse)
    before = counted(store)
    store.write(hits())
    assert counted(store) == before + 1


def test_a_user_who_may_create_nothing_is_told_and_leaves_no_connection(postgres):
    url = postgres.create_database("closed")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE poor LOGIN")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        store = PostgresqlStore(url.replace("postgres@", "poor@"))
        with pytest.raises(StoreError, match="InsufficientPrivilege"):
            store.write(hits())
        theirs = "SELECT COUNT(*) FROM pg_stat_activity WHERE usename = 'poor'"
        wait_until(
            lambda: connection.execute(theirs).fetchone() == (0,), 10, "no session left"
        )


@pytest.mark.parametrize("fault", ["down", "reset"])
def test_writing_resumes_when_the_server_is_back(store, proxy, fault):
    proxy.misbehave(fault)
    with pytest.raises(StoreError):
        store.write(hits())
    proxy.misbehave(None)
    assert store.write(hits())
    assert counted(store) == 2


def test_a_server_that_never_answers_is_given_up(store, proxy, monkeypatch):
    monkeypatch.setattr(postgresql, "DEADLINE_SECONDS", 0.3)
    proxy.misbehave("hang")
    with pytest.raises(StoreError):
        store.write(hits())
    monkeypatch.undo()
    proxy.misbehave(None)
    assert store.write(hits())


def test_a_writer_that_stands_still_is_put_out_before_others_give_up(
    postgres, monkeypatch
):
    """A process that is stopped, or sleeps with its machine, in the middle of writing."""
    assert postgresql.STILL_MILLISECONDS < postgresql.LOCK_MILLISECONDS
    monkeypatch.setattr(postgresql, "STILL_MILLISECONDS", 200)
    url = postgres.create_database("still")
    stopped, other = PostgresqlStore(url), PostgresqlStore(url)

    def write_in_the_middle_of_the_others() -> None:
        with stopped.transaction(write=True) as execute:
            assert other.write(hits())
            execute("SELECT 1")

    with pytest.raises(ConnectionLostError):
        write_in_the_middle_of_the_others()
    assert stopped.write(hits())
    assert counted(other) == 2
    stopped.close()
    other.close()


def test_a_session_that_was_ended_meanwhile_is_begun_anew(postgres):
    url = postgres.create_database("ended")
    store = PostgresqlStore(url)
    store.write(hits())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = 'spotter' AND datname = 'ended'"
        )
    assert store.write(hits())
    assert counted(store) == 2
    store.close()


def write_many(url: str, batches: int) -> None:
    store = PostgresqlStore(url)
    for _ in range(batches):
        store.write(hits())
    store.close()


def test_eight_processes_lose_and_double_nothing(postgres):
    url = postgres.create_database("eight")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(url, 25)) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    store = PostgresqlStore(url)
    assert counted(store) == 200
    store.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_process_leaves_every_batch_whole(postgres, tmp_path, seed):
    url = postgres.create_database(f"killed{seed}")
    kills = killed_at_random(lambda: PostgresqlStore(url), tmp_path / "ledger", seed)
    assert kills.accounted(PostgresqlStore(url)) == []


def test_a_server_that_is_killed_and_started_again_has_every_batch_once():
    with running_postgres() as server:
        url = server.create_database("stopped")
        with psycopg.connect(server.url(), autocommit=True) as connection:
            # As a server has it that is not for tests: what it says is written, is.
            connection.execute("ALTER DATABASE stopped SET synchronous_commit = on")
        store = PostgresqlStore(url)
        store.write(hits())
        with store.transaction(write=False) as execute:
            (folder,), (port,) = (
                execute(f"SHOW {name}")[0] for name in ("data_directory", "port")
            )
        send(server, signal.SIGKILL)
        waiting = hits()
        with pytest.raises(StoreError):
            store.write(waiting)
        with started_again(folder, port):
            assert store.write(waiting)
            assert store.write(waiting) is False
            assert counted(store) == 2
            store.close()


def test_a_frozen_server_is_given_up_and_written_to_when_it_thaws(monkeypatch):
    monkeypatch.setattr(postgresql, "DEADLINE_SECONDS", 0.5)
    with running_postgres() as server:
        store = PostgresqlStore(server.create_database("frozen"))
        store.write(hits())
        waiting = hits()
        send(server, signal.SIGSTOP)
        with pytest.raises(StoreError):
            store.write(waiting)
        send(server, signal.SIGCONT)
        monkeypatch.undo()
        # Nobody knows whether it was written; asking again does not double it.
        store.write(waiting)
        assert counted(store) == 2
        store.close()
