"""Queries against a small org: what they find, in which order, and how a result is read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesforce_bulk.emulator import ids
from salesforce_bulk.emulator.schema import Field, Schema
from salesforce_bulk.emulator.soql import Column, compile_query, parse
from salesforce_bulk.emulator.store import Store

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
SCHEMA = Schema.standard().with_field("Account", Field("Exact__c", "string", case_sensitive=True, unique=True))

A, B, C, D, E = (ids.to18(f"001Lo000000AAa{last}") for last in "abcde")
USER, LEAD, CONTACT = ids.to18("005Lo000000UUU1"), ids.to18("00QLo000000LLL1"), ids.to18("003Lo000000CCC1")
CASE, EVENT = ids.to18("500Lo000000CCC1"), ids.to18("00ULo000000EEE1")
GROUP = ids.to18("00GLo000000GGG1")
T1, T2, T3 = (ids.to18(f"00TLo000000TTT{number}") for number in "123")


def ms(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp() * 1000)


ACCOUNTS = [
    {"Id": A, "Name": "Acme", "Industry": "Energy", "Score__c": 1.5, "NumberOfEmployees": 10, "Active__c": 1,
     "Tags__c": "New;Key", "OwnerId": USER, "Founded__c": "2026-03-04", "Visited__c": ms(2026, 3, 4), "Opens__c": 32_400_000,
     "BillingCity": "Nowhere", "BillingLatitude": 1.5, "Exact__c": "Abc"},
    {"Id": B, "Name": "beta", "Industry": "energy", "Score__c": -2.0, "NumberOfEmployees": None, "Active__c": 0,
     "Tags__c": "Slow", "OwnerId": USER, "Founded__c": "2026-02-28", "Visited__c": ms(2026, 3, 3, 23), "ParentId": A,
     "Exact__c": "aBC"},
    {"Id": C, "Name": "Émile", "Industry": None, "Score__c": None, "NumberOfEmployees": 3, "Active__c": 0, "OwnerId": USER,
     "ParentId": B},
    {"Id": D, "Name": "50% off_all\\now", "Industry": "Banking", "Score__c": 1.5, "NumberOfEmployees": 0, "Active__c": 1,
     "Tags__c": "Key", "Founded__c": "2025-12-31", "Visited__c": ms(2025, 12, 31, 12), "ParentId": C},
    {"Id": E, "Name": "gone", "Industry": "Banking", "IsDeleted": 1, "Active__c": 0},
]  # fmt: skip


@pytest.fixture(scope="module")
def store():
    with Store(None, SCHEMA, lambda: NOW) as store:
        with store.writing() as connection:

            def put(table, **values):
                if table in ("Account", "Task", "Contact", "Lead"):
                    values.setdefault("IsDeleted", 0)
                columns = ", ".join(f'"{name}"' for name in values)
                marks = ", ".join("?" * len(values))
                connection.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', [*values.values()])

            put("User", Id=USER, Username="ana@example.org", LastName="Li", FirstName="Ana", IsActive=1)
            put("Group", Id=GROUP, Name="Queue")
            put("Lead", Id=LEAD, LastName="Ada", Company="X", OwnerId=GROUP)
            put("Contact", Id=CONTACT, LastName="Bo", FirstName="Cy", AccountId=A, OwnerId=USER)
            for account in ACCOUNTS:
                put("Account", **account)
            put("Task", Id=T1, Subject="one", WhoId=LEAD, WhatId=A)
            put("Task", Id=T2, Subject="two", WhoId=CONTACT)
            put("Task", Id=T3, Subject="three")
            put("Case", Id=CASE, CaseNumber="00001001", IsDeleted=0)
            put("Event", Id=EVENT, Subject="call", WhatId=CASE, IsDeleted=0)
        yield store


def rows(store: Store, text: str, *, dialect="rest", all_rows=False) -> list[tuple]:
    compiled = compile_query(parse(text), SCHEMA, dialect=dialect, all_rows=all_rows, now=NOW)
    with store.reader() as connection:
        return list(compiled.run(connection).rows)


def found(store: Store, condition: str) -> str:
    """The accounts that match, as letters: easy to read in a table."""
    letters = {A: "A", B: "B", C: "C", D: "D", E: "E"}
    text = f"SELECT Id FROM Account WHERE {condition}"
    answers = {dialect: rows(store, text, dialect=dialect) for dialect in ("rest", "bulk_csv", "bulk_json")}
    assert answers["rest"] == answers["bulk_csv"] == answers["bulk_json"]
    return "".join(letters[row[0]] for row in answers["rest"])


MATCHES = [
    # Text: case does not matter, an empty field differs from every value
    ("Name = 'ACME'", "A"),
    ("Industry = 'ENERGY'", "AB"),
    ("Industry != 'energy'", "CD"),
    ("Industry <> null", "ABD"),
    ("Industry = null", "C"),
    ("Industry = ''", "C"),
    ("Industry > 'c'", "AB"),
    ("Name = 'éMILE'", "C"),
    ("Name IN ('émile', 'Acme')", "AC"),
    ("Name > 'f'", "C"),
    ("Exact__c = 'Abc'", "A"),
    ("Exact__c IN ('aBC', 'abc')", "B"),
    # LIKE
    ("Name LIKE 'a%'", "A"),
    ("Name LIKE '_ETA'", "B"),
    ("Name LIKE 'ÉM%'", "C"),
    ("Name LIKE '50\\% off\\_%'", "D"),
    ("Name LIKE '%\\\\now'", "D"),
    ("Name LIKE '5_\\%%'", "D"),
    ("Name LIKE 'Acm\\u0065'", "A"),
    ("(NOT Industry LIKE 'e%')", "CD"),
    # Numbers
    ("Score__c = 1.5", "AD"),
    ("Score__c != 1.5", "BC"),
    ("Score__c < 0", "B"),
    ("Score__c >= USD1.5", "AD"),
    ("NumberOfEmployees IN (10, 0, 99999999999999999999)", "AD"),
    ("NumberOfEmployees NOT IN (10)", "BCD"),
    ("NumberOfEmployees NOT IN (10, null)", "CD"),
    ("NumberOfEmployees = 1e1", "A"),
    (f"NumberOfEmployees IN (3, 1e999, -{'9' * 5_000})", "C"),
    (f"NumberOfEmployees < {'9' * 5_000}", "ACD"),
    # Booleans: null means false
    ("Active__c = TRUE", "AD"),
    ("Active__c != true", "BC"),
    ("Active__c = null", "BC"),
    ("Active__c IN (TRUE)", "AD"),
    # Multi-select picklists
    ("Tags__c INCLUDES ('key')", "AD"),
    ("Tags__c INCLUDES ('New;Key', 'Slow')", "AB"),
    ("Tags__c EXCLUDES ('Key')", "BC"),
    ("Tags__c = 'key;new'", "A"),
    ("Tags__c IN ('Key;New', 'Slow')", "AB"),
    ("Tags__c != 'Slow'", "ACD"),
    # Dates and times
    ("Founded__c = 2026-03-04", "A"),
    ("Founded__c < 2026-01-01", "D"),
    ("Founded__c = TODAY", "A"),
    ("Founded__c = LAST_MONTH", "B"),
    ("Founded__c != LAST_MONTH", "ACD"),
    ("Founded__c > LAST_MONTH", "A"),
    ("Founded__c >= LAST_MONTH", "AB"),
    ("Founded__c < LAST_MONTH", "D"),
    ("Founded__c <= LAST_MONTH", "BD"),
    ("Founded__c IN (TODAY, 2025-12-31)", "AD"),
    ("Founded__c NOT IN (THIS_YEAR)", "CD"),
    ("Visited__c = TODAY", "A"),
    ("Visited__c = YESTERDAY", "B"),
    ("Visited__c = LAST_N_DAYS:1", "AB"),
    ("Visited__c = 2026-03-04T01:00:00+01:00", "A"),
    ("Visited__c < 2026-03-03T23:00:01Z", "BD"),
    ("Opens__c = 09:00:00Z", "A"),
    ("CALENDAR_YEAR(Visited__c) = 2025", "D"),
    ("DAY_ONLY(convertTimezone(Visited__c)) = 2026-03-03", "B"),
    ("CALENDAR_QUARTER(Founded__c) = 4 OR DAY_IN_WEEK(Founded__c) = 4", "AD"),
    # Ids of 15 and 18 characters; 15 are case-sensitive
    (f"Id = '{A}'", "A"),
    (f"Id = '{A[:15]}'", "A"),
    (f"Id = '{A.lower()}'", "A"),
    (f"Id = '{A[:14]}A'", ""),
    (f"Id IN ('{A[:15]}', '{C}')", "AC"),
    (f"Id >= '{B[:15]}' AND Id < '{D[:15]}'", "BC"),
    (f"Id >= {B[:15]} AND Id < {D[:15]}", "BC"),
    ("Id >= 001000000000000 AND Id < 001zzzzzzzzzzzz", "ABCD"),
    ("ParentId != null", "BCD"),
    # Parents
    ("Parent.Name = 'acme'", "B"),
    ("Parent.Parent.Name = 'acme'", "C"),
    ("Parent.Parent.Parent.Name = 'acme'", "D"),
    ("Parent.Name = null", "A"),
    ("Parent.Name != 'acme'", "ACD"),
    ("Account.Parent.Name LIKE 'b%'", "C"),
    ("Parent.Active__c = false", "ACD"),
    # Semi-joins and anti-joins
    ("Id IN (SELECT AccountId FROM Contact)", "A"),
    ("Id NOT IN (SELECT AccountId FROM Contact)", "BCD"),
    ("ParentId IN (SELECT Id FROM Account WHERE Industry = 'energy')", "BC"),
    ("ParentId NOT IN (SELECT Id FROM Account WHERE Parent.Name = 'Acme')", "ABD"),
    # Logic
    ("Active__c = TRUE AND (Score__c > 0 OR Industry = 'x')", "AD"),
    ("(NOT (Industry = 'Energy' OR Active__c = TRUE))", "C"),
    ("(NOT Score__c > 0)", "BC"),
    ("(NOT (NOT Score__c > 0))", "AD"),
    ("Score__c > null", ""),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "expected"), MATCHES)
def test_what_a_condition_finds(store, condition, expected):
    """The accounts in the order of their ids; all dialects agree; the deleted one stays away."""
    assert found(store, condition) == expected


ANSWERS = [
    ("SELECT Id FROM Account a WHERE a.Name = 'acme' AND Account.Id != null", [(A,)]),
    ("SELECT Name FROM Account ORDER BY Name", [("50% off_all\\now",), ("Acme",), ("beta",), ("Émile",)]),
    ("SELECT Score__c, Name FROM Account ORDER BY Score__c DESC, Name",
     [(None, "Émile"), (1.5, "50% off_all\\now"), (1.5, "Acme"), (-2.0, "beta")]),
    ("SELECT Name FROM Account ORDER BY Score__c NULLS LAST LIMIT 1", [("beta",)]),
    ("SELECT Name FROM Account ORDER BY Parent.Name NULLS LAST LIMIT 2", [("beta",), ("Émile",)]),
    ("SELECT Name FROM Account LIMIT 1 OFFSET 1", [("beta",)]),
    ("SELECT Name FROM Account LIMIT 0", []),
    ("SELECT Active__c, Opens__c FROM Account LIMIT 2", [(True, 32_400_000), (False, None)]),
    ("SELECT Parent.Name, Parent.Parent.Active__c FROM Account",
     [(None, None), ("Acme", None), ("beta", True), ("Émile", False)]),
    ("SELECT toLabel(Industry), convertCurrency(AnnualRevenue) FROM Account LIMIT 1", [("Energy", None)]),
    ("SELECT BillingAddress FROM Account LIMIT 2",
     [({"city": "Nowhere", "country": None, "geocodeAccuracy": None, "latitude": 1.5, "longitude": None, "postalCode": None,
        "state": None, "street": None},), (None,)]),
    ("SELECT Who.Name, Who.Type, What.Name, What.Type, Who.Id FROM Task",
     [("Ada", "Lead", "Acme", "Account", LEAD), ("Cy Bo", "Contact", None, None, CONTACT), (None,) * 5]),
    ("SELECT Id FROM Task WHERE Who.Type = 'contact' AND Who.FirstName = 'cy'", [(T2,)]),
    ("SELECT What.Name, What.Type FROM Event", [("00001001", "Case")]),
    ("SELECT COUNT(Id) n, Active__c name FROM Account GROUP BY Active__c ORDER BY name DESC, n", [(2, True), (2, False)]),
    (f"SELECT Name FROM Account LIMIT {'9' * 5_000} OFFSET 3", [("50% off_all\\now",)]),
    ("SELECT Owner.Name, Owner.Type, Owner.Email FROM Lead", [("Queue", "Group", None)]),
    ("SELECT COUNT() FROM Account", [(4,)]),
    ("SELECT COUNT() FROM Account WHERE Active__c = TRUE LIMIT 1", [(1,)]),
    ("SELECT COUNT() FROM Contact c, c.Account a WHERE a.Name = 'acme'", [(1,)]),
    ("SELECT COUNT(Id), COUNT(Score__c) n, SUM(Score__c), MIN(Founded__c), MAX(Visited__c) FROM Account",
     [(4, 3, 1.0, "2025-12-31", ms(2026, 3, 4))]),
    ("SELECT Active__c, COUNT(Id), AVG(Score__c) FROM Account GROUP BY Active__c ORDER BY COUNT(Id), Active__c",
     [(False, 2, -2.0), (True, 2, 1.5)]),
    ("SELECT CALENDAR_YEAR(Founded__c), COUNT(Id) n FROM Account GROUP BY CALENDAR_YEAR(Founded__c) HAVING COUNT(Id) > 1",
     [(2026, 2)]),
    ("SELECT Parent.Name FROM Account WHERE Parent.Name != null GROUP BY Parent.Name HAVING Parent.Name LIKE 'a%'",
     [("Acme",)]),
    ("SELECT COUNT_DISTINCT(Score__c) FROM Account", [(2,)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ANSWERS)
def test_what_a_query_answers(store, text, expected):
    """Order, bounds, parents, counts and groups."""
    assert rows(store, text) == expected


def test_deleted_records_come_only_when_asked_for(store):
    """queryAll sees the recycle bin, and so do the conditions on it."""
    assert rows(store, "SELECT Name, IsDeleted FROM Account WHERE IsDeleted = TRUE", all_rows=True) == [("gone", True)]
    assert rows(store, "SELECT Name, IsDeleted FROM Account WHERE IsDeleted = TRUE") == []


def test_columns_are_spelled_as_the_schema_spells_them():
    """Whatever the case of the query; an aggregate has its alias or a number."""
    compiled = compile_query(
        parse("select ID, parent.OWNER.name from ACCOUNT"), SCHEMA, dialect="bulk_csv", all_rows=False, now=NOW
    )
    counted = compile_query(
        parse("SELECT MAX(Score__c), Parent.Name, COUNT(Id) n, COUNT(Name) FROM Account GROUP BY Parent.Name"),
        SCHEMA,
        dialect="rest",
        all_rows=False,
        now=NOW,
    )

    assert [column.name for column in compiled.columns] == ["Id", "Parent.Owner.Name"]
    assert compiled.root.name == "Account"
    assert [column.name for column in counted.columns] == ["expr0", "Name", "n", "expr1"]
    assert [column.type for column in counted.columns] == ["double", "string", "int", "int"]
    assert counted.aggregate
    assert counted.record_id is None


def test_a_record_tells_its_parents_and_their_objects(store):
    """JSON needs the object of every parent, and whether there is one."""
    query = parse("SELECT Subject, Who.Name, What.Name, Owner.Profile.Name FROM Task")
    compiled = compile_query(query, SCHEMA, dialect="bulk_json", all_rows=False, now=NOW)
    with store.reader() as connection:
        records = list(compiled.run(connection).records)

    who, what, owner, profile = compiled.parents
    assert [parent.path for parent in compiled.parents] == [("Who",), ("What",), ("Owner",), ("Owner", "Profile")]
    assert [record[compiled.record_id] for record in records] == [T1, T2, T3]
    assert [who.id(record) for record in records] == [LEAD, CONTACT, None]
    assert [(o := who.sobject(record)) and o.name for record in records] == ["Lead", "Contact", None]
    assert [(o := what.sobject(record)) and o.name for record in records] == ["Account", None, None]
    assert [owner.id(record) or profile.id(record) for record in records] == [None] * 3


def test_two_queries_on_one_connection(store):
    """The second may start before the first is read to its end."""
    compiled = compile_query(parse("SELECT Id FROM Account"), SCHEMA, dialect="rest", all_rows=False, now=NOW)
    with store.reader() as connection:
        first = compiled.run(connection).rows
        assert next(first) == (A,)
        assert len(list(compiled.run(connection).rows)) == 4
        assert len(list(first)) == 3


def test_a_file_column_tells_whose_file_it_is(store):
    """REST shows a path to the body, never the bytes."""
    compiled = compile_query(parse("SELECT Body FROM Attachment"), SCHEMA, dialect="rest", all_rows=False, now=NOW)

    assert compiled.columns == (Column(("Body",), "base64", SCHEMA.object("Attachment").field("Body")),)
    assert rows(store, "SELECT Body FROM Attachment") == []


def test_fields_are_expanded(store):
    """FIELDS(STANDARD) in bulk leaves out what bulk cannot carry; FIELDS(ALL) has everything."""
    every = compile_query(
        parse("SELECT FIELDS(ALL) FROM Account LIMIT 200"), SCHEMA, dialect="rest", all_rows=False, now=NOW
    )
    custom = compile_query(
        parse("SELECT Id, FIELDS(CUSTOM) FROM Account LIMIT 9"), SCHEMA, dialect="rest", all_rows=False, now=NOW
    )
    bulk = compile_query(
        parse("SELECT FIELDS(STANDARD) FROM Account"), SCHEMA, dialect="bulk_csv", all_rows=False, now=NOW
    )

    assert len(SCHEMA.object("Account").fields) == len(every.columns)
    assert all(column.field.custom for column in custom.columns[1:])
    assert {"BillingAddress", "ShippingAddress"} == {c.name for c in every.columns if not c.field.custom} - {
        c.name for c in bulk.columns
    }


def test_ten_thousand_ids_and_five_thousand_conditions(store):
    """No limit of SQLite is met: a list is one parameter, a chain of conditions is a shallow tree."""
    wanted = ", ".join(f"'001{number:012d}'" for number in range(10_000))
    many = " OR ".join(f"Name = 'n{number}'" for number in range(5_000))

    assert found(store, f"Id IN ({wanted}, '{B}')") == "B"
    assert found(store, f"{many} OR Name = 'acme'") == "A"


# --- the logic of conditions, against Python --------------------------------------------------------------------------

LEAVES = {
    "Industry = 'energy'": lambda a: (a["Industry"] or "").lower() == "energy",
    "Industry != 'energy'": lambda a: (a["Industry"] or "").lower() != "energy",
    "Industry = null": lambda a: a["Industry"] is None,
    "Score__c > 0": lambda a: a["Score__c"] is not None and a["Score__c"] > 0,
    "Score__c <= 1.5": lambda a: a["Score__c"] is not None and a["Score__c"] <= 1.5,
    "NumberOfEmployees NOT IN (3, 10)": lambda a: a["NumberOfEmployees"] not in (3, 10),
    "Tags__c EXCLUDES ('Key')": lambda a: "Key" not in (a.get("Tags__c") or ""),
    "Active__c = TRUE": lambda a: bool(a["Active__c"]),
}


def _branches(inner):
    return st.one_of(
        st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=4)),
        st.tuples(st.just("NOT"), inner),
    )


TREES = st.recursive(st.sampled_from(sorted(LEAVES)), _branches, max_leaves=12)


def written(tree, outermost=True) -> str:
    if isinstance(tree, str):
        return tree
    word, inner = tree
    text = f"NOT {written(inner, False)}" if word == "NOT" else f" {word} ".join(written(part, False) for part in inner)
    return text if outermost else f"({text})"


def holds(tree, account) -> bool:
    if isinstance(tree, str):
        return LEAVES[tree](account)
    word, inner = tree
    if word == "NOT":
        return not holds(inner, account)
    return (all if word == "AND" else any)(holds(part, account) for part in inner)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(TREES)
def test_conditions_against_python(store, tree):
    """AND, OR, NOT and parentheses, over fields that may be empty: the records that Python's own logic finds."""
    expected = [(account["Id"],) for account in ACCOUNTS[:4] if holds(tree, account)]

    assert rows(store, f"SELECT Id FROM Account WHERE {written(tree)}") == expected
