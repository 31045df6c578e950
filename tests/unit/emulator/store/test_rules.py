"""Validation rules: what an administrator forbids."""

from __future__ import annotations

from tests.support.bulk2_talk import Talk2

from salesforce_bulk.emulator import LocalOrg


def errors(org: LocalOrg, operation: str, body: str) -> list[str]:
    talk = Talk2(org)
    job = talk.load(operation, body)
    return [row["sf__Error"] for row in talk.rows(job, "failedResults")]


def test_a_rule_refuses_new_records(org: LocalOrg) -> None:
    """With the administrator's words, at the field that he names, or at the whole."""
    org.rule("account", lambda record: record["Name"] == "A", "No A here", "Name")
    org.rule("Account", lambda record: record["Name"] == "B", "No B either")

    told = errors(org, "insert", "Name\nA\nB\nC\n")

    assert [
        "FIELD_CUSTOM_VALIDATION_EXCEPTION:No A here:Name --",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION:No B either:--",
    ] == sorted(told, key=len, reverse=True)
    assert ["C"] == [row["Name"] for row in org.rows("SELECT Name FROM Account")]


def test_a_rule_sees_what_the_record_has_already(org: LocalOrg) -> None:
    """Not only what the row changes; and defaults of new records."""
    first, second = org.holds("Account", [{"Name": "A", "Rating": "Hot"}, {"Name": "B"}])
    org.rule("Account", lambda record: record["Rating"] == "Hot" and record["Phone"] is None, "Hot without phone")

    told = errors(org, "update", f"Id,Site\n{first},x\n{second},x\n")

    assert ["FIELD_CUSTOM_VALIDATION_EXCEPTION:Hot without phone:--"] == told
    assert [] == errors(org, "update", f"Id,Phone\n{first},555\n")


def test_other_codes_play_other_refusals(org: LocalOrg) -> None:
    """A duplicate rule, say."""
    org.rule("Account", lambda record: True, "Use one of these records?", code="DUPLICATES_DETECTED")

    assert ["DUPLICATES_DETECTED:Use one of these records?:--"] == errors(org, "insert", "Name\nA\n")


def test_a_reset_forgets_the_rules(org: LocalOrg) -> None:
    """As it does everything else."""
    org.rule("Account", lambda record: True, "No")
    org.reset()
    org.clock.pause()

    assert [] == errors(org, "insert", "Name\nA\n")
