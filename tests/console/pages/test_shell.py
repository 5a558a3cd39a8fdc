"""The frame: logging in and out, who gets in, from where, and with which headers."""


def fill(page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_log_in_and_out_in_a_browser(visit, served, site) -> None:
    page = visit(f"/lots/{site.lot_id}", scope=None)
    assert page.url.startswith(f"{served.url}/login?to=/lots/")
    fill(page, "viewer", "wrong horse")
    assert "wrong" in page.get_by_role("alert").inner_text()
    fill(page, "viewer", "correct horse")
    page.get_by_role("heading", name="North").wait_for()
    assert page.url == f"{served.url}/lots/{site.lot_id}"
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert page.get_by_role("link", name="Lot", exact=True).get_attribute("aria-current") == "page"
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{served.url}/login")
    assert served.people.find(cookie["value"]) is None
