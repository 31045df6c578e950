"""Where the generations contradict each other: the matrix of legacy-api.md 5.1 and the resolver of 5.2."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk import BulkBatchFailed, SalesforceBulk, UploadResult
from salesforce_bulk.errors import UsageError
from salesforce_bulk.legacy.exceptions import OrderUnclear
from salesforce_bulk.legacy.ids import job_and_batch, role_of
from salesforce_bulk.legacy.memory import BATCH as BATCH_ROLE
from salesforce_bulk.legacy.memory import JOB as JOB_ROLE
from salesforce_bulk.legacy.memory import RESULT as RESULT_ROLE
from salesforce_bulkipy import SalesforceBulkipy

from .support import (
    BATCH,
    HOST,
    JOB,
    RESULT,
    TOKEN,
    Played,
    batch_fields,
    batch_reply,
    batches_reply,
    job_reply,
    refused,
    results_reply,
    text_reply,
)

#: Methods that take a job and a batch, with what follows them and the answers of the org.
UPLOADED = text_reply('"Id","Success","Created","Error"\n"001x","true","true",""\n')
PAIRED: dict[str, list[Any]] = {
    "batch_status": [batch_reply()],
    "batch_state": [batch_reply()],
    "is_batch_done": [batch_reply()],
    "wait_for_batch": [batch_reply()],
    "get_query_batch_request": [text_reply("select Id from Account")],
    "get_query_batch_result_ids": [batch_reply(), results_reply(RESULT)],
    "get_batch_result_ids": [batch_reply(), results_reply(RESULT)],
    "get_all_results_for_query_batch": [batch_reply(), results_reply(RESULT), text_reply("Id\n1\n")],
    "get_all_results_for_batch": [batch_reply(), results_reply(RESULT), text_reply("Id\n1\n")],
    "get_batch_result_iter": [batch_reply(), results_reply(RESULT), results_reply(RESULT), text_reply("Id\n1\n")],
    "get_upload_results": [batch_reply(), UPLOADED],
    "get_batch_results": [UPLOADED],
}
SPELLINGS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "job, batch": ((JOB, BATCH), {}),
    "batch, job": ((BATCH, JOB), {}),
    "batch, job_id=": ((BATCH,), {"job_id": JOB}),
    "job, batch_id=": ((JOB,), {"batch_id": BATCH}),
    "keywords": ((), {"job_id": JOB, "batch_id": BATCH}),
    "15 characters": ((JOB[:15], BATCH[:15]), {}),
    "15 characters, turned": ((BATCH[:15], JOB[:15]), {}),
}


def all_of(result: Any) -> Any:
    """What a generator, or a generator of readers and generators, holds."""
    if hasattr(result, "read"):
        return result.read()
    if hasattr(result, "__next__"):
        return [all_of(item) for item in result]
    return result


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("method", PAIRED)
@pytest.mark.parametrize("cls", [SalesforceBulk, SalesforceBulkipy])
def test_job_and_batch_in_every_order_and_spelling(cls: type[SalesforceBulk], method: str, spelling: str) -> None:
    """5.1 rows 1-3, 5.2 rules 1, 3 and 4: the same requests and the same answer, without a warning."""
    args, named = SPELLINGS[spelling]
    expected = Played(*PAIRED[method])
    answer = all_of(getattr(expected.bulk, method)(job_id=JOB, batch_id=BATCH))

    played = Played(*PAIRED[method], client=cls(TOKEN, HOST))
    assert answer == all_of(getattr(played.bulk, method)(*args, **named))
    short = "15" in spelling
    assert [(verb, url[:15] if short else url) for verb, url in expected.sent] == [
        (verb, url.replace(JOB[:15], JOB).replace(BATCH[:15], BATCH)[:15] if short else url)
        for verb, url in played.sent
    ]


@pytest.mark.parametrize("method", PAIRED)
def test_a_batch_alone_when_its_job_is_known(method: str) -> None:
    """5.2 rule 5: the job from ``batches``; by position and by keyword, with ``None`` for the job, in both spellings."""
    for args, named in (
        ((BATCH,), {}),
        ((), {"batch_id": BATCH}),
        ((BATCH, None), {}),
        ((None, BATCH), {}),
        ((BATCH,), {"job_id": None}),
        ((BATCH[:15],), {}),
    ):
        played = Played(*PAIRED[method])
        played.bulk.batches[BATCH] = JOB
        all_of(getattr(played.bulk, method)(*args, **named))
        assert played.sent
        assert all(url.startswith(f"job/{JOB}/batch/{BATCH[:15]}") for _, url in played.sent)


@pytest.mark.parametrize("method", PAIRED)
def test_a_batch_alone_when_its_job_is_not_known(method: str) -> None:
    """5.2 rule 5: the lookup error, with yplan's text; nothing is sent."""
    played = Played()
    with pytest.raises(Exception, match=rf"^Batch id '{BATCH}' is unknown, can't retrieve job_id\.$"):
        all_of(getattr(played.bulk, method)(BATCH))
    assert [] == played.sent


@pytest.mark.parametrize("method", PAIRED)
def test_a_job_alone(method: str) -> None:
    """5.2 rule 5: "One positional that is a job id: clear error"."""
    played = Played()
    with pytest.raises(UsageError, match=rf"{JOB}' is a job") as caught:
        all_of(getattr(played.bulk, method)(JOB))
    assert str(caught.value).endswith("Nothing was sent.")


@pytest.mark.parametrize("method", PAIRED)
def test_no_id_at_all(method: str) -> None:
    with pytest.raises(UsageError, match="needs the id of a batch"):
        all_of(getattr(Played().bulk, method)())


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (JOB, "750x000000009tMAAQ", "both are a job"),
        (BATCH, "751x000000009vxAAA", "both are a batch"),
        (RESULT, BATCH, "one of them is a result"),
    ],
)
@pytest.mark.parametrize("method", PAIRED)
def test_two_ids_of_one_kind(method: str, first: str, second: str, says: str) -> None:
    """5.2 rule 7: a clear error instead of a wrong URL."""
    played = Played()
    with pytest.raises(UsageError, match=says):
        all_of(getattr(played.bulk, method)(first, second))
    assert [] == played.sent


def test_two_ids_of_one_kind_one_of_them_by_keyword() -> None:
    """5.2 rules 1 and 7: the keyword decides its own role, and the other cannot be the same."""
    played = Played()
    with pytest.raises(UsageError, match="both are a batch"):
        played.bulk.batch_status("751x000000009vxAAA", batch_id=BATCH)
    with pytest.raises(UsageError, match="both are a job"):
        played.bulk.batch_status("750x000000009tMAAQ", job_id=JOB)
    with pytest.raises(UsageError, match="one of them is a result"):
        played.bulk.batch_status(RESULT, job_id=JOB)


def test_keywords_decide_whatever_the_ids_look_like() -> None:
    """5.2 rule 1."""
    played = Played(batch_reply())
    played.bulk.batch_status(job_id=BATCH, batch_id=JOB)
    assert [("GET", f"job/{BATCH}/batch/{JOB}")] == played.sent


def test_ids_that_the_client_issued_are_known_whatever_they_look_like() -> None:
    """5.2 rule 2: test servers count from 1; here the batch even looks like a job of the service."""
    odd = "750x00000000001AAA"
    played = Played(job_reply(job="J-1"), batch_reply("Queued", odd, "J-1"), *[batch_reply("Queued", odd, "J-1")] * 3)
    job = played.bulk.create_insert_job("Account")
    batch = played.bulk.post_batch(job, "Name\nx\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ids in itertools.permutations((job, batch)):
            assert "Queued" == played.bulk.batch_state(*ids)
        assert "Queued" == played.bulk.batch_state(batch)
    assert {("GET", f"job/J-1/batch/{odd}")} == set(played.sent[2:])


def test_ids_that_were_listed_are_known() -> None:
    """5.2 rule 2: ``jobs``, ``batches``, batch list, status cache."""
    played = Played(batches_reply(batch_fields("Queued", "B-1", "J-1")), batch_reply("Queued", "B-1", "J-1"))
    played.bulk.get_batch_list("J-1")
    assert "Queued" == played.bulk.batch_state("B-1", "J-1")
    played.bulk.batch_statuses["B-9"] = {"state": "Completed"}
    assert "Completed" == played.bulk.batch_state("B-9", "J-9")
    assert BATCH_ROLE == role_of(played.bulk, "B-9")


def test_one_known_id_decides_for_the_other() -> None:
    """5.2 rule 4."""
    played = Played(*[batch_reply("Queued", BATCH, "J-1")] * 2)
    assert "Queued" == played.bulk.batch_state("J-1", BATCH)
    assert "Queued" == played.bulk.batch_state(BATCH, "J-1")
    assert [("GET", f"job/J-1/batch/{BATCH}")] * 2 == played.sent


def test_an_id_that_is_both_a_job_and_a_batch_tells_nothing() -> None:
    """5.2 rules 2 and 6: a test server that counts both from 1; then the keyword or the default decides."""
    played = Played(*[batch_reply("Queued", "2", "1")] * 2)
    played.bulk.batches.update({"1": "1", "2": "1"})
    assert "Queued" == played.bulk.batch_state("1", batch_id="2")
    assert "Queued" == played.bulk.batch_state("1", "2")
    assert [("GET", "job/1/batch/2")] * 2 == played.sent


@pytest.mark.parametrize(("order", "url"), [(None, "job/A/batch/B"), ((BATCH_ROLE, JOB_ROLE), "job/B/batch/A")])
def test_when_nothing_tells_the_default_decides_and_a_warning_says_so(order: tuple[str, str] | None, url: str) -> None:
    """5.2 rule 6: class attribute, job first as in the seed; the warning points at the caller's own line."""

    class Sub(SalesforceBulk):
        if order:
            default_id_order = order

    played = Played(batch_reply("Queued", "B", "A"), UPLOADED, client=Sub(TOKEN, HOST))
    with pytest.warns(OrderUnclear, match="nothing tells which of 'A' and 'B' is the job") as caught:
        played.bulk.is_batch_done("A", "B")
    played.bulk.batches.clear()
    with pytest.warns(OrderUnclear) as caught_again:
        played.bulk.get_batch_results("A", "B")
    assert [("GET", url), ("GET", url + "/result")] == played.sent
    assert {__file__} == {warning.filename for warning in [*caught, *caught_again]}


@pytest.mark.parametrize(
    ("method", "args", "url"),
    [
        ("wait_for_batch", ("A", "B"), "job/A/batch/B"),
        ("get_batch_result_iter", ("A", "B"), "job/A/batch/B"),
        ("get_upload_results", ("A", "B"), "job/A/batch/B"),
        ("get_query_batch_result_ids", ("B", "A"), "job/A/batch/B"),
        ("get_batch_result_ids", ("B", "A"), "job/A/batch/B"),
        ("get_query_batch_request", ("B", "A"), "job/A/batch/B"),
        ("get_all_results_for_batch", ("B", "A"), "job/A/batch/B"),
    ],
)
def test_where_the_generations_agree_no_warning_is_needed(method: str, args: tuple[str, str], url: str) -> None:
    """5.1 row 2, 3.2 "still job-first": ids of any look are taken in the one order that there ever was."""
    answers = [text_reply("x")] if method == "get_query_batch_request" else PAIRED[method]
    played = Played(*answers)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        all_of(getattr(played.bulk, method)(*args))
    assert played.sent[0][1].startswith(url)


def test_what_follows_the_ids_by_position() -> None:
    """2.2, 3.2 and 9: ``batch_status(batch, job, True)``, ``batch_state(batch, None, True)``, waits with their limits."""
    played = Played(*[batch_reply()] * 4)
    for call in (
        lambda: played.bulk.batch_status(BATCH, JOB, True),
        lambda: played.bulk.batch_status(JOB, BATCH, True),
        lambda: played.bulk.batch_state(BATCH, None, True),
        lambda: played.bulk.batch_state(BATCH, job_id=JOB, reload=True),
    ):
        call()
    assert 4 == len(played.sent)


# -- get_batch_results: two methods under one name ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ((BATCH, RESULT, JOB), {}),
        ((BATCH, RESULT), {"job_id": JOB}),
        ((BATCH,), {"result_id": RESULT, "job_id": JOB}),
        ((), {"batch_id": BATCH, "result_id": RESULT, "job_id": JOB}),
        ((BATCH, RESULT, JOB, False, None), {}),
        ((BATCH, "R-1", JOB), {}),
    ],
)
def test_with_a_result_id_it_gives_rows(args: tuple[Any, ...], named: dict[str, Any]) -> None:
    """5.1 get_batch_results: a ``752`` id or ``result_id=`` means the rows of one result file (1.x)."""
    played = Played(text_reply('"Id"\n"001"\n'))
    assert ['"Id"', '"001"'] == list(played.bulk.get_batch_results(*args, **named))
    assert played.sent[0][1].startswith(f"job/{JOB}/batch/{BATCH}/result/")


def test_parse_csv_or_logger_say_that_rows_are_meant() -> None:
    """5.1 get_batch_results, with a result id of a test server: only 1.x has these keywords."""
    played = Played(text_reply("Id\n1\n"), text_reply("Id\n1\n"))
    played.bulk.batches["B"] = "J"
    assert [["Id"], ["1"]] == list(played.bulk.get_batch_results("B", "R", parse_csv=True))
    assert ["Id", "1"] == list(played.bulk.get_batch_results("B", "R", logger=lambda text: None))


def test_a_result_that_was_listed_is_known() -> None:
    """5.2 rule 2, for results."""
    played = Played(batch_reply("Completed", "B", "J"), results_reply("R"), text_reply("Id\n1\n"))
    assert ["R"] == played.bulk.get_batch_result_ids("B", "J")
    assert RESULT_ROLE == role_of(played.bulk, "R")
    assert ["Id", "1"] == list(played.bulk.get_batch_results("B", "R"))


def test_without_a_result_id_it_gives_upload_results() -> None:
    """5.1 get_batch_results: otherwise 2.x's list, without header."""
    played = Played(UPLOADED)
    assert [UploadResult("001x", "true", "true", "")] == played.bulk.get_batch_results(job_id=JOB, batch_id=BATCH)


def test_an_argument_that_no_generation_had() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'chunk'"):
        Played().bulk.get_batch_results(JOB, BATCH, chunk=3)


# -- other rows of the matrix -------------------------------------------------------------------------------------------


def test_result_ids_of_a_batch_that_is_not_done() -> None:
    """5.1 "get_batch_result_ids": False; a real error is an error (1.x hid it as False)."""
    for method in ("get_batch_result_ids", "get_query_batch_result_ids"):
        assert getattr(Played(batch_reply("InProgress")).bulk, method)(BATCH, JOB) is False
        with pytest.raises(Exception, match="InvalidBatch"):
            getattr(Played(batch_reply(), refused("InvalidBatch", "gone")).bulk, method)(BATCH, JOB)


def test_an_unknown_batch_has_the_corrected_text() -> None:
    """5.1 "lookup_job_id message": the yplan test's text."""
    with pytest.raises(Exception) as caught:
        SalesforceBulk(TOKEN, HOST).lookup_job_id(batch_id=9001)
    assert "Batch id '9001' is unknown, can't retrieve job_id." == str(caught.value)
    assert isinstance(caught.value, LookupError)


def test_a_failure_names_its_job_even_when_the_caller_did_not() -> None:
    """5.2, last line: no "of job None"."""
    played = Played(batch_reply("Failed", stateMessage="InvalidBatch : no"))
    played.bulk.batches[BATCH] = JOB
    with pytest.raises(BulkBatchFailed) as caught:
        played.bulk.is_batch_done(BATCH)
    assert f"Batch {BATCH} of job {JOB} failed: InvalidBatch : no" == str(caught.value)
    assert JOB == caught.value.job_id


# -- properties of the resolver -----------------------------------------------------------------------------------------

ALPHANUMERIC = st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def service_ids(prefix: str) -> st.SearchStrategy[str]:
    return st.sampled_from([12, 15]).flatmap(
        lambda size: st.lists(ALPHANUMERIC, min_size=size, max_size=size).map(lambda rest: prefix + "".join(rest))
    )


@st.composite
def known_pairs(draw: st.DrawFn) -> tuple[SalesforceBulk, str, str]:
    """A client, a job and a batch of which at least one is known or looks like one of the service."""
    bulk = SalesforceBulk(TOKEN, HOST)
    odd = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
    kind = draw(st.sampled_from(["both", "job", "batch", "issued", "issued job", "issued batch"]))
    if kind in ("both", "job", "batch"):
        job = draw(odd if kind == "batch" else service_ids("750"))
        batch = draw(odd if kind == "job" else service_ids("751"))
    else:
        job, batch = draw(st.lists(odd, min_size=2, max_size=2, unique=True))
        if kind != "issued batch":
            bulk.jobs[job] = job
        if kind != "issued job":
            bulk.batches[batch] = job
    if role_of(bulk, job) not in (None, JOB_ROLE) or role_of(bulk, batch) not in (None, BATCH_ROLE):
        bulk.jobs[job] = job  # an odd id that looks like another kind of the service's: then the client made it
        bulk.batches[batch] = job
    return bulk, job, batch


@given(known_pairs())
def test_in_any_order_and_spelling_the_resolver_gives_the_same(known: tuple[SalesforceBulk, str, str]) -> None:
    """5.2 rules 1-4, for ids of either generation: nothing is guessed, so nothing is warned of."""
    bulk, job, batch = known
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for order in (None, (JOB_ROLE, BATCH_ROLE), (BATCH_ROLE, JOB_ROLE)):
            for args, named in (
                ((job, batch), {}),
                ((batch, job), {}),
                ((job,), {"batch_id": batch}),
                ((batch,), {"job_id": job}),
                ((), {"job_id": job, "batch_id": batch}),
            ):
                assert (job, batch) == job_and_batch(bulk, "f()", args, named, order)


@given(st.text(max_size=20) | st.integers() | st.none() | st.binary(max_size=20))
def test_anything_can_be_asked_for_its_role(identifier: Any) -> None:
    """What is no id is no id: never an error of its own."""
    role = role_of(SalesforceBulk(TOKEN, HOST), identifier)
    assert role is None or str(identifier)[:3] in ("750", "751", "752")


@given(service_ids("750"), service_ids("751"), service_ids("752"))
def test_ids_of_the_service_tell_by_themselves(job: str, batch: str, result: str) -> None:
    """5.2 rule 3, at 15 and 18 characters."""
    bulk = SalesforceBulk(TOKEN, HOST)
    assert (JOB_ROLE, BATCH_ROLE, RESULT_ROLE) == tuple(role_of(bulk, each) for each in (job, batch, result))
    assert role_of(bulk, job + "x") is None or len(job) == 14
    assert role_of(bulk, job[:10]) is None
