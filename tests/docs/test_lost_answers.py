"""docs/lost-answers.md is drawn from the table of what may be repeated."""

from __future__ import annotations

from pathlib import Path

from salesforce_bulk.protocol.repeat import RULES

PAGE = Path(__file__).parents[2] / "docs" / "lost-answers.md"
HEAD = """# When an answer is lost

A connection can break after a request has left and before its answer has come. Then the org may have acted, or not. This is
what each request would do if it were sent twice, and what is done when its answer is lost. Drawn from `protocol/repeat.py`: run
`scripts/docs` after a change there.

| request | twice | when its answer is lost |
|---|---|---|
"""


def drawn() -> str:
    lines = [f"| `{name}` | {rule.why} | {rule.cure} |\n" for name, rule in RULES.items()]
    return HEAD + "".join(lines)


def test_the_page_says_what_the_table_says() -> None:
    assert drawn() == PAGE.read_text("utf-8")


def test_what_may_not_be_repeated_has_a_cure_of_its_own() -> None:
    assert [] == [name for name, rule in RULES.items() if not rule.again and rule.cure == "It is sent again."]


if __name__ == "__main__":
    PAGE.write_text(drawn(), "utf-8")
