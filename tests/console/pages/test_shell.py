"""The frame: logging in and out, who gets in, from where, and with which headers."""

import httpx
import pytest
from playwright.sync_api import expect

from console.desk import SESSION_COOKIE
from console.tokens import Scope

OWN = {"name": "viewer", "password": "correct horse"}


def fill(page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_log_in_and_out_in_a_browser(visit, served, site) -> None:
    page = visit(f"/lots/{site.lot_id}", scope=None)
    assert page.url.startswith(f"{served.url}/login?to=/lots/")
    fill(page, "viewer", "wrong horse")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    fill(page, **OWN)
    page.get_by_role("heading", name="North").wait_for()
    assert page.url == f"{served.url}/lots/{site.lot_id}"
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    expect(page.get_by_role("link", name="Lot", exact=True)).to_have_attribute(
        "aria-current", "page"
    )
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{served.url}/login")
    assert served.people.find(cookie["value"]) is None


def test_colours_are_as_the_device_says_or_as_is_chosen_here(visit, site) -> None:
    page = visit(f"/lots/{site.lot_id}", color_scheme="dark")
    page.get_by_role("heading", name="North").wait_for()

    def ground() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert ground() == "rgb(13, 17, 23)"
    page.get_by_role("button", name="Colours").click()
    assert ground() == "rgb(243, 245, 249)"
    page.reload()
    assert ground() == "rgb(243, 245, 249)"


@pytest.mark.parametrize("path", ["/", "/lots/lot-9", "/nothing", "/_nicegui_ws/socket.io/"])
def test_without_a_session_every_page_is_the_login(served, path: str) -> None:
    with served.client(None) as stranger:
        refused = stranger.get(path)
    assert refused.status_code == 303
    assert refused.headers["location"].startswith("/login")


def test_a_session_that_is_wrong_or_ended_is_none(served) -> None:
    with served.client() as person:
        session = person.cookies[SESSION_COOKIE]
        assert person.get("/").status_code == 307
        served.people.log_out(session)
        assert person.get("/").status_code == 303
        person.cookies.set(SESSION_COOKIE, "x" * 43)
        assert person.get("/").status_code == 303


@pytest.mark.parametrize(
    ("to", "location"),
    [
        ("/lots/lot-1", "/lots/lot-1"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("", "/"),
    ],
)
def test_the_login_leads_to_pages_of_ours_alone(served, to: str, location: str) -> None:
    with served.client(None) as stranger:
        done = stranger.post("/login", data={**OWN, "to": to})
        assert done.status_code == 303
        assert done.headers["location"] == location


def test_another_sites_page_can_neither_log_in_nor_open_a_socket(served) -> None:
    other = {"Origin": "https://evil.example"}
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    socket = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket&client_id=x"
    with served.client() as person:
        assert person.post("/login", data=OWN, headers=other).status_code == 403
        assert person.post("/logout", headers=other).status_code == 403
        assert person.get("/").status_code == 307
        assert person.get(socket, headers={**upgrade, **key, **other}).status_code == 403
    with served.client(None) as stranger:
        assert stranger.get(socket, headers=upgrade | key).status_code == 403
        own = stranger.post("/login", data=OWN, headers={"Origin": served.url})
        assert own.status_code == 303


def test_a_session_reads_the_api_and_changes_nothing_through_it(served, site) -> None:
    path = f"/api/v1/lots/{site.lot_id}"
    with served.client(Scope.VIEWER) as viewer, served.client(Scope.ADMIN) as admin:
        assert viewer.get(path).json()["lot_id"] == site.lot_id
        assert viewer.get("/api/v1/audit").status_code == 403
        assert admin.get("/api/v1/audit").status_code == 200
        assert admin.post(f"{path}/spots/A2/close", json={}).status_code == 401
        assert admin.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_the_api_is_as_without_pages(served) -> None:
    with served.client() as person:
        absent = person.get("/api/v1/nothing")
        assert absent.headers["content-type"] == "application/problem+json"
        assert (absent.status_code, person.put("/api/v1/lots").status_code) == (404, 405)


def test_headers(served, site) -> None:
    with served.client() as person:
        page, login = person.get(f"/lots/{site.lot_id}"), person.get("/login")
        for answer in (page, login):
            policy = answer.headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
        assert "unsafe" not in login.headers["content-security-policy"]
        assert "Secure" not in person.post("/login", data=OWN).headers["set-cookie"]
        proxied = person.post("/login", data=OWN, headers={"X-Forwarded-Proto": "https"})
        assert "Secure" in proxied.headers["set-cookie"]
        assert "max-age" in proxied.headers["strict-transport-security"]


def test_what_is_not_there_is_said_on_a_page(served) -> None:
    with served.client() as person:
        for path in ("/nothing", "/lots/<b>"):
            absent = person.get(path)
            assert (absent.status_code, "To the start" in absent.text) == (404, True)
            assert "<b>" not in absent.text


def test_guesses_are_counted_by_name_and_told_how_long_to_wait(served) -> None:
    with served.client(None) as stranger, served.client(Scope.ADMIN) as admin:
        bad = {"name": "mallory", "password": "x"}
        statuses = [
            stranger.post("/login", data=bad, headers={"X-Forwarded-For": f"10.0.0.{n}"})
            for n in range(21)
        ]
        assert [each.status_code for each in statuses][:2] == [401, 401]
        refused = statuses[-1]  # 21 tries are more than 10 in one of two minutes
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        entries = admin.get("/api/v1/audit").json()["items"]
    (tried, *_) = [each for each in entries if each["who"] == "mallory"]
    assert tried["action"] == "login"
    assert tried["outcome"].startswith("refused")
    assert tried["data"]["address"].startswith("10.0.0.")


def test_a_form_that_is_too_large_is_not_read(served) -> None:
    with served.client(None) as stranger:
        headers = {"X-Forwarded-For": "10.1.0.1"}  # others' tries are not this one's
        large = b"name=" + b"x" * 100_000
        assert stranger.post("/login", content=large, headers=headers).status_code == 401


def test_two_processes_serve_the_same_session(served, make_served, site) -> None:
    folder = served.store.parent
    other = make_served(folder, site)
    try:
        cookies = {SESSION_COOKIE: served.session()}
        for url in (served.url, other.url):
            page = httpx.get(f"{url}/lots/{site.lot_id}", cookies=cookies, timeout=20)
            assert (page.status_code, "North" in page.text) == (200, True)
        assert httpx.post(f"{other.url}/logout", cookies=cookies).status_code == 303
        assert httpx.get(f"{served.url}/", cookies=cookies).status_code == 303
    finally:
        other.close()
