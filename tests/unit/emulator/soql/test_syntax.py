"""SOQL text becomes records, or an error in the service's words."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from salesforce_bulk.emulator.soql import SoqlError, parse
from salesforce_bulk.emulator.soql.syntax import (
    AllOf,
    AnyOf,
    BareId,
    Boolean,
    Call,
    Compare,
    Currency,
    DateLiteral,
    DateTime,
    In,
    Not,
    Null,
    Number,
    OrderBy,
    Path,
    Query,
    Selected,
    Source,
    Text,
    Time,
)


def path(text: str) -> Path:
    return Path(tuple(text.split(".")))


def where(condition: str) -> object:
    return parse(f"SELECT Id FROM Account WHERE {condition}").where


def message(text: str) -> str:
    with pytest.raises(SoqlError) as caught:
        parse(text)
    assert caught.value.code == "MALFORMED_QUERY"
    return caught.value.message


def test_a_query_is_read_clause_by_clause():
    """Every clause has its place, and the order of the select list is kept."""
    query = parse(
        "SELECT Id, Owner.Name FROM Account a WHERE a.Name = 'x' ORDER BY Name DESC NULLS LAST, Id LIMIT 5 OFFSET 2 FOR VIEW"
    )

    assert query == Query(
        select=(Selected(path("Id")), Selected(path("Owner.Name"))),
        sources=(Source(path("Account"), "a"),),
        where=Compare(path("a.Name"), "=", Text("x", "x")),
        order=(OrderBy(path("Name"), descending=True, nulls_last=True), OrderBy(path("Id"))),
        limit=5,
        offset=2,
        tail=("FOR VIEW",),
    )


@pytest.mark.parametrize(
    "text",
    [
        "select Id from Account where Name='x' order by Name limit 1",
        "SELECT\tId\r\nFROM\n\nAccount  WHERE\u00a0Name\n=\n'x'\nORDER   BY Name LIMIT 1 ",
        "SeLeCt Id FrOm Account wHeRe Name = 'x' OrDeR bY Name aSC nulls FIRST LiMiT 1",
    ],
)
def test_case_and_white_space_do_not_matter(text):
    """Keywords in any case, blanks of every kind."""
    assert parse(text) == parse("SELECT Id FROM Account WHERE Name = 'x' ORDER BY Name LIMIT 1")


@pytest.mark.parametrize(
    ("text", "selected", "source"),
    [
        ("SELECT Group.Name FROM GroupMember", "Group.Name", "GroupMember"),
        ("SELECT Name FROM Group ORDER BY Name", "Name", "Group"),
        ("SELECT Id FROM Order", "Id", "Order"),
        ("SELECT Format FROM Thing__c", "Format", "Thing__c"),
        ("SELECT Count, End, First, Last, Limit__c FROM View", "Count", "View"),
        ("SELECT Typeof FROM Thing__c", "Typeof", "Thing__c"),
        ("SELECT From__c FROM Where__c WHERE And__c = null", "From__c", "Where__c"),
    ],
)
def test_names_that_look_like_keywords(text, selected, source):
    """A word is a keyword only where the grammar could take one."""
    query = parse(text)

    assert query.select[0] == Selected(path(selected))
    assert query.sources[0] == Source(path(source))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it\\'s'", Text("it\\'s", "it's")),
        ("42", Number("42")),
        ("-1.5e3", Number("-1.5e3")),
        (".5", Number(".5")),
        ("TRUE", Boolean(True)),
        ("false", Boolean(False)),
        ("null", Null()),
        ("2026-01-02T03:04:05Z", DateTime(1_767_323_045_000)),
        ("2026-01-02T03:04:05.678+01:00", DateTime(1_767_319_445_678)),
        ("2026-01-02t03:04:05.6-0130", DateTime(1_767_328_445_600)),
        ("10:20:30.500Z", Time(37_230_500)),
        ("today", DateLiteral("TODAY")),
        ("LAST_N_DAYS:30", DateLiteral("LAST_N_DAYS", 30)),
        ("n_fiscal_years_ago : 2", DateLiteral("N_FISCAL_YEARS_AGO", 2)),
        ("USD5000.5", Currency("USD", 5000.5)),
        ("001300000000000", Number("001300000000000")),
        ("00130000000132G", BareId("00130000000132G")),
    ],
)
def test_values(text, value):
    """Every kind of value, as it may stand after a comparison."""
    assert where(f"X__c = {text}") == Compare(path("X__c"), "=", value)


def test_lists_and_logic():
    """A run of quoted values, mixed lists, and parentheses that mix AND, OR and NOT."""
    x, y = Compare(path("X"), "=", Number("1")), Compare(path("Y"), "!=", Number("2"))

    assert where("X IN ('a' , 'b', null, 3)") == In(
        path("X"), (Text("a", "a"), Text("b", "b"), Null(), Number("3")), False
    )
    assert where("X = 1 AND (Y <> 2 OR (NOT X = 1))") == AllOf((x, AnyOf((y, Not(x)))))
    assert where("((X = 1)) AND Y != 2 AND X = 1") == AllOf((x, y, x))
    assert where("CALENDAR_YEAR(D) = 2026") == Compare(Call("CALENDAR_YEAR", (path("D"),)), "=", Number("2026"))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT TYPEOF What WHEN Account THEN Phone, Name WHEN Lead THEN Email ELSE Name END, Id FROM Event",
        "SELECT Id, (SELECT Id FROM Contacts WHERE Name = 'x' LIMIT 1) FROM Account",
        "SELECT COUNT() FROM Contact c, c.Account a WHERE a.Name = 'x'",
        "SELECT toLabel(Status) s, FORMAT(Amount), convertTimezone(CreatedDate) FROM X",
        "SELECT Name n, MAX(Amount) m FROM X GROUP BY ROLLUP(Name, Type) HAVING COUNT(Id) > 1",
        "SELECT FIELDS(ALL), FIELDS(standard) FROM X",
        "SELECT Id FROM X WHERE DISTANCE(Loc__c, GEOLOCATION(37.7, -122.4), 'mi') < 20",
        "SELECT Id FROM X USING SCOPE mine WHERE A = 1 WITH SECURITY_ENFORCED ORDER BY A FOR REFERENCE",
        "SELECT Id FROM X FOR VIEW UPDATE TRACKING, VIEWSTAT",
        "SELECT Id FROM X WITH DATA CATEGORY Geo__c AT (a__c, b__c) AND P__c BELOW c__c ALL ROWS",
    ],
)
def test_the_rest_of_the_language_is_read(text):
    """Read, whoever may refuse it later."""
    assert parse(text).select


ERRORS = {
    "SELECT * FROM Account": "\nSELECT * FROM Account\n      ^\nERROR at Row:1:Column:7\nunexpected token: '*'",
    "SELECT Id, FROM Account": "\nSELECT Id, FROM Account\n          ^\nERROR at Row:1:Column:11\nunexpected token: 'FROM'",
    "SELECT Id": "\nSELECT Id\n        ^\nERROR at Row:1:Column:9\nunexpected token: '<EOF>'",
    "": "\n\n^\nERROR at Row:1:Column:1\nunexpected token: '<EOF>'",
    "SELECT Id FROM Account WHERE A = 1 AND B = 2 OR C = 3": (
        "\nFROM Account WHERE A = 1 AND B = 2 OR C = 3\n                                  ^\n"
        "ERROR at Row:1:Column:45\nunexpected token: 'OR'"
    ),
    "SELECT Id FROM X WHERE A = 1 AND NOT B = 2": (
        "\nSELECT Id FROM X WHERE A = 1 AND NOT B = 2\n                                ^\n"
        "ERROR at Row:1:Column:33\nunexpected token: 'NOT'"
    ),
    "SELECT Id\nFROM Account\nWHERE Name = 'open": (
        "\nWHERE Name = 'open\n            ^\nERROR at Row:3:Column:13\nunexpected token: '''"
    ),
    'SELECT Id FROM X WHERE A = "b"': "line 1:27 no viable alternative at character '\"'",
    "SELECT Id FROM X WHERE A = Yes": (
        "\nSELECT Id FROM X WHERE A = Yes\n                          ^\n"
        "ERROR at Row:1:Column:27\nexpecting a colon, found 'Yes'"
    ),
    "SELECT Id FROM X WHERE A = 'b\\x'": (
        "\nSELECT Id FROM X WHERE A = 'b\\x'\n                           ^\nERROR at Row:1:Column:28\n"
        "Invalid string literal 'b\\x'. Illegal character sequence '\\x' in string literal."
    ),
    "SELECT Id FROM X WHERE A = '50\\%'": (
        "\nSELECT Id FROM X WHERE A = '50\\%'\n                           ^\nERROR at Row:1:Column:28\n"
        "Invalid string literal '50\\%'. Illegal character sequence '\\%' in string literal."
    ),
    "SELECT Id FROM X WHERE A = :name": (
        "\nSELECT Id FROM X WHERE A = :name\n                           ^\nERROR at Row:1:Column:28\n"
        "Bind variables only allowed in Apex code"
    ),
    "SELECT Id FROM X WHERE A = 2026-02-30": (
        "\nSELECT Id FROM X WHERE A = 2026-02-30\n                           ^\n"
        "ERROR at Row:1:Column:28\nInvalid date: 2026-02-30"
    ),
}


@pytest.mark.parametrize("text", ERRORS)
def test_what_is_no_query_is_refused_in_the_services_words(text):
    """The column of an unexpected token counts from 0, as recorded; the others count from 1."""
    assert message(text) == ERRORS[text]


def test_the_error_shows_the_words_around_it():
    """Recorded (a Java client's comment); the start of its query, which the message left out, is ours."""
    text = "SELECT Id, Name, AccountNumber, Industry, LastModifiedById, LastModifiedDate, From Account "

    assert message(text) == (
        "\nLastModifiedById, LastModifiedDate, From Account \n                                   ^\n"
        "ERROR at Row:1:Column:78\nunexpected token: 'From'"
    )


def escaped(text: str) -> str:
    special = {"\n": "\\n", "\r": "\\R", "\t": "\\t", "\b": "\\b", "\f": "\\F", '"': '\\"', "'": "\\'", "\\": "\\\\"}
    out = []
    for character in text:
        if character in special:
            out.append(special[character])
        elif character == "ü" or ord(character) > 0xFFFF:
            units = character.encode("utf-16-be").hex()
            out += [f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4)]
        else:
            out.append(character)
    return "".join(out)


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("it's\n\"quoted\" \\ and ü and \U0001f600 ' , '")
def test_a_quoted_value_survives_its_escapes(text):
    """Whatever the text, its escaped form means the text again, alone and in a list."""
    assert where(f"X = '{escaped(text)}'") == Compare(path("X"), "=", Text(escaped(text), text))
    assert where(f"X IN ('a', '{escaped(text)}')").members[1].value == text


def test_long_and_deep_queries():
    """Ten thousand ids, five thousand conditions and five thousand parentheses: no limit of the parser's own."""
    ids = ", ".join(f"'001{number:012d}'" for number in range(10_000))
    many = " OR ".join(f"Name = 'n{number}'" for number in range(5_000))
    deep = "(NOT " * 5_000 + "Name = 'x'" + ")" * 5_000

    assert len(where(f"Id IN ({ids})").members) == 10_000
    assert len(where(many).parts) == 5_000
    assert isinstance(where(deep), Not)


def test_the_length_is_checked_when_asked():
    """The service's bound is 100,000 characters; the caller says whether it holds."""
    with pytest.raises(SoqlError) as caught:
        parse("SELECT Id FROM Account WHERE Name = 'x'", max_characters=20)

    assert str(caught.value) == "MALFORMED_QUERY: SOQL statements cannot be longer than 20 characters."
