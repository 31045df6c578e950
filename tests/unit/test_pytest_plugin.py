"""The fixtures ``local_org`` and ``sf``, as the tests of somebody else have them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import salesforce_bulk
from salesforce_bulk import Org
from salesforce_bulk.emulator import Field, LocalOrg, Schema, SObject

pytest_plugins = ["pytester"]

PLUGIN = ("-p", "salesforce_bulk.pytest_plugin")


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """For those other pytests, wherever they run."""
    monkeypatch.setenv("PYTHONPATH", str(Path(salesforce_bulk.__file__).parents[1]))


def run(pytester: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    """Tests in a folder of their own, run by a pytest of their own."""
    pytester.makepyfile(source)
    return pytester.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider", *arguments)


def test_a_reset_while_fetching_a_page_costs_one_more_request(local_org, sf):
    """A page is fetched again from its locator; no row is lost or doubled."""
    local_org.holds("Account", 2_500)
    local_org.faults.plan("query.results", "reset-after-64k", times=1)

    table = sf.query("SELECT Id FROM Account", page_rows=1_000).to_arrow()

    assert 2_500 == table.num_rows
    assert 4 == local_org.requests("query.results")


# --- new for each test ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_has_a_new_org(local_org: LocalOrg, sf: Org, time: str) -> None:
    """Records, jobs, counts, limits, options, faults and the clock are those of a new org, whatever the test before did."""
    assert [] == local_org.rows("SELECT Id FROM Account")
    assert [] == sf.jobs()
    assert 0 == local_org.requests("ingest.create_job")
    assert 15_000 == local_org.limits.bulk_batches.remaining
    assert 50_000 == local_org.bulk2.page_rows
    assert [] == local_org.faults.met
    assert repr(local_org.clock).startswith("<Clock running")

    local_org.faults.plan("ingest.get_job", "503")
    assert 3 == sf.insert("Account", [{"Name": f"A{n}"} for n in range(3)], api="bulk2").succeeded
    local_org.bulk2.page_rows = 7
    local_org.limits.bulk_batches.use(9)
    local_org.clock.pause()
    local_org.clock.advance(86_400)

    assert 1 == local_org.requests("ingest.create_job")
    assert ["A0", "A1", "A2"] == [row["Name"] for row in local_org.rows("SELECT Name FROM Account ORDER BY Name")]


def test_a_fault_that_nobody_met_fails_the_test(pytester: pytest.Pytester) -> None:
    """And only this test: the next one has a new org."""
    result = run(
        pytester,
        """
        def test_first(local_org):
            local_org.faults.plan("query.results", "503")

        def test_second(local_org):
            assert not local_org.faults.unmet()
        """,
    )

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["E *AssertionError: Planned and not met: query2.results 503: met 0 of 1"])


def test_runs_of_sf_are_kept_apart(sf: Org) -> None:
    """Not among those of whoever runs the tests; and each test has its own."""
    assert [] == sf.runs()
    result = sf.insert("Account", [{"Name": "A"}])
    assert [result.run_id] == [run.run_id for run in sf.runs()]


def test_sf_renews_its_session(local_org: LocalOrg, sf: Org) -> None:
    """As a client with a login does; not as one with a token, which ends with the token."""
    local_org.holds("Account", 1)
    sf.describe("Account")
    local_org.expire_sessions()

    assert 1 == len(list(sf.query("SELECT Id FROM Account")))


def test_the_tests_of_the_guide_pass(pytester: pytest.Pytester) -> None:
    """docs/local-org.md: all its blocks that hold tests."""
    guide = (Path(__file__).parents[2] / "docs" / "local-org.md").read_text("utf-8")
    blocks = [block for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) if "def test_" in block]

    result = run(pytester, "\n".join(blocks))

    result.assert_outcomes(passed=8)


# --- the schema -------------------------------------------------------------------------------------------------------

PLANETS = [
    {
        "name": "Planet__c",
        "label": "Planet",
        "labelPlural": "Planets",
        "keyPrefix": "a0P",
        "fields": [
            {"name": "Id", "type": "id", "nillable": False, "createable": False, "updateable": False},
            {"name": "Name", "type": "string", "length": 80, "nameField": True},
            {"name": "Moons__c", "type": "int", "nillable": False, "digits": 3},
        ],
    }
]

KNOWS_PLANETS = """
    def test_planets(local_org):
        assert None is local_org.schema.object("Account")
        local_org.holds("Planet__c", 2)
        assert [0, 1] == [row["Moons__c"] for row in local_org.rows("SELECT Moons__c FROM Planet__c ORDER BY Moons__c")]
"""


def test_an_option_names_the_schema(pytester: pytest.Pytester) -> None:
    """Relative to where pytest was called; it goes before the setting."""
    pytester.makefile(".json", planets=json.dumps(PLANETS))
    pytester.makeini("[pytest]\nlocal_org_schema = nowhere.json")

    run(pytester, KNOWS_PLANETS, "--local-org-schema", "planets.json").assert_outcomes(passed=1)


def test_a_setting_names_the_schema(pytester: pytest.Pytester) -> None:
    """Relative to the file in which it stands, wherever pytest was called. One describe answer will do as well as a list."""
    folder = pytester.mkdir("below")
    pytester.makefile(".json", planets=json.dumps(PLANETS[0]))
    pytester.makeini("[pytest]\nlocal_org_schema = planets.json")
    pytester.makepyfile(**{"below/test_planets": KNOWS_PLANETS})

    pytester.chdir()
    result = pytester.runpytest_subprocess(*PLUGIN, "--rootdir", str(pytester.path), str(folder))
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "*schema.json holds no JSON: *"),
        ("[7]", "*schema.json holds no describe answers: number 1 has no 'name'"),
        ('[{"name": "X"}]', "*schema.json holds no describe answers: number 1 has no 'fields'"),
    ],
)
def test_a_schema_that_cannot_be_used_is_an_error_of_the_test(
    pytester: pytest.Pytester, content: str, told: str
) -> None:
    """Which names the file and what is wrong with it."""
    pytester.makefile(".json", schema=content)

    result = run(pytester, "def test_it(local_org): pass", "--local-org-schema", "schema.json")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"E *ValueError: {told}"])


# --- beside other plugins ---------------------------------------------------------------------------------------------


def test_a_run_that_asks_for_no_fixture_loads_neither_client_nor_local_org(pytester: pytest.Pytester) -> None:
    """Every pytest of an environment that has the package loads the plugin: it must cost next to nothing."""
    result = run(
        pytester,
        """
        import sys

        def test_what_is_loaded():
            ours = {name for name in sys.modules if name.startswith("salesforce_bulk")}
            assert {"salesforce_bulk", "salesforce_bulk.__version__", "salesforce_bulk.pytest_plugin"} == ours
            assert not {"h11", "lark", "httpx2", "sqlite3", "pyarrow"} & set(sys.modules)
        """,
    )

    result.assert_outcomes(passed=1)


def test_two_workers_have_an_org_each(pytester: pytest.Pytester) -> None:
    """With pytest-xdist."""
    pytest.importorskip("xdist")
    result = run(
        pytester,
        """
        import os, pathlib, pytest

        @pytest.mark.parametrize("n", range(8))
        def test_it(local_org, n):
            assert [] == local_org.rows("SELECT Id FROM Account")
            local_org.holds("Account", n)
            with open(f"url-{os.environ['PYTEST_XDIST_WORKER']}", "a") as file:
                file.write(local_org.url + "\\n")
        """,
        "-n",
        "2",
    )

    result.assert_outcomes(passed=8)
    told = {path.name: set(path.read_text().split()) for path in pytester.path.glob("url-*")}
    assert ["url-gw0", "url-gw1"] == sorted(told)
    assert [1, 1] == [len(urls) for urls in told.values()]
    assert 2 == len(set.union(*told.values()))


def test_coverage_of_the_users_own_code_is_counted(pytester: pytest.Pytester) -> None:
    """With pytest-cov: code that runs in a test with the fixtures is seen as covered."""
    pytest.importorskip("pytest_cov")
    pytester.makepyfile(mine="def load(sf):\n    return sf.insert('Account', [{'Name': 'A'}]).succeeded\n")

    result = run(
        pytester,
        """
        from mine import load

        def test_it(sf):
            assert 1 == load(sf)
        """,
        "--cov=mine",
        "--cov-report=term",
    )

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["mine.py * 2 * 0 * 100%*"])


def test_fixtures_of_ones_own_go_first(pytester: pytest.Pytester) -> None:
    """Who has a fixture called ``sf`` already keeps it."""
    pytester.makeconftest("import pytest\n\n@pytest.fixture\ndef sf():\n    return 'mine'")

    run(pytester, "def test_it(sf):\n    assert 'mine' == sf").assert_outcomes(passed=1)


def test_without_the_extra_the_error_says_what_to_install(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import sys\n\nsys.modules['h11'] = None")

    result = run(pytester, "def test_it(local_org): pass")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "E *ImportError: The fixture local_org needs h11, which is not installed. "
            "Install it with: pip install 'salesforce-bulk?local?'"
        ]
    )


def test_the_entry_point_and_the_option_name_the_same_plugin() -> None:
    """pytest refuses a plugin that is there twice under two names."""
    import tomllib

    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))

    assert {PLUGIN[1]: PLUGIN[1]} == settings["project"]["entry-points"]["pytest11"]


# --- records made up --------------------------------------------------------------------------------------------------


def test_a_number_of_records_of_any_object_can_be_made_up(local_org: LocalOrg) -> None:
    """With what the object requires, parents too; but for those of which the org makes its own."""
    made = {sobject.name: local_org.holds(sobject.name, 3) for sobject in local_org.schema if sobject.createable}

    assert {3} == {len(ids) for ids in made.values()}
    assert {"Account", "Attachment", "CampaignMember", "PricebookEntry", "User"} <= set(made)
    [line] = local_org.rows("SELECT Quantity, Opportunity.Name FROM OpportunityLineItem WHERE Quantity = 2")
    assert {"Quantity": 2.0, "Opportunity": {"Name": "Opportunity 0"}} == line
    [user] = local_org.rows("SELECT Username, Alias, Profile.Name FROM User WHERE Alias = 'User 1'")
    assert ("someone1@example.com", {"Name": "System Administrator"}) == (user["Username"], user["Profile"])


def test_names_go_on_counting(local_org: LocalOrg) -> None:
    """No two records that are made up are alike; after a reset, it begins anew."""
    local_org.holds("Account", 2)
    local_org.holds("Account", 1)
    names = [row["Name"] for row in local_org.rows("SELECT Name FROM Account ORDER BY Name")]
    local_org.reset()
    local_org.holds("Account", 1)

    assert ["Account 0", "Account 1", "Account 2"] == names
    assert ["Account 0"] == [row["Name"] for row in local_org.rows("SELECT Name FROM Account")]


def test_an_object_that_is_not_there_is_an_error(local_org: LocalOrg) -> None:
    with pytest.raises(ValueError) as told:
        local_org.holds("Accuont", 1)

    assert "There is no object Accuont in the schema of this org." == str(told.value)


def of_nested(*fields: Field) -> LocalOrg:
    """An org with an object Nested__c, which has *fields* beside its name."""
    return LocalOrg(schema=Schema.standard().with_object(SObject.define("Nested__c", "a0N", fields)))


def test_what_is_made_up_fits() -> None:
    """However short a text or a number may be, no two are alike."""
    fields = [
        Field("Code__c", nillable=False, unique=True, length=4),
        Field("Digit__c", "int", nillable=False, digits=1),
        Field("At__c", "time", nillable=False),
        Field("Site__c", "url", nillable=False),
        Field("Kind__c", "picklist", nillable=False, picklist_values=("B", "A"), restricted_picklist=True),
    ]
    with of_nested(*fields) as org:
        org.holds("Nested__c", 12)
        rows = org.rows("SELECT Code__c, Digit__c, At__c, Site__c, Kind__c FROM Nested__c ORDER BY Id")

    assert ["N 10", "N 11"] == [row["Code__c"] for row in rows[10:]]
    assert [8, 9, 0, 1] == [row["Digit__c"] for row in rows[8:]]
    assert {"At__c": 43_200_000, "Site__c": "https://example.com/11", "Kind__c": "B"}.items() <= rows[11].items()


def test_an_object_that_needs_one_of_itself_cannot_be_made_up() -> None:
    """But given it can be."""
    with of_nested(Field("Above__c", "reference", nillable=False, reference_to=("Nested__c",))) as org:
        with pytest.raises(ValueError) as told:
            org.holds("Nested__c", 1)

    assert "Nested__c needs a Nested__c in Above__c, which cannot be made up: give the rows." == str(told.value)


# --- how it feels -----------------------------------------------------------------------------------------------------


def test_the_plugin_is_loaded_without_a_fixture_in_sight() -> None:
    """``python -X importtime``: of ours only three modules, and of others none that pytest does not have already."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, pytest; had = set(sys.modules); import salesforce_bulk.pytest_plugin;"
            "print(sorted(name for name in set(sys.modules) - had))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "['salesforce_bulk', 'salesforce_bulk.__version__', 'salesforce_bulk.pytest_plugin']" == done.stdout.strip()
