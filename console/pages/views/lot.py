"""The lot as it is now."""

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from console.pages.shell import Here, Part, heading, page
from console.routes.lots import now


@page("/", "Lot", icon="lot", order=10, below="/lots/")
async def home(visit: Here) -> RedirectResponse:
    """The first lot."""
    return RedirectResponse(f"/lots/{visit.lots[0].lot_id}")


@page("/lots/{lot_id}")
async def lot(visit: Here, lot_id: str) -> None:
    """One lot."""
    shown = await run_in_threadpool(now, visit.lot(lot_id))
    heading(shown.name or lot_id, f"{shown.free} free of {shown.capacity}")
    Part("p", text=f"as of {shown.as_of:%H:%M:%S} UTC")
