"""From findings to alerts: one open alert a subject and kind. Pure: state and time come in.

            bad for raise_after_s              acknowledge
    (none) -----------------------> RAISED ------------------> ACKNOWLEDGED
       ^                              |  ^                          |  |
       |  well for clear_after_s      |  +----- more severe --------+  |
       +------------------------------+--------------------------------+
       |                              | resolve (a person)             |
       |  well for clear_after_s      v                                |
       +-------------------------- RESOLVED <--------------------------+
                                 (it is still so, and is not told again unless more severe)

`UNSURE` starts both spans anew: an alert is raised behind an unbroken bad span, and resolved
behind an unbroken good one. The spans run in monotonic seconds and are not kept over a restart;
the alerts are.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from contract.alerts import Alert, AlertState, Note, Severity
from contract.words import ClockState
from gateway.alerts import Finding, Level, RuleSettings

ITSELF = "itself"
ID_LENGTH = 64
NOTES_KEPT = 20


class What(StrEnum):
    """What has become of an alert."""

    RAISED = "raised"
    CHANGED = "changed"
    """Its severity."""
    ACKNOWLEDGED = "acknowledged"
    NOTED = "noted"
    RESOLVED = "resolved"
    OVER = "over"
    """What a person had resolved has now ended."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Now: wall time to be shown, monotonic seconds to decide by."""

    wall: datetime
    monotonic_s: float
    synced: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """An alert as it is now. `over`: it has ended, and its subject may have another."""

    what: What
    alert: Alert
    over: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """The alerts that are not over by their ids, and the spans that run towards a change."""

    alerts: Mapping[str, Alert] = field(default_factory=dict)
    bad: Mapping[str, Moment] = field(default_factory=dict)
    """Since when a subject without an alert has been bad."""
    well: Mapping[str, float] = field(default_factory=dict)
    """Since when (monotonic seconds) a subject with an alert has been well."""


class NotOpen(Exception):
    """There is no such alert, or it is resolved; the text names it."""


def alert_id(kind: str, subject: str) -> str:
    """The id of a kind's alert for a subject; too long a name is cut, and told apart by a hash.

    >>> alert_id("clone", "pi-7"), alert_id("full", "")
    ('clone.pi-7', 'full')
    """
    name = f"{kind}.{subject}" if subject else kind
    if len(name) <= ID_LENGTH:
        return name
    digest = hashlib.sha256(subject.encode()).hexdigest()[:8]
    return f"{name[: ID_LENGTH - 9]}-{digest}"


def step(
    state: State,
    kind: str,
    settings: RuleSettings,
    findings: Iterable[Finding],
    now: Moment,
) -> tuple[State, list[Change]]:
    """What one rule's findings change."""
    named = {alert_id(kind, each.subject): each for each in findings}
    mine = {each for each, alert in state.alerts.items() if alert.kind == kind}
    running = {each for each in state.bad if _kind_of(each) == kind}
    alerts, bad, well = dict(state.alerts), dict(state.bad), dict(state.well)
    changes: list[Change] = []
    for name, finding in named.items():
        well.pop(name, None)
        if finding.level is Level.UNSURE:
            bad.pop(name, None)
        elif name in mine:
            changes += _changed(alerts[name], finding, settings, now)
        else:
            began = bad.setdefault(name, now)
            if now.monotonic_s - began.monotonic_s >= settings.raise_after_s:
                del bad[name]
                raised = _raised(name, kind, finding, settings, began, now)
                changes.append(Change(What.RAISED, raised))
    for name in running - named.keys():
        del bad[name]
    for name in mine - named.keys():
        began_s = well.setdefault(name, now.monotonic_s)
        if now.monotonic_s - began_s >= settings.clear_after_s:
            changes.append(_ended(alerts[name], now, ITSELF))
    return _with(State(alerts, bad, well), changes), changes


def retire(state: State, kinds: Iterable[str], now: Moment) -> tuple[State, list[Change]]:
    """Alerts whose rule is not among `kinds` any more end: nobody looks whether they still are."""
    gone = [alert for alert in state.alerts.values() if alert.kind not in set(kinds)]
    changes = [_ended(alert, now, "configuration") for alert in gone]
    return _with(state, changes), changes


def acknowledge(
    state: State, name: str, by: str, text: str, now: Moment
) -> tuple[State, list[Change]]:
    """A person has seen it; a second time changes nothing. Raises NotOpen."""
    alert = _open(state, name)
    if alert.state is AlertState.ACKNOWLEDGED and not text:
        return state, []
    seen = {
        "state": AlertState.ACKNOWLEDGED,
        "acknowledged_at": now.wall,
        "acknowledged_by": by,
        "notes": _notes(alert, by, text, now),
    }
    changes = [Change(What.ACKNOWLEDGED, alert.model_copy(update=seen))]
    return _with(state, changes), changes


def resolve(state: State, name: str, by: str, text: str, now: Moment) -> tuple[State, list[Change]]:
    """A person ends it; it is not told again before it was well, or gets worse. Raises NotOpen."""
    alert = _open(state, name)
    ended = {
        "state": AlertState.RESOLVED,
        "resolved_at": now.wall,
        "resolved_by": by,
        "notes": _notes(alert, by, text, now),
    }
    changes = [Change(What.RESOLVED, alert.model_copy(update=ended))]
    return _with(state, changes), changes


def note(state: State, name: str, by: str, text: str, now: Moment) -> tuple[State, list[Change]]:
    """A person writes something to it. Raises NotOpen."""
    alert = _open(state, name)
    changes = [Change(What.NOTED, alert.model_copy(update={"notes": _notes(alert, by, text, now)}))]
    return _with(state, changes), changes


def is_open(alert: Alert) -> bool:
    """Whether people are to be shown it."""
    return alert.state is not AlertState.RESOLVED


def _kind_of(name: str) -> str:
    return name.partition(".")[0]


def _with(state: State, changes: Iterable[Change]) -> State:
    alerts, well = dict(state.alerts), dict(state.well)
    for change in changes:
        alerts[change.alert.alert_id] = change.alert
        if change.over:
            del alerts[change.alert.alert_id]
            well.pop(change.alert.alert_id, None)
    return State(alerts, state.bad, well)


def _open(state: State, name: str) -> Alert:
    alert = state.alerts.get(name)
    if alert is None or not is_open(alert):
        raise NotOpen(f"no open alert {name!r}")
    return alert


def _notes(alert: Alert, by: str, text: str, now: Moment) -> tuple[Note, ...]:
    if not text:
        return alert.notes
    return (*alert.notes, Note(at=now.wall, by=by, text=text))[-NOTES_KEPT:]


def _raised(
    name: str, kind: str, finding: Finding, settings: RuleSettings, began: Moment, now: Moment
) -> Alert:
    return Alert(
        alert_id=name,
        kind=kind,
        severity=finding.severity or settings.severity,
        agent_id=finding.agent_id,
        spot_id=finding.spot_id,
        zone_id=finding.zone_id,
        text=finding.text,
        details=dict(finding.details),
        since=finding.since or began.wall,
        raised_at=now.wall,
        clock=ClockState.SYNCED if now.synced else ClockState.UNSYNCED,
    )


def _changed(alert: Alert, finding: Finding, settings: RuleSettings, now: Moment) -> list[Change]:
    """Figures move all the time: what is told anew is another severity, a worse one as raised."""
    severity: Severity = finding.severity or settings.severity
    if severity is alert.severity:
        return []
    told: dict[str, object] = {
        "severity": severity,
        "text": finding.text,
        "details": dict(finding.details),
    }
    if severity.rank > alert.severity.rank:
        told |= {"state": AlertState.RAISED, "resolved_at": None, "resolved_by": None}
    return [Change(What.CHANGED, alert.model_copy(update=told))]


def _ended(alert: Alert, now: Moment, by: str) -> Change:
    if not is_open(alert):
        return Change(What.OVER, alert, over=True)
    ended = {"state": AlertState.RESOLVED, "resolved_at": now.wall, "resolved_by": by}
    return Change(What.RESOLVED, alert.model_copy(update=ended), over=True)
