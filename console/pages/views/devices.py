"""Devices: which are heard, how well their sensors are, and having one show or learn a bay."""

import sqlite3
from datetime import UTC, datetime
from typing import NamedTuple

from fastapi.concurrency import run_in_threadpool
from nicegui import ui

from console.hub import Change
from console.lots import Lot
from console.models import Device
from console.pages.acting import act
from console.pages.live import follow
from console.pages.moments import moment
from console.pages.shell import Here, Part, Visit, has_lots, heading, page
from console.routes.spots import device as read
from console.sensors import Scored, scored
from console.tokens import Scope
from gateway.tools.reading import Unreadable

STATES = {
    "online": ("good", "\u25cf", "Online"),
    "retired": ("", "\u2013", "Retired"),
    "unconfirmed": ("warning", "?", "Not heard yet"),
    "gateway_silent": ("warning", "?", "Gateway silent"),
}
OFFLINE = ("bad", "\u2715", "Offline")
ERRAND_S = 10.0
"""So long a device marks a bay, or reads it to learn."""
PATIENCE_S = 10.0
"""And so long its gateway waits for its answer beyond."""
WELL, POOR = 80, 50
"""Points of a sensor's score from which it is well, and below which it is not."""


class Known(NamedTuple):
    """A device and what it says of its sensors."""

    device: Device
    sensors: dict[str, Scored]
    version: str


@page("/devices", "Devices", icon="chip", order=30, when=has_lots)
async def show(visit: Here) -> None:
    """The devices of every lot."""
    ui.add_head_html('<link rel="stylesheet" href="/static/devices.css">')
    heading("Devices", "Who watches the bays, and how well.")
    boards = {lot.lot_id: Board(visit, lot) for lot in visit.lots}

    async def tell(changes: list[Change]) -> None:
        for lot_id in {each.lot_id for each in changes} or set(boards):
            await boards[lot_id].fill()

    follow(visit, None, tell)


class Board:
    """The devices of a lot. A card stays while its device does: what is open in it stays open."""

    def __init__(self, visit: Visit, lot: Lot) -> None:
        self._visit = visit
        self._lot = lot
        self._cards: dict[str, Card] = {}
        with Part("section", "devices-of", aria_label=lot.name or lot.lot_id):
            if len(visit.lots) > 1:
                Part("h2", text=lot.name or lot.lot_id)
            self._status = Part("p", "quiet small", role="status")
            self._grid = Part("div", "grid devices")

    async def fill(self) -> None:
        """Read the lot anew and show what is different."""
        try:
            found = await run_in_threadpool(self._read)
        except (Unreadable, sqlite3.Error) as error:
            self._status.text = f"The lot's store cannot be read: {error}"
            return
        online = sum(each.device.state == "online" for each in found)
        self._status.text = f"{online} of {len(found)} online"
        known = {each.device.agent_id for each in found}
        for gone in set(self._cards) - known:
            self._cards.pop(gone).delete()
        for each in found:
            name = each.device.agent_id
            if name not in self._cards:
                with self._grid:
                    self._cards[name] = Card(self._visit, self._lot, name)
            self._cards[name].show(each)

    def _read(self) -> list[Known]:
        now, found = datetime.now(UTC), []
        for name, agent in self._lot.agents().items():
            versions = agent.health.telemetry.versions if agent.health else {}
            sensors = scored(name, agent, now)
            found.append(Known(read(self._lot, name), sensors, versions.get("lotkeeper", "")))
        return found


class Card:
    """One device."""

    def __init__(self, visit: Visit, lot: Lot, name: str) -> None:
        self._visit = visit
        self._lot = lot
        self._bays: dict[str, Part] = {}
        self._card = Part("article", "card device", data_device=name)
        with self._card:
            with Part("div", "line between"):
                self._title = Part("h3", "device-name", name)
                self._state = Part("span", "pill")
            self._note = Part("p", "quiet small")
            self._facts = Part("dl", "facts small")
            with Part("details", "bays-of"):
                self._summary = Part("summary")
                self._list = Part("ul", "sensors")

    def delete(self) -> None:
        """It is gone."""
        self._card.delete()

    def show(self, known: Known) -> None:
        """What is known now."""
        of = known.device
        looks, sign, words = STATES.get(of.state, OFFLINE)
        self._title.text = of.name or of.agent_id
        self._state.text = f"{sign} {words}"
        self._state.classes(replace=f"pill {looks}")
        self._note.text = of.note
        self._note.set_visibility(bool(of.note))
        self._tell(of, known)
        noun = "bay" if len(of.spots) == 1 else "bays"
        self._summary.text = f"{len(of.spots)} {noun}"
        self._tell_bays(of, known.sensors)

    def _tell(self, of: Device, known: Known) -> None:
        points = [each.points for each in known.sensors.values()]
        depth, celsius, volts = of.waiting_records, of.temperature_c, of.supply_volts
        facts = {
            "Name": of.agent_id if of.name else "",
            "Health": " ".join(filter(None, (of.health, of.reason))),
            "Sensors": f"{min(points)} of 100, the least" if points else "",
            "Heard": self._ago(of.last_heartbeat),
            "Software": known.version,
            "Waiting": "" if depth is None else f"{depth} records",
            "Clock": of.clock or "",
            "Temperature": "" if celsius is None else f"{celsius:.1f} °C",
            "Supply": "" if volts is None else f"{volts:.2f} V",
            "Suspected": "another device uses its name" if of.clone_suspected else "",
        }
        self._facts.clear()
        with self._facts:
            for name, value in facts.items():
                if value:
                    Part("dt", text=name)
                    Part("dd", text=value)

    def _tell_bays(self, of: Device, sensors: dict[str, Scored]) -> None:
        for gone in set(self._bays) - set(of.spots):
            self._bays.pop(gone).delete()
        for spot_id in of.spots:
            if spot_id not in self._bays:
                with self._list:
                    self._bays[spot_id] = self._row(spot_id, of.kind)
        for spot_id, row in self._bays.items():
            self._tell_sensor(row, sensors.get(spot_id))

    def _row(self, spot_id: str, kind: str) -> Part:
        with Part("li", data_bay=spot_id) as row:
            Part("a", "bay-name", spot_id, href=f"/lots/{self._lot.lot_id}")
            Part("span", "pill score")
            Part("span", "quiet small lost")
            if kind == "mqtt" and self._visit.may(Scope.OPERATOR):
                with Part("span", "line doing"):
                    self._doing("Identify", spot_id, "spot-identify", "its device marks it")
                    self._doing(
                        "Recalibrate", spot_id, "spot-recalibrate", "it learns: keep it empty"
                    )
        return row

    def _tell_sensor(self, row: Part, of: Scored | None) -> None:
        _, pill, lost, *_ = row.default_slot.children
        assert isinstance(pill, Part)
        assert isinstance(lost, Part)
        looks = "" if of is None else "good" if of.points >= WELL else "warning"
        if of is not None and of.points < POOR:
            looks = "bad"
        pill.text = "no score" if of is None else f"{of.points} of 100"
        pill.classes(replace=f"pill score {looks}")
        lost.text = of.lost if of else ""

    def _doing(self, words: str, spot_id: str, name: str, meanwhile: str) -> None:
        async def clicked() -> None:
            button.props["disabled"] = True
            ui.notify(f"{spot_id}: {meanwhile} for {ERRAND_S:g} s")
            data = {"spot_id": spot_id, "seconds": ERRAND_S}
            takes_s = ERRAND_S + PATIENCE_S
            done = await act(self._visit, self._lot, name, data, takes_s=takes_s)
            if done is not None:
                ui.notify(f"{spot_id}: {_told(done)}", type="positive")
            button.props["disabled"] = False

        label = f"{words} {spot_id}"
        button = Part("button", "button small", words, type="button", aria_label=label)
        button.on("click", clicked)

    def _ago(self, at: datetime | None) -> str:
        return "never" if at is None else moment(at, self._lot.settings.zone)


def _told(done: dict[str, object]) -> str:
    said = ", ".join(
        f"{key.replace('_', ' ')} {value}"
        for key, value in done.items()
        if key not in ("spot_id", "agent_id") and isinstance(value, str | int | float)
    )
    return said or "done"
