"""The kept state of a spot's detector: read while anybody runs, written while nobody does."""

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agent.config import SpoolSettings
from agent.detector import Detector, DetectorSettings, Saved
from agent.store import AgentStore


class StoreRefused(Exception):
    """The store may not be read or written; the text says what to do."""


def kept_state(path: Path, name: str) -> dict[str, Any] | None:
    """What a detector kept at its last change, None where nothing is. Raises StoreRefused."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            row = database.execute("SELECT detector FROM watched WHERE name=?", (name,)).fetchone()
    except sqlite3.Error as error:
        raise StoreRefused(f"{path}: {error}; {run_as_owner(path)}") from error
    return _whole(row[0]) if row else None


def _whole(text: str) -> dict[str, Any] | None:
    """A kept state, None for one that is damaged: the agent begins anew there too."""
    try:
        return Saved.model_validate_json(text).model_dump(mode="json")
    except ValidationError:
        return None


def keep(
    spool: SpoolSettings, name: str, settings: DetectorSettings, learnt: dict[str, Any]
) -> None:
    """Put what was learnt into a spot's kept state; the rest of it stands.

    Nobody else may have the store open. Raises StoreRefused.
    """
    path = spool.path
    _refuse_a_store_of_root(path)
    try:
        store = AgentStore(path, spool.limit_bytes)
    except (OSError, sqlite3.Error, RuntimeError) as error:
        raise StoreRefused(f"{path}: {error}; {run_as_owner(path)}") from error
    try:
        known = store.watched(name)
        state = {**((known and _whole(known.detector)) or {}), **learnt}
        resumed = Detector(settings).resume(state, time.monotonic())
        store.keep_detector(name, json.dumps(resumed.to_json()))
    finally:
        store.close()


def _refuse_a_store_of_root(path: Path) -> None:
    """A database that root makes could not be opened by the service afterwards."""
    folder = path.parent
    if os.geteuid() or path.exists() or not folder.exists() or not folder.stat().st_uid:
        return
    raise StoreRefused(f"{path}: not there yet, and root would own it; {run_as_owner(folder)}")


def run_as_owner(path: Path) -> str:
    """The command that has the right to it."""
    try:
        owner = path.owner()
    except (OSError, KeyError):
        owner = "lotkeeper"
    return f"run this as its owner: sudo -u {owner} lotkeeper agent ..."
