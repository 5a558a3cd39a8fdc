"""The desired configuration on disk: one file beside the store, whole at every moment.

agent.toml is root's and a person's; it is never written. What the gateway desires counts over it,
section by section, and is kept where the agent may write: beside its store, in a file of its own,
so that the store is neither needed for it nor touched by it.
"""

import logging
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agent import trial
from agent.config import AgentSettings, LaneSettings, SpotSettings
from agent.durable import beside, swap
from agent.trial import Kept
from contract.commands import NEVER, SECTIONS, Configure
from contract.health import ConfigReport
from runtime.config import ConfigError, read_document, validated

log = logging.getLogger(__name__)


def kept_path(store: Path) -> Path:
    """Where the agent of `store` keeps what is desired.

    >>> kept_path(Path("/var/lib/lotkeeper/agent.db")).name
    'agent.config.json'
    """
    return store.with_name(f"{store.stem}.config.json")


def read(path: Path) -> Kept:
    """What is kept; nothing where there is no file, or one that is damaged. Raises OSError."""
    try:
        return Kept.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Kept()
    except ValidationError as error:
        log.error("%s is damaged, agent.toml alone counts: %s", path, error.errors()[0]["msg"])
        return Kept()


def overlaid(document: dict[str, Any], desired: Configure | None, where: str) -> AgentSettings:
    """agent.toml with the desired sections in place of its own. Raises ConfigError."""
    return validated({**document, **(desired.config if desired else {})}, AgentSettings, where)


def in_force(config: Path) -> AgentSettings:
    """What the agent of `config` runs with, for tools beside it. Raises ConfigError."""
    document = read_document(config)
    local = validated(document, AgentSettings, str(config))
    path = kept_path(local.spool.path)
    try:
        desired = read(path).in_force
    except OSError as error:
        log.warning("%s: %s: what the gateway desires is not known", path, error.strerror)
        return local
    if desired is None:
        return local
    try:
        return overlaid(document, desired, f"revision {desired.revision}")
    except ConfigError as error:
        log.warning("%s", error)
        return local


class Remote:
    """This process's configuration and what becomes of the desired one; for several threads.

    Raises ConfigError where agent.toml cannot be used, OSError where the file cannot be written.
    """

    def __init__(self, config: Path) -> None:
        self._document = read_document(config)
        local = validated(self._document, AgentSettings, str(config))
        self._path = kept_path(local.spool.path)
        self._lock = threading.Lock()
        self.kept = read(self._path)
        self._change(trial.started)
        self.settings = self._loaded(local)

    def _loaded(self, local: AgentSettings) -> AgentSettings:
        """What is in force; what cannot be used is rolled back, down to agent.toml alone."""
        while desired := self.kept.in_force:
            try:
                return self.check(desired)
            except ConfigError as error:
                log.error("rolled back: %s", error)
                self._change(partial(trial.rolled_back, reason=str(error)))
        return local

    @property
    def report(self) -> ConfigReport:
        """For the heartbeat."""
        return trial.report(self.kept)

    def check(self, desired: Configure) -> AgentSettings:
        """The settings that `desired` makes, its drivers built and not opened. Raises ConfigError.

        What it changes is for these sections alone, and opens nothing but devices. A driver may
        check its options in its own way, and fail in it: what comes from afar must end nobody.
        """
        try:
            return self._checked(desired)
        except ConfigError:
            raise
        except Exception as error:
            log.exception("revision %s", desired.revision)
            raise ConfigError(f"revision {desired.revision} cannot be used: {error!r}") from error

    def _checked(self, desired: Configure) -> AgentSettings:
        where = f"revision {desired.revision}"
        faults = [_refusal(name) for name in desired.config if name not in SECTIONS]
        if faults:
            raise ConfigError("\n".join(f"{where}: {each}" for each in faults))
        settings = overlaid(self._document, desired, where)
        faults = [*_files(settings, desired), *_clashes(settings, desired)]
        if faults:
            raise ConfigError("\n".join(f"{where}: {each}" for each in faults))
        return settings

    def stage(self, desired: Configure, excused: tuple[str, ...]) -> None:
        """Try it at the next start."""
        self._change(partial(trial.staged, desired=desired, excused=excused))

    def adopt(self, desired: Configure) -> None:
        """It changes nothing: it is the good one without a trial."""
        self._change(partial(trial.adopted, desired=desired))

    def refuse(self, desired: Configure, reason: str) -> None:
        """It is not valid."""
        self._change(partial(trial.refused, desired=desired, reason=reason))

    def confirm(self, revision: str) -> bool:
        """The trial of `revision` went well; False where another took its place meanwhile."""
        return self._end(revision, trial.confirmed)

    def roll_back(self, revision: str, reason: str) -> bool:
        """The trial of `revision` failed; False where another took its place meanwhile."""
        log.error("revision %s is rolled back: %s", revision, reason)
        return self._end(revision, partial(trial.rolled_back, reason=reason))

    def _end(self, revision: str, end: trial.Change) -> bool:
        with self._lock:
            if self.kept.trial is None or self.kept.trial.revision != revision:
                return False
            self._write(end(self.kept))
            return True

    def _change(self, change: trial.Change) -> None:
        with self._lock:
            self._write(change(self.kept))

    def _write(self, kept: Kept) -> None:
        if kept != self.kept:
            swap(beside(self._path, kept.model_dump_json(exclude_none=True)))
            self.kept = kept


def _refusal(name: str) -> str:
    why = NEVER.get(name, f"no section of agent.toml; there are {', '.join(SECTIONS)}")
    return f"{name} is not changed from afar: {why}"


def _sections(settings: AgentSettings) -> list[SpotSettings | LaneSettings]:
    return [*settings.spots, *settings.lanes]


def _files(settings: AgentSettings, desired: Configure) -> list[str]:
    """A sensor's option may name a device, and no other file of the machine nor an address."""
    found = []
    for each in _sections(settings):
        part = "spots" if isinstance(each, SpotSettings) else "lanes"
        if part not in desired.config:
            continue  # the file's own
        name = each.spot_id if isinstance(each, SpotSettings) else each.lane_id
        sensors = [each.sensor, each.waker] if isinstance(each, SpotSettings) else [each.sensor]
        for sensor in filter(None, sensors):
            if sensor.kind == "replay":
                found.append(f"{part} {name}: sensor.kind 'replay' plays a file of the machine")
            found += [
                f"{part} {name}: {option} = {value!r}: only a device below /dev"
                for option, value in sensor.options.items()
                if isinstance(value, str) and not _is_device_or_word(value)
            ]
    return found


def _is_device_or_word(text: str) -> bool:
    if "://" in text or ".." in text:
        return False
    return "/" not in text or text.startswith("/dev/")


def _clashes(settings: AgentSettings, desired: Configure) -> list[str]:
    """Two sensors on one wire."""
    if desired.config.keys() <= {"publish"}:
        return []
    from agent.tools.claims import claims, clashes
    from agent.tools.sensors import channels

    found = clashes(claims(channels(settings, (), time.monotonic)))
    return [f"{each.where} is {each.says}" for each in found]
