"""The lot as it is now: every bay, each zone's counts, and what is known of one bay."""

import json
from functools import lru_cache

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from nicegui import ui
from nicegui.events import GenericEventArguments

from console.hub import Change
from console.lots import Lot
from console.pages.bay import Bay
from console.pages.live import follow
from console.pages.mount import STATIC
from console.pages.picture import delta, picture
from console.pages.plan import plan
from console.pages.shell import Here, Part, Visit, has_lots, heading, page


class LotView(ui.element, component=STATIC / "lot_view.js"):
    """The bays and counts of a lot, drawn by the browser; `apply` tells it what changed."""

    def __init__(self, laid: str, now: str) -> None:
        """Both as JSON: NiceGUI would make each list of a thousand bays one that it observes."""
        super().__init__()
        self.props["laid"], self.props["now"] = laid, now


@lru_cache
def _laid(lot: Lot) -> str:
    """A lot's layout stays as long as the process."""
    return json.dumps(plan(lot.settings))


@page("/")
async def home(visit: Here) -> RedirectResponse:
    """What the navigation begins with."""
    return RedirectResponse("/lots" if visit.lots else "/fleet")


@page("/lots", "Lot", icon="lot", order=10, when=has_lots)
async def first(visit: Here) -> RedirectResponse:
    """The first lot."""
    return RedirectResponse(f"/lots/{visit.lots[0].lot_id}")


@page("/lots/{lot_id}")
async def show(visit: Here, lot_id: str) -> None:
    """One lot."""
    lot = visit.lot(lot_id)
    now = await run_in_threadpool(picture, lot)
    ui.add_head_html('<link rel="stylesheet" href="/static/bays.css">')
    with heading(lot.name or lot_id):
        _other_lots(visit, lot_id)
    with Part("div", "beside"):
        view = LotView(await run_in_threadpool(_laid, lot), json.dumps(now))
        bay = Bay(visit, lot, closed=lambda: view.run_method("release"))
    _pick(view, bay)
    _push(visit, lot, view, bay, now["heard"])


def _other_lots(visit: Visit, lot_id: str) -> None:
    if len(visit.lots) < 2:
        return
    with Part("nav", "line", aria_label="Lots"):
        for each in visit.lots:
            link = Part("a", "pill", each.name or each.lot_id, href=f"/lots/{each.lot_id}")
            if each.lot_id == lot_id:
                link.props["aria-current"] = "page"


def _pick(view: LotView, bay: Bay) -> None:
    async def picked(event: GenericEventArguments) -> None:
        await bay.open(str(event.args))

    view.on("pick", picked)


def _push(visit: Visit, lot: Lot, view: LotView, bay: Bay, heard: bool) -> None:
    async def tell(changes: list[Change]) -> None:
        nonlocal heard
        if changes and heard and not any(each.kind == "gateway" for each in changes):
            drawn = delta(changes)
        else:  # it begins, or the gateway went or came back: everything may differ
            drawn = await run_in_threadpool(picture, lot)
            heard = drawn["heard"]
        view.run_method("apply", drawn)
        await bay.changed(drawn["spots"])

    follow(visit, lot.lot_id, tell)
