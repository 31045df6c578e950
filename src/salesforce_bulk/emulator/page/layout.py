"""What all pages have in common: head, ways, and the place where a page says how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..http.messages import Reply
from .html import Child, Html, e, join, link

#: Nothing from elsewhere, nothing within the text, and in no frame of another page.
SAFETY: Final = (
    ("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
)
_WAYS: Final = (("Jobs", "/"), ("Objects", "/objects"), ("Limits and faults", "/org"))
#: How often an open page looks again, in seconds.
SOON: Final = 1
LATER: Final = 5


@dataclass(frozen=True)
class Page:
    title: str
    body: Child
    #: The way of the menu that it belongs to.
    way: str
    #: A sentence that is read out when it changes.
    status: str = ""
    #: Seconds after which it looks again; None: it stays as it is.
    again: int | None = None


def html_reply(page: Page, organization: str, status: int = 200) -> Reply:
    text = "<!doctype html>\n" + _document(page, organization) + "\n"
    return Reply(status, text.encode("utf-8", "replace"), "text/html; charset=UTF-8", list(SAFETY))


def _document(page: Page, organization: str) -> Html:
    head = e(
        "head",
        e("meta", charset="utf-8"),
        e("meta", name="viewport", content="width=device-width, initial-scale=1"),
        e("meta", name="color-scheme", content="light dark"),
        e("title", f"{page.title} – local org"),
        e("link", rel="icon", href="/page.svg", type="image/svg+xml"),
        e("link", rel="stylesheet", href="/page.css"),
        e("script", "", src="/page.js", defer=True),
    )
    ways = [e("li", link(name, target, aria_current="page" if name == page.way else None)) for name, target in _WAYS]
    banner = e(
        "header",
        e("p", link("Local org", "/"), " ", e("span", organization, class_="quiet"), class_="brand"),
        e("nav", e("ul", ways), aria_label="Main"),
    )
    main = e(
        "main",
        e("h1", page.title),
        e("div", e("p", page.status, id="status", role="status"), class_="follow"),
        e("div", page.body, id="content"),
        id="main",
        tabindex=-1,
        data_again=page.again,
    )
    foot = e("footer", e("p", "Times are UTC, by the clock of the org."))
    return e("html", head, e("body", link("To the content", "#main", class_="skip"), banner, main, foot), lang="en")


def pages(number: int, last: int, target: str) -> Html:
    """Links to the page before and after. *target* takes the number at its end."""
    if last <= 1:
        return Html("")
    before = link("Previous", f"{target}{number - 1}", rel="prev", id="previous") if number > 1 else None
    after = link("Next", f"{target}{number + 1}", rel="next", id="next") if number < last else None
    return e(
        "nav", join(before, " ", e("span", f"Page {number} of {last}"), " ", after), class_="pages", aria_label="Pages"
    )
