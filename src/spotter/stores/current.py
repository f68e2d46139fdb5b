"""The one store that the settings name, shared by all of this process."""

from __future__ import annotations

import functools
import os
import pathlib

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from spotter import conf
from spotter.exceptions import ConfigurationError
from spotter.stores import Store, open_store
from spotter.stores.nowhere import NoStore

#: Below the project's own directory, beside nothing that it would back up.
PLACE = ("var", "spotter", "spotter.db")


def store_url() -> str:
    """What `SPOTTER["STORE"]` says, or a file below BASE_DIR."""
    given = conf.get_settings().store
    if given:
        return given
    base = getattr(django_settings, "BASE_DIR", None) or os.getcwd()
    return f"sqlite:///{pathlib.Path(base, *PLACE).resolve()}"


@functools.cache
def get_store() -> Store:
    """
    Give the store in force; nothing is opened before its first use.

    Raises:
        ConfigurationError: the setting names no store; `spotter.E020` says so too.
    """
    return open_store(store_url())


def store_for_reading() -> Store:
    """The store in force; where the settings name none, one that says so when read."""
    try:
        return get_store()
    except ConfigurationError as error:
        return NoStore(str(error))


#: Stores of a parent process: closing one here would end the parent's connection.
_parents: list[Store] = []


def leave_to_parent() -> None:
    """Open a store of one's own in a child of fork()."""
    # The parent's may be locked by a thread that the child does not have.
    if get_store.cache_info().currsize:
        _parents.append(get_store())
        get_store.cache_clear()


os.register_at_fork(after_in_child=leave_to_parent)


@receiver(setting_changed)
def forget_store(*, setting: str, **kwargs: object) -> None:
    """Let go of the store after a test has overridden the settings."""
    if setting in ("SPOTTER", "BASE_DIR"):
        conf.get_settings.cache_clear()
        get_store.cache_clear()
