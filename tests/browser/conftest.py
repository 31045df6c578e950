"""A real Chromium without a window, and a local org to look at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from salesforce_bulk.emulator import LocalOrg

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: Where Chromium is, by the names that it goes by.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # a machine at other work is slow, and no test waits for what does not come
    path = os.environ.get("SFBULK_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert path, (
        "There is no Chromium here: install one, say in SFBULK_CHROMIUM where it is, or run scripts/browser as root."
    )
    with sync_playwright() as playwright:
        # As root Chromium has no sandbox; what is shown here is ours.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    """Its clock stands: what happens, happens when a test says so."""
    with LocalOrg() as org:
        org.clock.pause()
        yield org


@pytest.fixture
def page(chromium: Browser, org: LocalOrg) -> Iterator[Page]:
    """A tab. The test fails when a script did, when the browser forbade something, or when something was asked elsewhere."""
    with chromium.new_context(base_url=org.url, viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda said: wrong.append(f"{said.type}: {said.text}") if said.type == "error" else None)
        page.on("request", lambda asked: None if asked.url.startswith(org.url) else wrong.append(f"asked: {asked.url}"))
        yield page
        assert [] == wrong
