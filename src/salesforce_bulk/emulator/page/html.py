"""HTML that cannot be broken by what it shows: text is escaped unless it is HTML of ours already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final, TypeAlias
from urllib.parse import quote, urlencode


class Html(str):
    """Markup, made here and nowhere else."""

    __slots__ = ()


Child: TypeAlias = "Html | str | int | float | Iterable[Child] | None"
Attribute: TypeAlias = "str | int | bool | None"

#: Elements that have no content.
_EMPTY: Final = frozenset({"input", "link", "meta", "br"})


def e(tag: str, /, *children: Child, **attributes: Attribute) -> Html:
    """An element. ``aria_label`` is the attribute aria-label, ``for_`` is for; True is an attribute without value, None and
    False are none at all."""
    shown = "".join(
        f" {_name(name)}" if value is True else f' {_name(name)}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{tag}{shown}>" if tag in _EMPTY else f"<{tag}{shown}>{join(*children)}</{tag}>")


def join(*children: Child) -> Html:
    return Html("".join(map(_text, children)))


def _text(child: Child) -> str:
    if isinstance(child, Html):
        return child
    if child is None:
        return ""
    if isinstance(child, str | int | float):
        return escape(str(child))
    return join(*child)


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def address(*words: str, pairs: Sequence[tuple[str, str]] = (), **parameters: str | None) -> str:
    """A path of *words* and what stands after the question mark; None and empty texts are left out."""
    path = "/" + "/".join(quote(word, safe="") for word in words)
    said = [*pairs, *((name, value) for name, value in parameters.items() if value)]
    return f"{path}?{urlencode(said)}" if said else path


def link(text: Child, target: str, **attributes: Attribute) -> Html:
    return e("a", text, href=target, **attributes)


def moment(seconds: float | None) -> Child:
    """A point in time, by its seconds since 1970."""
    if seconds is None:
        return "–"
    when = datetime.fromtimestamp(seconds, UTC)
    return e("time", f"{when:%Y-%m-%d %H:%M:%S}", datetime=f"{when:%Y-%m-%dT%H:%M:%SZ}")


def whole(number: int) -> str:
    """``12,345``."""
    return f"{number:,}"


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``1:02:03``."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def table(
    caption: str,
    heads: Sequence[Child],
    rows: Iterable[Sequence[Child]],
    *,
    id: str,
    numbers: Iterable[int] = (),
    empty: str = "There is nothing to show.",
) -> Html:
    """A table whose first column names its rows. *numbers*: the columns that hold numbers. In a frame of its own, which a
    keyboard can scroll when the table is wider than the window."""
    right = frozenset(numbers)

    def style(place: int) -> str | None:
        return "number" if place in right else None

    lines = [
        e("tr", e("th", row[0], scope="row"), [e("td", cell, class_=style(n)) for n, cell in enumerate(row[1:], 1)])
        for row in rows
    ]
    if not lines:
        return e("section", e("h3", caption, id=id), e("p", empty, class_="quiet"), aria_labelledby=id)
    head = e("tr", [e("th", cell, scope="col", class_=style(place)) for place, cell in enumerate(heads)])
    return e(
        "div",
        e("table", e("caption", caption, id=id), e("thead", head), e("tbody", lines)),
        class_="wide",
        role="region",
        aria_labelledby=id,
        tabindex=0,
    )


def facts(pairs: Iterable[tuple[Child, Child]]) -> Html:
    """Names and what they stand for; pairs without a value are left out."""
    return e(
        "dl",
        [e("div", e("dt", name), e("dd", value)) for name, value in pairs if value is not None and value != ""],
    )
