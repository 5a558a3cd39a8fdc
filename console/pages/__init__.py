"""The pages people log in to: NiceGUI in a frame that every page shares.

    browser -> gatekeeper (session, origin, headers) -> /api/...            the API
                                                     -> /login, /display    plain HTML of ours
                                                     -> views/*.py          a page a file

Adding a page is one file in `views/` and one test file beside `tests/console/pages/`:

    @page("/gate", "Gate", icon="gate", order=50, needs=Scope.OPERATOR)
    async def gate(visit: Here) -> None:
        heading("Gate")
        found = await run_in_threadpool(tickets_of, visit.desk)   # what blocks goes to a thread
        ...

- `views/` is searched when the console starts: nothing else names the page. `order` puts it among
  the navigation's entries; whoever has less than `needs` neither sees nor gets it. A page without
  a label is none of the navigation's (`/lots/{lot_id}/spots`).
- `visit` (`shell.Visit`) holds the desk that the API's routes work with, and `person`, a `Token`:
  what a person orders goes by `acting.act(visit, lot, name, data)`.
- What changes is pushed, never polled: `live.follow(visit, lot_id, tell)` calls `tell` with the
  changes of a tenth of a second at once, as long as the page is open.
- Use the classes of `static/lotkeeper.css` (`card`, `grid`, `button`, `pill`, `table`), not
  Quasar's looks: they know light, dark, the phone and the wall. No inline colours.
- The tests are Chromium's: `tests/console/pages/conftest.py` serves a console over a running lot.
"""
