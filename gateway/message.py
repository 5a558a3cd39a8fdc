"""What a person reads of alerts, away from any screen. Pure."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from contract.alerts import Severity
from gateway.alerts.engine import What
from gateway.notices import Notice

LOOKS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}
"""What a message of a severity is called by apprise, which colours it."""


def message(lot_id: str, notices: Sequence[Notice], zone: ZoneInfo) -> dict[str, str]:
    """Title, body and type of one message of `notices`, of which there is at least one."""
    first = notices[0]
    title = f"[{lot_id}] {_title(first)}" if len(notices) == 1 else _digest(lot_id, notices)
    standing = [each.alert.severity for each in notices if each.what is not What.RESOLVED]
    worst = max(standing, key=lambda severity: severity.rank, default=None)
    return {
        "title": title,
        "body": "\n".join(_line(each, zone) for each in notices),
        "type": LOOKS[worst] if worst else "success",
    }


def _title(notice: Notice) -> str:
    word = "resolved" if notice.what is What.RESOLVED else notice.alert.severity.value
    return f"{word}: {notice.alert.alert_id}"


def _digest(lot_id: str, notices: Sequence[Notice]) -> str:
    resolved = sum(each.what is What.RESOLVED for each in notices)
    return f"[{lot_id}] {len(notices) - resolved} alerts raised, {resolved} resolved"


def _line(notice: Notice, zone: ZoneInfo) -> str:
    alert = notice.alert
    resolved = notice.what is What.RESOLVED
    at = (alert.resolved_at if resolved else alert.raised_at) or alert.since
    word = f"resolved by {alert.resolved_by}" if resolved else alert.severity.value
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z} {word}: {alert.text} ({alert.alert_id})"
