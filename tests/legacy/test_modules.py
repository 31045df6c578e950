"""Names that programs import. legacy-api.md 2.1, 3.1, 4."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

import salesforce_bulk
import salesforce_bulkipy
from salesforce_bulk import BulkApiError, BulkBatchFailed, BulkJobAborted, SalesforceBulk, UploadResult, bulk_states
from salesforce_bulk.legacy.exceptions import BatchUnknown, LoginIncomplete

from .support import HOST, TOKEN, Played, batch_reply


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("salesforce_bulk", "SalesforceBulk CsvDictsAdapter BulkApiError UploadResult __version__"),
        ("salesforce_bulk", "salesforce_bulk csv_adapter bulk_states util"),
        ("salesforce_bulk.__version__", "__version__"),
        (
            "salesforce_bulk.salesforce_bulk",
            "SalesforceBulk UploadResult BulkApiError BulkJobAborted BulkBatchFailed job_to_http_content_type "
            "DEFAULT_CLIENT_ID_PREFIX DEFAULT_API_VERSION nsclean",
        ),
        ("salesforce_bulk.csv_adapter", "CsvDictsAdapter"),
        ("salesforce_bulk.util", "IteratorBytesIO"),
        ("salesforce_bulk.bulk_states", "ABORTED FAILED NOT_PROCESSED COMPLETED ERROR_STATES"),
        (
            "salesforce_bulkipy",
            "SalesforceBulkipy CsvDictsAdapter __version__ salesforce_bulkipy csv_adapter bulk_states",
        ),
        (
            "salesforce_bulkipy.salesforce_bulkipy",
            "SalesforceBulkipy UploadResult BulkApiError BulkJobAborted BulkBatchFailed",
        ),
        ("salesforce_bulkipy.bulk_states", "ABORTED FAILED NOT_PROCESSED COMPLETED ERROR_STATES"),
        ("salesforce_oauth_request", "login oauth_flow token_login"),
    ],
)
def test_the_old_import_paths_have_the_old_names(module: str, names: str) -> None:
    """2.1 and 3.1 "Names", 4, 6: ``from MODULE import NAME`` works."""
    for name in names.split():
        found: dict[str, object] = {}
        exec(f"from {module} import {name}", found)
        assert found[name] is getattr(importlib.import_module(module), name)


def test_the_sub_modules_are_attributes_without_being_imported() -> None:
    """2.1: sub-modules are visible as attributes, in a fresh interpreter, one of them named as the package."""
    program = (
        "import salesforce_bulk\n"
        "print(salesforce_bulk.salesforce_bulk.SalesforceBulk is salesforce_bulk.SalesforceBulk,\n"
        "      salesforce_bulk.util.IteratorBytesIO(None).read(), salesforce_bulk.bulk_states.COMPLETED,\n"
        "      type(salesforce_bulk.__version__).__name__)\n"
        "from salesforce_bulk.__version__ import __version__\n"
        "print(salesforce_bulk.__version__ == __version__)\n"
        "import salesforce_bulkipy\n"
        "print(salesforce_bulkipy.salesforce_bulkipy.SalesforceBulkipy.__name__, salesforce_bulkipy.__version__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "True b'' Completed str\nTrue\nSalesforceBulkipy 1.0\n" == done.stdout


def test_the_states_are_those_of_the_wire() -> None:
    """2.1, 3.1, 5.1 "NOT_PROCESSED": the wire value, so that it matches."""
    assert ("Aborted", "Failed", "NotProcessed", "Completed") == (
        bulk_states.ABORTED,
        bulk_states.FAILED,
        bulk_states.NOT_PROCESSED,
        bulk_states.COMPLETED,
    )
    assert (bulk_states.ABORTED, bulk_states.FAILED, bulk_states.NOT_PROCESSED) == bulk_states.ERROR_STATES
    assert bulk_states.ERROR_STATES == salesforce_bulkipy.bulk_states.ERROR_STATES


def test_the_constants_of_the_second_generation() -> None:
    """3.1: media types by content type, the prefix of client ids, one supported API version, the namespace cutter."""
    old = salesforce_bulk.salesforce_bulk
    assert {"CSV": "text/csv", "XML": "application/xml", "JSON": "application/json"}.items() <= (
        old.job_to_http_content_type.items()
    )
    assert "PySFBulk" == old.DEFAULT_CLIENT_ID_PREFIX
    assert 31.0 <= float(old.DEFAULT_API_VERSION)
    assert "id" == old.nsclean.sub("", "{http://www.force.com/2009/06/asyncapi/dataload}id")


def test_the_attributes_of_a_client() -> None:
    """2.1 and 3.1 "Instance attributes": all of both generations, of plain types."""
    bulk = SalesforceBulk(TOKEN, "acme.my.salesforce.com", API_version="60.0")
    assert f"{HOST}/services/async/60.0" == bulk.endpoint
    assert (TOKEN, "60.0") == (bulk.sessionId, bulk.API_version)
    assert "http://www.force.com/2009/06/asyncapi/dataload" == bulk.jobNS
    assert ({}, {}, {}, {}) == (bulk.jobs, bulk.batches, bulk.batch_statuses, bulk.job_content_types)
    assert BulkApiError is bulk.exception_class


def test_each_client_remembers_for_itself() -> None:
    """What one client knows, another does not."""
    one, other = SalesforceBulk(TOKEN, HOST), SalesforceBulk(TOKEN, HOST)
    one.batches["b"] = "j"
    assert {} == other.batches


def test_an_upload_result_is_the_namedtuple_that_it_was() -> None:
    """2.2 and 9: programs cut ``str(result)`` at its quotes, so its repr is interface."""
    result = UploadResult("001x", "true", "false", "")
    assert ("id", "success", "created", "error") == result._fields
    assert "UploadResult(id='001x', success='true', created='false', error='')" == str(result)
    assert ("001x", "true", "false", "") == result


def test_the_exceptions_have_their_old_attributes_and_texts() -> None:
    """2.2 and 3.2 "Exceptions"."""
    assert ("no", 400) == (str(BulkApiError("no", 400)), BulkApiError("no", 400).status_code)
    assert BulkApiError("no").status_code is None
    aborted = BulkJobAborted("750x")
    assert ("Job 750x aborted", "750x") == (str(aborted), aborted.job_id)
    failed = BulkBatchFailed("750x", "751x", "InvalidBatch : no", "Failed")
    assert "Batch 751x of job 750x failed: InvalidBatch : no" == str(failed)
    assert ("750x", "751x", "InvalidBatch : no", "Failed") == (
        failed.job_id,
        failed.batch_id,
        failed.state_message,
        failed.state,
    )
    assert BulkBatchFailed("750x", "751x", "no").state is None
    assert issubclass(BulkBatchFailed, BulkApiError)
    assert issubclass(BulkJobAborted, BulkApiError)


class Own(BulkApiError):
    """A program's own, as ``exception_class``."""


def raised(call: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        BulkApiError("[400] no", status_code=400),
        BulkJobAborted("750x"),
        BulkBatchFailed("750x", "751x", "InvalidBatch : no", "Failed"),
        BulkBatchFailed(None, "751x", None),
        LoginIncomplete("too little"),
        BatchUnknown("unknown"),
        Own("mine"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_exception_survives_pickling(error: Exception) -> None:
    """3.2 "Exceptions picklable": text and attributes, of ours and of classes derived from ours."""
    again = pickle.loads(pickle.dumps(error))
    assert type(error) is type(again)
    assert (str(error), error.__dict__) == (str(again), again.__dict__)


def test_an_exception_that_was_really_raised_survives_pickling() -> None:
    """With the cause and the explanation that hang on it."""
    played = Played(batch_reply("Failed", stateMessage="InvalidBatch : no"))
    error = raised(lambda: played.bulk.is_batch_done("750x000000009tLAAQ", "751x000000009vwAAA"))
    again = pickle.loads(pickle.dumps(error))
    assert ("Failed", "InvalidBatch : no") == (again.state, again.state_message)


def test_the_xml_reader_of_an_error_is_there() -> None:
    """3.2 parse_error_result_xml."""
    element = ET.fromstring(
        '<errors xmlns="http://www.force.com/2009/06/asyncapi/dataload"><fields>Name</fields><fields>Site</fields>'
        "<message>too long</message><statusCode>STRING_TOO_LONG</statusCode></errors>"
    )
    assert {"fields": ["Name", "Site"], "message": "too long", "statusCode": "STRING_TOO_LONG"} == SalesforceBulk(
        TOKEN, HOST
    ).parse_error_result_xml(element)
