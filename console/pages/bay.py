"""What is known of one bay, beside the map: its state, its sensor, its past, and its closing."""

import sqlite3
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from fastapi.concurrency import run_in_threadpool
from nicegui import ui

from console.lots import Lot
from console.models import Device, SensorReading, SpotDetails
from console.pages.acting import act
from console.pages.moments import moment
from console.pages.shell import Part, Visit, icon
from console.routes.past import Log, LogQuery, log
from console.routes.spots import device, spot
from console.tokens import Scope
from gateway.tools.reading import Unreadable

MOVES = 12
CLOSE = "bay-close"
"""Where the keyboard is when the panel has been opened."""
REASONS = {
    "gateway_silent": "the lot's gateway is silent",
    "never_seen": "its sensor was never heard",
    "unconfirmed": "its sensor has not spoken since the gateway began",
}


class Bay:
    """The panel of the bay that was picked."""

    def __init__(self, visit: Visit, lot: Lot, closed: Callable[[], Any]) -> None:
        self._visit = visit
        self._lot = lot
        self._closed = closed
        self._spot_id: str | None = None
        self._known: SpotDetails | None = None
        self._fills = 0
        self._zones = {zone.zone_id: zone.name for zone in lot.settings.zones}
        self._panel = Part("aside", "card bay-panel", aria_label="Bay")
        self._panel.on("keydown.esc", self._close)
        self._panel.set_visibility(False)
        with self._panel:
            with Part("div", "line between"):
                self._title = Part("h2")
                with Part(
                    "button", "round", id=CLOSE, type="button", aria_label="Close this bay"
                ).on("click", self._close):
                    icon("close")
            self._now = Part("div", "stack-small")
            # It stays while what surrounds it is filled anew: the keyboard stays on it.
            self._order = Part("button", "button", type="button").on("click", self._ask)
            self._body = Part("div", "stack-small")
        self._order.set_visibility(False)

    async def open(self, spot_id: str) -> None:
        """Show a bay of the layout."""
        if spot_id in self._lot.layout:
            self._spot_id = spot_id
            await self._fill()
            self._panel.set_visibility(True)
            _focus(CLOSE)

    async def changed(self, spots: Collection[str]) -> None:
        """Show it anew, where it is among those that changed."""
        if self._spot_id in spots:
            await self._fill()

    def _close(self) -> None:
        self._spot_id = None
        self._panel.set_visibility(False)
        self._closed()

    async def _fill(self) -> None:
        """As it is now; of several under way the last begun is shown, whichever ends last."""
        self._fills += 1
        mine, spot_id = self._fills, self._spot_id or ""
        try:
            known, of, kept = await run_in_threadpool(self._read, spot_id)
        except (Unreadable, sqlite3.Error) as error:
            self._unreadable(str(error))
            return
        if mine == self._fills:
            self._show(known, of, kept)

    def _show(self, known: SpotDetails, of: Device | None, kept: Log) -> None:
        self._title.text = f"Bay {known.spot_id}"
        self._known = known
        self._now.clear()
        with self._now:
            self._state(known)
        self._order.text = "Open it" if known.status.value == "closed" else "Close it"
        self._order.set_visibility(self._visit.may(Scope.OPERATOR))
        self._body.clear()
        with self._body:
            if of is not None:
                self._sensor(of, known.reading)
            self._past(kept)

    def _read(self, spot_id: str) -> tuple[SpotDetails, Device | None, Log]:
        known = spot(self._lot, spot_id)
        of = device(self._lot, known.agent_id) if known.agent_id else None
        return known, of, log(self._lot, LogQuery(spot=spot_id, limit=MOVES))

    def _unreadable(self, words: str) -> None:
        self._order.set_visibility(False)
        self._body.clear()
        self._now.clear()
        with self._now:
            Part("p", text=f"The lot's store cannot be read: {words}", role="alert")

    def _state(self, known: SpotDetails) -> None:
        with Part("p", "line bay-state"):
            Part("span", "shape", data_state=known.status.value, aria_hidden="true")
            Part("strong", text=known.status.value.capitalize())
            if known.since:
                Part("span", "quiet", f"since {self._at(known.since)}")
        why = REASONS.get(known.reason, known.reason.replace("_", " "))
        facts = {
            "Zone": self._zones.get(known.zone_id) or known.zone_id,
            "Floor": str(known.floor or "ground"),
            "For": ", ".join([*known.kinds, known.size.value]),
            "Why": why,
            "Sure": f"{known.confidence:.0%}" if known.status.value in ("free", "occupied") else "",
            "Last known": self._last(known),
        }
        _facts(facts)

    def _last(self, known: SpotDetails) -> str:
        last = known.last_known
        if last is None or last.status is known.status:
            return ""
        return f"{last.status.value} since {self._at(last.since)}"

    def _sensor(self, of: Device, reading: SensorReading | None) -> None:
        Part("h3", text="Sensor")
        celsius, volts = of.temperature_c, of.supply_volts
        facts = {
            "Device": of.agent_id,
            "State": of.state,
            "Health": " ".join(filter(None, (of.health, of.reason))),
            "Heard": self._at(of.last_heartbeat) if of.last_heartbeat else "never",
            "Temperature": "" if celsius is None else f"{celsius:.1f} °C",
            "Supply": "" if volts is None else f"{volts:.2f} V",
            "Waiting": "" if not of.waiting_records else f"{of.waiting_records} records",
        }
        _facts(({} if reading is None else self._read_out(reading)) | facts)

    def _read_out(self, reading: SensorReading) -> dict[str, str]:
        value = reading.value
        axes = value if isinstance(value, tuple) else () if value is None else (value,)
        figures = " / ".join(f"{axis:.1f}" for axis in axes)
        return {
            # Only what is sound has a value.
            "Reading": f"{figures} {reading.unit}" if axes else reading.quality.replace("_", " "),
            "Read": self._at(reading.at) if reading.at else "",
            "Fault": reading.reason,
        }

    def _past(self, kept: Log) -> None:
        Part("h3", text="The last 24 hours")
        if kept.hint or not kept.items:
            Part("p", "quiet small", kept.hint or "Nothing changed.")
        with Part("ol", "moves"):
            for each in kept.items:
                with Part("li"):
                    Part("span", "shape", data_state=each.status.value, aria_hidden="true")
                    Part("span", text=each.status.value)
                    Part("time", "quiet number", self._at(each.at))

    async def _ask(self) -> None:
        known = self._known
        if known is None or self._order.props.get("aria-disabled"):
            return
        is_closed = known.status.value == "closed"
        name, data = ("spot-open", {}) if is_closed else ("spot-close", {"note": ""})
        # Said, not set: a button that is disabled in earnest loses the keyboard.
        self._order.props["aria-disabled"] = "true"
        try:
            await act(self._visit, self._lot, name, {"spot_id": known.spot_id} | data)
            await self._fill()
        finally:
            del self._order.props["aria-disabled"]

    def _at(self, at: datetime) -> str:
        return moment(at, self._lot.settings.zone)


def _focus(name: str) -> None:
    ui.run_javascript(f"document.getElementById('{name}')?.focus()")


def _facts(facts: dict[str, str]) -> None:
    with Part("dl", "facts small"):
        for name, value in facts.items():
            if value:
                Part("dt", text=name)
                Part("dd", text=value)
