"""The page of the local org in a real browser: live, by keyboard, for every eye, and safe."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.bulk1_talk import Talk
from tests.support.bulk2_talk import Talk2

from salesforce_bulk.emulator import LocalOrg

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'&"
ROWS = "Name\n" + "A\n" * 400


def expect(what: Any) -> Any:
    """Playwright's: waits until it is so. Loaded when needed, for the other tests do without a browser."""
    from playwright.sync_api import expect

    return expect(what)


def running_job(org: LocalOrg) -> str:
    """A job that has done a quarter of its rows."""
    org.limits.work_seconds = 40
    org.bulk2.step_rows = 100
    org.limits.internal_batch_rows = 400
    job = Talk2(org).start("insert", ROWS)
    org.clock.advance(11)
    return job


def test_the_list_follows_the_jobs(org: LocalOrg, page: Page) -> None:
    """A job moves on, and from one table to the other, while the page stays open; and new ones appear."""
    job = running_job(org)
    page.goto("/")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=job))
    expect(row).to_contain_text("InProgress")
    expect(row.get_by_role("progressbar", name=f"Progress of job {job}")).to_have_js_property("value", 25)
    page.evaluate("window.same = true")

    org.clock.advance(10)
    expect(row.get_by_role("progressbar")).to_have_js_property("value", 50)
    expect(row).to_contain_text("200")

    org.clock.advance(600)
    expect(page.get_by_role("status")).to_have_text("0 in progress, 1 completed, 0 of them failed.")
    ended = page.get_by_role("table", name="1 completed job")
    expect(ended.get_by_role("row").nth(1)).to_contain_text("JobComplete")
    expect(page.get_by_text("No job is open, waits or is worked on.")).to_be_visible()

    second = Talk(org).create("insert")
    expect(page.get_by_role("table", name="1 open job").get_by_role("link", name=second)).to_be_visible()
    assert page.evaluate("window.same")


def test_the_page_of_a_job_follows_it_to_its_end(org: LocalOrg, page: Page) -> None:
    """Counters, files and errors appear; then it asks no more."""
    org.limits.work_seconds = 5
    job = Talk2(org).create()
    page.goto(f"/jobs/{job}")
    expect(page.get_by_role("status")).to_have_text("Open: 0 records processed, 0 failed.")
    Talk2(org).upload(job, "Name,NumberOfEmployees\nA,1\nB,x\nC,x\n")
    Talk2(org).change(job, "UploadComplete")
    expect(page.get_by_role("status")).to_have_text("UploadComplete: 0 records processed, 0 failed.")
    org.clock.advance(600)
    expect(page.get_by_role("status")).to_have_text("JobComplete: 3 records processed, 2 failed.")
    expect(page.get_by_role("table", name="Of 2 failed records").get_by_role("row")).to_have_count(2)
    with page.expect_download() as begun:
        page.get_by_role("link", name="Failed records").click()
    assert f"{job}-failed.csv" == begun.value.suggested_filename
    assert Talk2(org).result(job, "failedResults") == begun.value.path().read_text()
    expect(page.get_by_role("button", name="Pause updates")).to_be_hidden()
    expect(page.locator("main")).to_have_attribute("data-again", "")


def test_batches_and_their_files_can_be_had(org: LocalOrg, page: Page) -> None:
    """From the list to the job, to the result of a batch."""
    talk = Talk(org)
    job, batch = talk.load("insert", "Name\nA\nB\n")
    page.goto("/")
    page.get_by_role("link", name=job).click()
    expect(page).to_have_title(f"Job {job} – local org")
    with page.expect_download() as begun:
        page.get_by_role("link", name=f"Result of batch {batch}").click()
    assert talk.result(job, batch).body == begun.value.path().read_bytes()


def test_updates_can_be_paused(org: LocalOrg, page: Page) -> None:
    """Nothing is asked until they go on."""
    job = running_job(org)
    page.clock.install()
    page.goto(f"/jobs/{job}")
    page.get_by_role("button", name="Pause updates").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(60_000)
    assert [] == asked

    org.clock.advance(600)
    page.get_by_role("button", name="Resume updates").click()
    page.clock.run_for(2_000)
    expect(page.get_by_role("status")).to_have_text("JobComplete: 400 records processed, 0 failed.")


def test_an_update_leaves_focus_and_choices_where_they_are(org: LocalOrg, page: Page) -> None:
    """Who reads with a keyboard is not thrown back to the top, and what was chosen stays chosen."""
    job = running_job(org)
    page.goto("/")
    page.get_by_label("Operation").select_option("insert")
    page.get_by_role("link", name=job).focus()
    org.clock.advance(10)
    expect(page.get_by_role("progressbar")).to_have_js_property("value", 50)

    expect(page.get_by_role("link", name=job)).to_be_focused()
    expect(page.get_by_label("Operation")).to_have_value("insert")


def test_everything_can_be_reached_by_keyboard(org: LocalOrg, page: Page) -> None:
    """First a way past the menu, then each thing in its order, the frames of wide tables included; and one sees where one is."""
    job = running_job(org)
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    expect(page.get_by_role("link", name="To the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    reached = []
    for _ in range(10):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
        assert "solid" == page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), reached
        if reached[-1] == f"job-{job}":
            break
    assert [
        "Pause updates",
        "filter-object",
        "filter-operation",
        "filter-api",
        "filter-state",
        "Filter",
        "Show all",
    ] == (reached[:7])
    assert f"job-{job}" == reached[-1]


def test_jobs_are_filtered(org: LocalOrg, page: Page) -> None:
    """By choosing; the choice stands in the address."""
    job = Talk2(org).load("insert", "Name\nA\n")
    query = Talk2(org).query("SELECT Id FROM Account")
    page.goto("/")
    page.get_by_label("Job type").select_option("Bulk V2 Query")
    page.get_by_role("button", name="Filter").click()

    expect(page).to_have_url(re.compile(r"api=Bulk\+V2\+Query"))
    expect(page.get_by_role("link", name=query)).to_be_visible()
    expect(page.get_by_role("link", name=job)).to_have_count(0)
    expect(page.get_by_label("Job type")).to_have_value("Bulk V2 Query")


def test_records_are_shown_in_the_columns_of_choice(org: LocalOrg, page: Page) -> None:
    """From the objects to the records of one, to one record."""
    ids = org.holds("Account", [{"Name": HOSTILE, "Site": f"site {n}"} for n in range(60)])
    page.goto("/objects")
    page.get_by_role("link", name="Account", exact=True).click()
    page.get_by_role("group").get_by_text("Columns", exact=True).first.click()
    for box in page.get_by_role("checkbox").all():
        box.set_checked(box.get_attribute("value") in ("Site", "Rating"))
    page.get_by_role("button", name="Show").click()

    expect(page.get_by_role("columnheader")).to_have_text(["Record ID", "Rating", "Site", "Deleted"])
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("cell", name="site 59")).to_be_visible()
    expect(page.get_by_role("columnheader")).to_have_text(["Record ID", "Rating", "Site", "Deleted"])
    page.get_by_role("link", name=ids[-1]).click()
    expect(page.get_by_role("definition").filter(has_text=HOSTILE)).to_be_visible()


def test_without_scripts_reloading_does_it(org: LocalOrg, chromium: Browser) -> None:
    """All is there; only the button that stops the updates is not, for there are none."""
    job = running_job(org)
    with chromium.new_context(base_url=org.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/")
        expect(page.get_by_role("row").filter(has_text=job)).to_contain_text("InProgress")
        expect(page.get_by_role("button", name="Pause updates")).to_have_count(0)
        org.clock.advance(600)
        page.reload()
        expect(page.get_by_role("row").filter(has_text=job)).to_contain_text("JobComplete")


def test_an_org_that_ended_is_told_of(org: LocalOrg, chromium: Browser) -> None:
    """What is shown is what it last said."""
    job = running_job(org)
    with chromium.new_context(base_url=org.url) as context:
        page = context.new_page()
        page.goto(f"/jobs/{job}")
        org.stop()
        expect(page.get_by_role("status")).to_have_text(
            "The local org does not answer. This page shows what it last said."
        )
        expect(page.get_by_text(job).first).to_be_visible()


def test_nothing_that_is_shown_is_run(org: LocalOrg, page: Page) -> None:
    """Names, values, queries and errors that are made for a browser to run: the tab fails the test when one does."""
    doubled = HOSTILE.replace('"', '""')
    org.holds("Account", [{"Name": HOSTILE}])
    jobs = [
        Talk2(org).load("insert", f'Name,NumberOfEmployees\nA,"{doubled}"\n'),
        Talk2(org).load("insert", f'"{doubled}"\nA\n'),
        Talk2(org).query("SELECT Id FROM Account WHERE Name = '<script>alert(3)</script>'"),
        Talk(org).load("insert", f'Name,NumberOfEmployees\nA,"{doubled}"\n')[0],
    ]
    for target in ("/", f"/?object={HOSTILE}", "/objects", "/objects/Account", *(f"/jobs/{job}" for job in jobs)):
        page.goto(target)
        assert 0 == page.locator("main img, main script").count()
    assert 1 == len(page.evaluate("[...document.scripts].map(script => script.src)"))


# --- for every eye ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_rule_of_axe_is_broken(org: LocalOrg, chromium: Browser, scheme: str) -> None:
    """Contrast, names, headings, landmarks, tables: on every page, wide and narrow, by light and by dark."""
    from axe_playwright_python.sync_playwright import Axe

    job = running_job(org)
    failed = Talk2(org).start("insert", "Name,NumberOfEmployees\nA,1\nB,x\n")
    classic, _ = Talk(org).load("insert", "Name,NumberOfEmployees\nA,1\nB,x\n")
    org.clock.advance(600)
    running = running_job(org)
    first, second = org.holds("Account", 2)
    Talk2(org).load("delete", f"Id\n{first}\n")
    org.faults.plan("rest.limits", "503", times=2)
    Talk2(org).ask("GET", "limits")
    targets = (
        "/",
        "/?object=Account",
        *(f"/jobs/{one}" for one in (job, failed, classic, running)),
        "/objects",
        "/objects/Account",
        f"/objects/Account/{second}",
        "/objects/Contact",
        "/org",
        "/jobs/750000000000001",
    )
    found = {}
    looked = 0
    for width in (1280, 320):
        # axe is put into the page, which the page's own rules would forbid.
        with chromium.new_context(
            base_url=org.url, color_scheme=scheme, viewport={"width": width, "height": 700}, bypass_csp=True
        ) as context:
            page = context.new_page()
            for target in targets:
                page.goto(target)
                result = Axe().run(page)
                looked += len(result.response["passes"])
                if result.violations_count:
                    found[target, width] = result.generate_report()
                # Nothing but a table is wider than the window (WCAG 2.2, 1.4.10).
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (target, width)
    assert {} == found
    assert looked > 500
