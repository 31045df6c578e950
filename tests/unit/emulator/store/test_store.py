"""The store: what becomes of rows, one by one and together. A real database each time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesforce_bulk.emulator.schema import Field, Schema, SObject
from salesforce_bulk.emulator.schema.describe import describe
from salesforce_bulk.emulator.store import MISSING, NULL, Cell, ColumnNotFound, RowError, SaveResult, Store

NOW = datetime(2026, 11, 2, 9, 15, 27, 480_000, tzinfo=UTC)
NOW_MS = 1_793_610_927_000
WIDGET = SObject.define(
    "Widget__c", "a0W", [Field("Loose__c", external_id=True), Field("Exact__c", unique=True, case_sensitive=True)]
)
SCHEMA = Schema.standard().with_object(WIDGET)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store(None, SCHEMA, lambda: NOW) as opened:
        yield opened


def apply(
    store: Store, operation: str, sobject: str, columns: str, *rows: Sequence[Cell], external_id: str | None = None
) -> list[SaveResult]:
    known = store.schema.object(sobject)
    assert known is not None
    return store.prepare(operation, known, columns.split(), external_id=external_id).apply(rows)


def make(store: Store, sobject: str, columns: str, *rows: Sequence[Cell]) -> list[str]:
    results = apply(store, "insert", sobject, columns, *rows)
    assert [result.errors for result in results] == [()] * len(rows)
    return [result.id for result in results if result.id]


def error(results: list[SaveResult]) -> RowError:
    (result,) = results
    assert not result.success
    assert not result.created
    (only,) = result.errors
    return only


def select(store: Store, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    with store.reader() as connection:
        return connection.execute(sql, parameters).fetchall()


# -- insert


def test_an_insert_fills_in_what_the_org_knows(store: Store) -> None:
    """Owner, stamps and defaults; a stamp has whole seconds."""
    (id18,) = make(store, "Account", "Name", ("Acme",))
    assert id18 == "001Lo0000000001IAA"
    assert select(
        store,
        "SELECT Name, OwnerId, CreatedById, LastModifiedById, CreatedDate, LastModifiedDate, SystemModstamp, IsDeleted, "
        "Active__c, Phone FROM Account",
    ) == [("Acme", store.user.id, store.user.id, store.user.id, NOW_MS, NOW_MS, NOW_MS, 0, 0, None)]


def test_every_type_has_its_column(store: Store) -> None:
    """Text, numbers, dates and moments as the store's docstring says."""
    make(
        store,
        "account",
        "name ANNUALREVENUE NumberOfEmployees Active__c Founded__c Visited__c Opens__c Tags__c",
        ("Acme", "1.5E8", "42", "TRUE", "2026-11-02Z", "2026-11-02T09:15:27.480+02:00", "09:15:27.000Z", "New;Key"),
    )
    assert select(
        store,
        "SELECT AnnualRevenue, NumberOfEmployees, Active__c, Founded__c, Visited__c, Opens__c, Tags__c FROM Account",
    ) == [(1.5e8, 42, 1, "2026-11-02", NOW_MS + 480 - 7_200_000, 33_327_000, "New;Key")]


def test_ids_ascend_over_transactions(store: Store) -> None:
    """The order of ids is the order of rows, through several transactions of 200."""
    made = make(store, "Account", "Name", *[(f"A{number}",) for number in range(501)])
    assert made == sorted(set(made))
    assert select(store, "SELECT Name FROM Account ORDER BY Id") == [(f"A{number}",) for number in range(501)]


def test_one_bad_row_does_not_undo_the_others(store: Store) -> None:
    """Partial success: each row has its own result, in order."""
    results = apply(
        store, "insert", "Contact", "LastName Email", ("A", MISSING), (MISSING, MISSING), ("C", "x"), ("D", MISSING)
    )
    assert [result.success for result in results] == [True, False, False, True]
    assert [result.id is None for result in results] == [False, True, True, False]
    assert select(store, "SELECT LastName FROM Contact ORDER BY Id") == [("A",), ("D",)]


@pytest.mark.parametrize("cell", [MISSING, NULL, ""])
def test_a_required_field_must_have_a_value(store: Store, cell: Cell) -> None:
    """Empty, null and the empty text are all no value."""
    assert error(apply(store, "insert", "Contact", "LastName", (cell,))) == RowError(
        "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ("LastName",)
    )


def test_all_missing_fields_are_named_at_once(store: Store) -> None:
    """Those without a column too."""
    assert error(apply(store, "insert", "Opportunity", "Name Amount", (MISSING, "5"))) == RowError(
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [Name, StageName, CloseDate]",
        ("Name", "StageName", "CloseDate"),
    )


def test_a_null_takes_the_default_only_where_a_value_must_be(store: Store) -> None:
    """Case.Priority may be emptied, Lead.Status may not."""
    make(store, "Case", "Subject Priority", ("a", NULL), ("b", MISSING))
    assert select(store, 'SELECT Priority FROM "Case" ORDER BY Id') == [(None,), ("Medium",)]
    make(store, "Lead", "LastName Company Status", ("a", "b", NULL))
    assert select(store, "SELECT Status FROM Lead") == [("Open - Not Contacted",)]


def test_an_id_cannot_be_given_to_a_new_record(store: Store) -> None:
    """The column is allowed, a value in it is not."""
    results = apply(store, "insert", "Account", "Id Name", (MISSING, "a"), ("001Lo0000000001IAA", "b"))
    assert [result.success for result in results] == [True, False]
    assert results[1].errors == (
        RowError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ("Id",)),
    )


def test_the_org_works_out_names_and_stages(store: Store) -> None:
    """Generated columns follow every change."""
    (contact,) = make(store, "Contact", "FirstName LastName", ("Ines", "Okafor"))
    make(store, "Opportunity", "Name StageName CloseDate", ("o", "Closed Won", "2026-11-02"))
    assert select(store, "SELECT Name FROM Contact") == [("Ines Okafor",)]
    assert select(store, "SELECT IsWon, IsClosed, ForecastCategory, Fiscal FROM Opportunity") == [
        (1, 1, "Closed", "2026 4")
    ]
    apply(store, "update", "Contact", "Id FirstName", (contact, NULL))
    assert select(store, "SELECT Name FROM Contact") == [("Okafor",)]


def test_cases_are_numbered(store: Store) -> None:
    """From 00001000 on."""
    make(store, "Case", "Subject", ("a",), ("b",))
    assert select(store, 'SELECT CaseNumber FROM "Case" ORDER BY Id') == [("00001000",), ("00001001",)]


def test_a_binary_knows_its_length(store: Store) -> None:
    """Bytes as they come out of a ZIP batch."""
    (account,) = make(store, "Account", "Name", ("a",))
    make(store, "Attachment", "ParentId Name Body", (account, "a.bin", b"\x00\xff\x00"))
    assert select(store, "SELECT Body, BodyLength FROM Attachment") == [(b"\x00\xff\x00", 3)]


def test_a_checkbox_cannot_be_emptied(store: Store) -> None:
    """It is true or false."""
    assert error(apply(store, "insert", "Account", "Name Active__c", ("a", NULL))) == RowError(
        "INVALID_TYPE_ON_FIELD_IN_RECORD", "Active: value not of required type: ", ("Active__c",)
    )


def test_what_is_unreadable_names_its_column(store: Store) -> None:
    """Counted from 0 (field-notes.md B 4.3)."""
    columns = "Name StageName Amount CloseDate"
    assert error(apply(store, "insert", "Opportunity", columns, ("o", "Prospecting", "5", "x"))) == RowError(
        "INVALID_FIELD",
        "Failed to deserialize field at col 3. Due to, 'x' is not a valid value for the type xsd:date",
        ("CloseDate",),
    )


def test_the_message_of_a_long_text(store: Store) -> None:
    """The label, the value and the limit."""
    assert error(apply(store, "insert", "Account", "Name", ("x" * 256,))) == RowError(
        "STRING_TOO_LONG", f"Account Name: data value too large: {'x' * 256} (max length=255)", ("Name",)
    )


def test_the_message_of_a_restricted_picklist(store: Store) -> None:
    """Colour__c is restricted; Industry is not."""
    assert error(apply(store, "insert", "Account", "Name Colour__c", ("a", "Purple"))) == RowError(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value for restricted picklist field: Purple", ("Colour__c",)
    )
    make(store, "Account", "Name Industry", ("a", "Alchemy"))


def test_a_short_row_lacks_its_last_cells(store: Store) -> None:
    """As if they were empty."""
    make(store, "Account", "Name Phone Site", ("a",))
    assert select(store, "SELECT Name, Phone FROM Account") == [("a", None)]


def test_a_row_refused_beforehand_keeps_its_place(store: Store) -> None:
    """Whoever read the batch may have refused it already."""
    account = store.schema.object("Account")
    assert account is not None
    refused = RowError("INVALID_FIELD", "Too many cells")
    first, second, third = store.prepare("insert", account, ["Name"]).apply([("a",), refused, ("b",)])
    assert (first.success, third.success) == (True, True)
    assert second == SaveResult(None, False, False, (refused,))


def test_objects_that_cannot_be_made(store: Store) -> None:
    """A profile cannot be inserted over the API."""
    assert error(apply(store, "insert", "Profile", "Name", ("x",))) == RowError(
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted: Profile"
    )


def test_a_row_that_json_cannot_hold(store: Store) -> None:
    """What fails a JSON batch whole is told apart from what fails a row."""
    account = store.schema.object("Account")
    assert account is not None
    plan = store.prepare("insert", account, ["Name", "Founded__c"])
    assert plan.unreadable(("x" * 300, "2026-11-02")) is None
    assert plan.unreadable(("a", NULL)) is None
    found = plan.unreadable(("a", "soon"))
    assert found is not None
    assert found.code == "INVALID_FIELD"


# -- Columns


@pytest.mark.parametrize(
    ("operation", "sobject", "columns", "missing"),
    [
        ("insert", "Account", "Name Nmae Phnoe", "Nmae"),
        ("insert", "Account", "Name CreatedDate", "CreatedDate"),
        ("insert", "Account", "Name BillingAddress", "BillingAddress"),
        ("insert", "Contact", "Name", "Name"),
        ("insert", "Account", "\ufeffName", "\ufeffName"),
        ("insert", "Account", "Name name", "name"),
        ("insert", "Contact", "LastName Account.Name", "Account.Name"),
        ("insert", "Contact", "LastName Account.Nope", "Account.Nope"),
        ("insert", "Contact", "LastName Nope.Id", "Nope.Id"),
        ("insert", "Contact", "LastName Account:Account.Key__c", "Account:Account.Key__c"),
        ("insert", "Contact", "LastName AccountId Account.Key__c", "Account.Key__c"),
        ("insert", "Task", "Who.Email", "Who.Email"),
        ("insert", "Task", "Account:Who.Key__c", "Account:Who.Key__c"),
        ("update", "Account", "Name", "Id"),
        ("update", "OpportunityLineItem", "Id OpportunityId", "OpportunityId"),
        ("delete", "Account", "Id Name", "Name"),
        ("delete", "Account", "", "Id"),
        ("hardDelete", "Account", "Id Name", "Name"),
    ],
)
def test_columns_that_fail_the_batch(store: Store, operation: str, sobject: str, columns: str, missing: str) -> None:
    """The first one that cannot be used is named as the batch spells it."""
    with pytest.raises(ColumnNotFound) as caught:
        apply(store, operation, sobject, columns)
    assert caught.value.name == missing
    assert str(caught.value) == f"Field name not found : {missing}"


def test_an_upsert_needs_its_key_column(store: Store) -> None:
    """And a key that records can be looked up by."""
    for columns, external_id in (("Name", "Key__c"), ("Name Phone", "Phone")):
        with pytest.raises(ColumnNotFound) as caught:
            apply(store, "upsert", "Account", columns, external_id=external_id)
        assert caught.value.name == external_id


# -- Unique values


def test_unique_values(store: Store) -> None:
    """Case does not matter, and the holder is named by its 15 characters."""
    (first,) = make(store, "Account", "Name Key__c", ("a", "K-1"))
    assert error(apply(store, "insert", "Account", "Name Key__c", ("b", "k-1"))) == RowError(
        "DUPLICATE_VALUE", f"duplicate value found: Key__c duplicates value on record with id: {first[:15]}"
    )


def test_unique_values_within_a_batch(store: Store) -> None:
    """The first row gets the value."""
    results = apply(store, "insert", "Account", "Name Key__c", ("a", "\u00c9-1"), ("b", "\u00e9-1"), ("c", "\u00e9-2"))
    assert [result.success for result in results] == [True, False, True]
    holder = (results[0].id or "")[:15]
    assert results[1].errors[0].message == f"duplicate value found: Key__c duplicates value on record with id: {holder}"


def test_unique_values_that_mind_case(store: Store) -> None:
    """If the field says so."""
    make(store, "Widget__c", "Name Exact__c", ("a", "x"), ("b", "X"))
    assert error(apply(store, "insert", "Widget__c", "Exact__c", ("x",))).code == "DUPLICATE_VALUE"


def test_a_record_may_keep_its_own_unique_value(store: Store) -> None:
    """It does not collide with itself; another record's value it cannot take."""
    first, second = make(store, "Account", "Name Key__c", ("a", "K-1"), ("b", "K-2"))
    assert apply(store, "update", "Account", "Id Key__c", (first, "k-1"))[0].success
    assert error(apply(store, "update", "Account", "Id Key__c", (second, "K-1"))).code == "DUPLICATE_VALUE"


def test_a_deleted_record_gives_its_unique_value_back(store: Store) -> None:
    """The recycle bin does not hold it."""
    (first,) = make(store, "Account", "Name Key__c", ("a", "K-1"))
    apply(store, "delete", "Account", "Id", (first,))
    make(store, "Account", "Name Key__c", ("b", "K-1"))


# -- update


def test_an_update_changes_only_what_it_names(store: Store) -> None:
    """An empty cell leaves the field alone, a null empties it."""
    (id18,) = make(store, "Account", "Name Phone Site", ("a", "1", "s"))
    store.now = lambda: datetime(2026, 11, 3, tzinfo=UTC)
    assert apply(store, "update", "Account", "Id Phone Site", (id18[:15], MISSING, NULL)) == [SaveResult(id18, True)]
    assert select(store, "SELECT Name, Phone, Site, CreatedDate < SystemModstamp FROM Account") == [("a", "1", None, 1)]


def test_rows_with_different_gaps(store: Store) -> None:
    """Each row changes its own fields, and of two rows for one record the later wins."""
    first, second = make(store, "Account", "Name", ("a",), ("b",))
    rows: list[Sequence[Cell]] = [
        (first, "1", MISSING),
        (second, MISSING, "s"),
        (first, "2", "t"),
        (first, "3", MISSING),
    ]
    assert all(result.success for result in apply(store, "update", "Account", "Id Phone Site", *rows))
    assert select(store, "SELECT Phone, Site FROM Account ORDER BY Id") == [("3", "t"), (None, "s")]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (MISSING, RowError("MISSING_ARGUMENT", "Id not specified in an update call")),
        (NULL, RowError("MISSING_ARGUMENT", "Id not specified in an update call")),
        ("xyz", RowError("MALFORMED_ID", "malformed id xyz")),
        ("001x", RowError("MALFORMED_ID", "Account ID: id value of incorrect type: 001x", ("Id",))),
        (
            "003Lo0000000001IAA",
            RowError("MALFORMED_ID", "Account ID: id value of incorrect type: 003Lo0000000001IAA", ("Id",)),
        ),
        ("001Lo0000000009IAA", RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")),
    ],
)
@pytest.mark.parametrize("operation", ["update", "delete", "hardDelete"])
def test_ids_that_lead_nowhere(store: Store, operation: str, cell: Cell, expected: RowError) -> None:
    """Missing, malformed, of another object, or of no record."""
    assert error(apply(store, operation, "Account", "Id", (cell,))) == expected


@pytest.mark.parametrize("operation", ["update", "delete", "hardDelete"])
def test_a_deleted_record_is_left_alone(store: Store, operation: str) -> None:
    """It stays in the recycle bin."""
    (id18,) = make(store, "Account", "Name", ("a",))
    apply(store, "delete", "Account", "Id", (id18,))
    assert error(apply(store, operation, "Account", "Id", (id18,))) == RowError(
        "ENTITY_IS_DELETED", "entity is deleted"
    )


def test_a_failed_update_bears_its_id(store: Store) -> None:
    """As reported since API 57.0 (bulk-api-1.md U6)."""
    (id18,) = make(store, "Account", "Name", ("a",))
    assert apply(store, "update", "Account", "Id Founded__c", (id18, "soon"))[0].id == id18
    assert apply(store, "update", "Account", "Id Name", (id18, NULL))[0].id == id18


def test_a_required_field_cannot_be_emptied(store: Store) -> None:
    """By an update as little as by an insert; an owner has its own words."""
    (id18,) = make(store, "Account", "Name", ("a",))
    assert error(apply(store, "update", "Account", "Id Name", (id18, NULL))) == RowError(
        "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ("Name",)
    )
    assert error(apply(store, "update", "Account", "Id OwnerId", (id18, NULL))) == RowError(
        "INVALID_CROSS_REFERENCE_KEY", "Owner ID: owner cannot be blank", ("OwnerId",)
    )


# -- upsert


def test_an_upsert_makes_or_changes(store: Store) -> None:
    """Matched without regard to case; the key itself stays as the record has it."""
    (id18,) = make(store, "Account", "Name Key__c", ("old", "K-1"))
    changed, made, blank = apply(
        store,
        "upsert",
        "Account",
        "key__C Name",
        ("k-1", "new"),
        ("K-2", "made"),
        (MISSING, "no key"),
        external_id="KEY__C",
    )
    assert changed == SaveResult(id18, True)
    assert made.created
    assert blank.created
    rows = select(store, "SELECT Name, Key__c FROM Account ORDER BY Id")
    assert rows == [("new", "K-1"), ("made", "K-2"), ("no key", None)]


def test_an_upsert_in_the_next_transaction_finds_what_the_last_one_made(store: Store) -> None:
    """Row 200 opens a new transaction and changes the record of row 0."""
    rows = [(f"K-{number % 200}", f"n{number}") for number in range(201)]
    results = apply(store, "upsert", "Account", "Key__c Name", *rows, external_id="Key__c")
    assert [result.created for result in results] == [True] * 200 + [False]
    assert results[200].id == results[0].id


def test_a_key_twice_in_a_transaction_fails_every_row_that_has_it(store: Store) -> None:
    """The org cannot tell which of them is meant."""
    results = apply(store, "upsert", "Account", "Key__c Name", ("K", "a"), ("k", "b"), ("L", "c"), external_id="Key__c")
    assert [result.success for result in results] == [False, False, True]
    assert results[0].errors == (RowError("DUPLICATE_VALUE", "Duplicate external id specified: K", ("Key__c",)),)


def test_a_null_key(store: Store) -> None:
    """#N/A is no key (field-notes.md 43)."""
    assert error(apply(store, "upsert", "Account", "Key__c Name", (NULL, "a"), external_id="Key__c")) == RowError(
        "MISSING_ARGUMENT", "Key__c not specified", ("Key__c",)
    )


def test_a_key_that_several_records_have(store: Store) -> None:
    """An external id need not be unique."""
    first, second = make(store, "Widget__c", "Loose__c", ("x",), ("X",))
    assert error(apply(store, "upsert", "Widget__c", "Loose__c Name", ("x", "n"), external_id="Loose__c")) == RowError(
        "DUPLICATE_EXTERNAL_ID",
        f"Loose: more than one record found for external id field: [{first}, {second}]",
        ("Loose__c",),
    )


def test_an_upsert_by_id(store: Store) -> None:
    """An empty Id makes a record, a filled one must exist."""
    (id18,) = make(store, "Account", "Name", ("a",))
    changed, made, lost = apply(
        store,
        "upsert",
        "Account",
        "Id Name",
        (id18, "b"),
        (MISSING, "c"),
        ("001Lo0000000009IAA", "d"),
        external_id="Id",
    )
    assert (changed.success, changed.created) == (True, False)
    assert (made.success, made.created) == (True, True)
    assert lost.errors == (RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),)


def test_an_upsert_by_email(store: Store) -> None:
    """A standard field that can be looked up by will do."""
    make(store, "Contact", "LastName Email", ("a", "ines@example.org"))
    (result,) = apply(store, "upsert", "Contact", "Email LastName", ("INES@example.org", "b"), external_id="Email")
    assert (result.success, result.created) == (True, False)


def test_required_fields_are_asked_for_only_when_a_record_is_made(store: Store) -> None:
    """An upsert that matches needs no name."""
    make(store, "Account", "Name Key__c", ("a", "K-1"))
    changed, made = apply(store, "upsert", "Account", "Key__c Site", ("K-1", "s"), ("K-2", "s"), external_id="Key__c")
    assert changed.success
    assert made.errors == (RowError("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ("Name",)),)


def test_a_parent_for_good_cannot_be_changed_by_an_upsert(store: Store) -> None:
    """A field that only a new record takes."""
    account, other = make(store, "Account", "Name", ("a",), ("b",))
    (note,) = make(store, "Note", "Title ParentId", ("t", account))
    result = apply(store, "upsert", "Note", "Id ParentId", (note, other), external_id="Id")
    assert error(result) == RowError(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "Unable to create/update fields: ParentId. Please check the security settings of this field and verify that it is "
        "read/write for your profile or permission set.",
        ("ParentId",),
    )


# -- References


def test_a_reference_must_lead_to_a_record(store: Store) -> None:
    """Of the right object, there, and not deleted."""
    alive, deleted = make(store, "Account", "Name", ("a",), ("b",))
    apply(store, "delete", "Account", "Id", (deleted,))
    results = apply(
        store,
        "insert",
        "Contact",
        "LastName AccountId",
        ("a", alive[:15]),
        ("b", deleted),
        ("c", "001Lo0000000009IAA"),
        ("d", store.user.id),
        ("e", "nonsense"),
    )
    assert [result.errors for result in results] == [
        (),
        (RowError("ENTITY_IS_DELETED", "entity is deleted"),),
        (RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),),
        (
            RowError(
                "FIELD_INTEGRITY_EXCEPTION", f"Account ID: id value of incorrect type: {store.user.id}", ("AccountId",)
            ),
        ),
        (RowError("MALFORMED_ID", "malformed id nonsense"),),
    ]
    assert select(store, "SELECT AccountId FROM Contact") == [(alive,)]


def test_relationship_columns(store: Store) -> None:
    """A parent by its external id or its Id, in any case; empty and null as everywhere."""
    (account,) = make(store, "Account", "Name Key__c", ("a", "K-1"))
    make(store, "Thing__c", "Code__c account__R.key__c", ("x", "k-1"), ("y", MISSING), ("z", NULL))
    make(store, "Contact", "LastName Account.Id Owner.Username", ("c", account[:15], store.user.username.upper()))
    assert select(store, "SELECT Account__c FROM Thing__c ORDER BY Id") == [(account,), (None,), (None,)]
    assert select(store, "SELECT AccountId, OwnerId FROM Contact") == [(account, store.user.id)]


def test_polymorphic_relationship_columns(store: Store) -> None:
    """The object stands before the relationship."""
    make(store, "Lead", "LastName Company Email", ("l", "c", "ines@example.org"))
    make(store, "Task", "Subject Lead:Who.Email User:Owner.Id", ("Call", "ines@example.org", store.user.id))
    assert select(store, "SELECT t.Subject FROM Task t JOIN Lead l ON l.Id = t.WhoId") == [("Call",)]


def test_a_relationship_that_finds_nothing(store: Store) -> None:
    """The recorded text, without fields."""
    assert error(apply(store, "insert", "Contact", "LastName Account.Key__c", ("a", "Z-9"))) == RowError(
        "INVALID_FIELD", "Foreign key external ID: Z-9 not found for field Key__c in entity Account"
    )


def test_a_relationship_that_finds_several(store: Store) -> None:
    """All of them are named."""
    one, two = make(store, "Contact", "LastName Email", ("a", "ines@example.org"), ("b", "ines@example.org"))
    assert error(apply(store, "insert", "Contact", "LastName ReportsTo.Email", ("c", "ines@example.org"))) == RowError(
        "DUPLICATE_EXTERNAL_ID", f"Email: more than one record found for external id field: [{one}, {two}]", ("Email",)
    )


def test_a_row_cannot_refer_to_another_of_its_transaction(store: Store) -> None:
    """Parents must be there before (bulk-api-1.md 4)."""
    results = apply(store, "insert", "Account", "Name Key__c Parent.Key__c", ("a", "K-1", MISSING), ("b", "K-2", "K-1"))
    assert [result.success for result in results] == [True, False]


# -- delete, hardDelete


def test_a_delete_takes_the_children_along(store: Store) -> None:
    """To the recycle bin; a plain lookup is emptied."""
    (account,) = make(store, "Account", "Name", ("a",))
    (contact,) = make(store, "Contact", "LastName AccountId", ("c", account))
    make(store, "Note", "Title ParentId", ("t", contact))
    make(store, "Thing__c", "Code__c Account__c", ("x", account))
    assert apply(store, "delete", "Account", "Id", (account,)) == [SaveResult(account, True)]
    assert select(store, "SELECT IsDeleted FROM Account UNION ALL SELECT IsDeleted FROM Contact") == [(1,), (1,)]
    assert select(store, "SELECT IsDeleted FROM Note") == [(1,)]
    assert select(store, "SELECT IsDeleted, Account__c FROM Thing__c") == [(0, None)]
    assert (store.count("Account"), store.count("Thing__c")) == (0, 1)


def test_a_hard_delete_leaves_nothing(store: Store) -> None:
    """Neither the record nor what hung on it."""
    (account,) = make(store, "Account", "Name", ("a",))
    make(store, "Contact", "LastName AccountId", ("c", account))
    assert apply(store, "hardDelete", "Account", "Id", (account,)) == [SaveResult(account, True)]
    assert select(store, "SELECT Id FROM Account UNION ALL SELECT Id FROM Contact") == []


def test_a_child_that_stays_keeps_its_parent(store: Store) -> None:
    """An account with cases cannot be deleted; its neighbour in the batch can."""
    account, other = make(store, "Account", "Name", ("Acme",), ("Other",))
    make(store, "Case", "Subject AccountId", ("help", account))
    held, gone = apply(store, "delete", "Account", "Id", (account,), (other,))
    assert gone.success
    assert held.errors == (
        RowError(
            "DELETE_FAILED",
            "Your attempt to delete Acme could not be completed because it is associated with the following cases.: 00001000",
        ),
    )
    assert store.count("Account") == 1


def test_a_record_deleted_twice_in_a_batch(store: Store) -> None:
    """The second row finds it deleted."""
    (account,) = make(store, "Account", "Name", ("a",))
    first, second = apply(store, "delete", "Account", "Id", (account,), (account,))
    assert first.success
    assert second.errors == (RowError("ENTITY_IS_DELETED", "entity is deleted"),)


# -- The store itself


def test_a_new_org(store: Store) -> None:
    """Itself, its administrator, a profile, the standard price book."""
    assert store.user.id.startswith("005")
    assert select(store, 'SELECT Username, Name, ProfileId = (SELECT Id FROM Profile) FROM "User"') == [
        (store.user.username, "Local Admin", 1)
    ]
    assert select(store, "SELECT IsStandard FROM Pricebook2") == [(1,)]
    assert store.count("Organization") == 1


def test_reset_gives_a_new_org(store: Store) -> None:
    """Ids begin anew."""
    (before,) = make(store, "Account", "Name", ("a",))
    store.reset()
    assert store.count("Account") == 0
    assert make(store, "Account", "Name", ("a",)) == [before]


def test_a_file_is_opened_again(tmp_path: Path) -> None:
    """Records, counters and the administrator are still there, and a schema that has grown gets its columns."""
    path = tmp_path / "new" / "org.sqlite"
    with Store(path, Schema.standard(), lambda: NOW) as first:
        (account,) = make(first, "Account", "Name", ("a",))
        job, user = first.new_id("750"), first.user
    grown = Schema.standard().with_field("Account", Field("Extra__c", unique=True))
    with Store(path, grown, lambda: NOW) as second:
        assert second.user == user
        assert second.new_id("750") > job
        assert make(second, "Account", "Name Extra__c", ("b", "x"))[0] > account
        assert select(second, "SELECT Name, Extra__c FROM Account ORDER BY Id") == [("a", None), ("b", "x")]


def test_a_store_of_another_org() -> None:
    """A schema from describe answers works like the standard one."""
    standard = Schema.standard()
    loaded = Schema.load(
        [describe(o, "68.0", standard.children(o)) for o in standard if o.name in ("Account", "Contact")]
    )
    with Store(None, loaded, lambda: NOW) as other:
        (account,) = make(other, "Account", "Name Key__c", ("a", "K-1"))
        make(other, "Contact", "FirstName LastName Account.Key__c", ("Ines", "Okafor", "k-1"))
        assert select(other, "SELECT Name, AccountId FROM Contact") == [("Ines Okafor", account)]
        apply(other, "delete", "Account", "Id", (account,))
        assert other.count("Contact") == 0


def test_a_reader_sees_one_moment(store: Store) -> None:
    """What is written meanwhile is not seen, and the writer does not wait."""
    make(store, "Account", "Name", ("a",))
    with store.reader() as connection:
        make(store, "Account", "Name", ("b",))
        assert connection.execute("SELECT count(*) FROM Account").fetchone() == (1,)
    assert store.count("Account") == 2


def test_writers_in_several_threads(store: Store) -> None:
    """Every record is written once, and no id is given twice."""
    made: list[list[str]] = [[] for _ in range(4)]

    def work(number: int) -> None:
        made[number] = make(store, "Account", "Name", *[(f"{number}-{row}",) for row in range(450)])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id18 for ids in made for id18 in ids}) == store.count("Account") == 1800


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), min_size=1, max_size=20))
def test_text_comes_back_as_it_went_in(texts: list[str]) -> None:
    """Through a whole insert, character by character, in order."""
    with Store(None, SMALL, lambda: NOW) as small:
        results = apply(small, "insert", "Widget__c", "Name", *[(text,) for text in texts])
        assert all(result.success for result in results)
        assert [name for (name,) in select(small, "SELECT Name FROM Widget__c ORDER BY Id")] == texts


SMALL = Schema([o for o in SCHEMA if o.name in ("User", "Profile", "Organization", "Pricebook2", "Widget__c")])
