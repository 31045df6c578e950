"""The examples of the old READMEs, typed as they stand, against the local org: they run and print what they should.

Sources: README.md of 1.1.0 (commit d8333c1), README.rst of 2.2.0 (heroku/salesforce-bulk), README.md of salesforce-bulkipy
1.0 (wingify/salesforce-bulkipy). ``python3()`` changes what no Python 3 understands, and nothing else.
"""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any

import pytest

from salesforce_bulk import SalesforceBulk
from salesforce_bulk.emulator import LocalOrg

# -- 1.1.0 --------------------------------------------------------------------------------------------------------------

LOGIN_BY_PASSWORD = """
from salesforce_bulk import SalesforceBulk

bulk = SalesforceBulk(username=username,password=password)
...
"""

LOGIN_BY_SESSION = """
from urlparse import urlparse
from salesforce_bulk import SalesforceBulk

bulk = SalesforceBulk(sessionId=sessionId, host=urlparse(instance_url).hostname)
...
"""

QUERY = """
job = bulk.create_query_job("Contact", contentType='CSV')
batch = bulk.query(job, "select Id,LastName from Contact")
while not bulk.is_batch_done(job, batch):
\tsleep(10)
bulk.close_job(job)

for row in bulk.get_batch_result_iter(job, batch, parse_csv=True):
\tprint row   #row is a dict
"""

INSERT = """
from salesforce_bulk import CsvDictsAdapter

job = bulk.create_insert_job("Account", contentType='CSV')

accounts = [dict(Name="Account%d" % idx) for idx in xrange(5)]

csv_iter = CsvDictsAdapter(iter(accounts))

batch = bulk.post_bulk_batch(job, csv_iter)

bulk.wait_for_batch(job, batch)

bulk.close_job(job)

print "Done. Accounts uploaded."
"""

# -- 2.2.0 --------------------------------------------------------------------------------------------------------------

LOGIN_WITH_TOKEN = """
from salesforce_bulk import SalesforceBulk

bulk = SalesforceBulk(username=username, password=password, security_token=security_token)
...
"""

QUERY_JSON = """
import json
from salesforce_bulk.util import IteratorBytesIO

job = bulk.create_query_job("Contact", contentType='JSON')
batch = bulk.query(job, "select Id,LastName from Contact")
bulk.close_job(job)
while not bulk.is_batch_done(batch):
    sleep(10)

for result in bulk.get_all_results_for_query_batch(batch):
    result = json.load(IteratorBytesIO(result))
    for row in result:
        print row # dictionary rows
"""

QUERY_CSV = """
import unicodecsv

job = bulk.create_query_job("Contact", contentType='CSV')
batch = bulk.query(job, "select Id,LastName from Contact")
bulk.close_job(job)
while not bulk.is_batch_done(batch):
    sleep(10)

for result in bulk.get_all_results_for_query_batch(batch):
    reader = unicodecsv.DictReader(result, encoding='utf-8')
    for row in reader:
        print(row) # dictionary rows
"""

INSERT_2 = """
from salesforce_bulk import CsvDictsAdapter

job = bulk.create_insert_job("Account", contentType='CSV')
accounts = [dict(Name="Account%d" % idx) for idx in xrange(5)]
csv_iter = CsvDictsAdapter(iter(accounts))
batch = bulk.post_batch(job, csv_iter)
bulk.wait_for_batch(job, batch)
bulk.close_job(job)
print("Done. Accounts uploaded.")
"""

# -- salesforce-bulkipy 1.0 ---------------------------------------------------------------------------------------------

BULKIPY_LOGIN = """
from salesforce_bulkipy import SalesforceBulkipy

bulk = SalesforceBulkipy(username=username, password=password, security_token=security_token) #optional parameter: sandbox=True

# Authentication Successful!
"""

BULKIPY_SESSION = """
from salesforce_bulkipy import SalesforceBulkipy

bulk = SalesforceBulkipy(session_id=session_id, host=host) #optional parameter: sandbox=True

# Authentication Successful!
"""

BULKIPY_INSERT = """
from salesforce_bulkipy import SalesforceBulkipy
from salesforce_bulkipy import CsvDictsAdapter

bulk = SalesforceBulkipy(username=username, password=password, security_token=security_token)

records_to_insert = [{}, {}]  # A list of A Custom Object dict

# Bulk Insert
job = bulk.create_insert_job("CustomObjectName", contentType='CSV')
csv_iter = CsvDictsAdapter(iter(records_to_insert))
batch = bulk.post_bulk_batch(job, csv_iter)
bulk.wait_for_batch(job, batch)
bulk.close_job(job)
"""

BULKIPY_QUERY = """
from salesforce_bulkipy import SalesforceBulkipy

bulk = SalesforceBulkipy(username=username, password=password, security_token=security_token)

records_to_insert = [{}, {}]  # A list of A Custom Object dict

# Bulk Query
query = '' # SOQL Query
job = bulk.create_query_job("PushCrew_Account__c", contentType='CSV')
batch = bulk.query(job, query)
bulk.wait_for_batch(job, batch)
bulk.close_job(job)
# Result
results = bulk.get_batch_result_iter(job, batch, parse_csv=True)
"""


def python3(example: str) -> str:
    """*example* with the print function, ``range``, ``urllib.parse``, and the csv module in place of unicodecsv."""
    for old, new in (
        (r"print ([^(\n#]+?)( *#.*)?$", r"print(\1)\2"),
        (r"\bxrange\b", "range"),
        (r"from urlparse import", "from urllib.parse import"),
        (r"^import unicodecsv$", "import csv, io"),
        (
            r"unicodecsv\.DictReader\(result, encoding='utf-8'\)",
            "csv.DictReader(io.TextIOWrapper(result, encoding='utf-8'))",
        ),
    ):
        example = re.sub(old, new, example, flags=re.MULTILINE)
    return example


def typed(names: dict[str, Any], *examples: str) -> str:
    """What the examples print, one after the other in one program."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for example in examples:
            exec(compile(python3(example), "README", "exec"), names)
    return printed.getvalue()


@pytest.fixture
def names(at_the_org: LocalOrg) -> dict[str, Any]:
    """What the reader of the README has at hand: who he is, and ``sleep``, which here moves the org's clock."""
    return {
        "username": at_the_org.username,
        "password": at_the_org.password,
        "security_token": at_the_org.security_token,
        "sessionId": at_the_org.access_token,
        "session_id": at_the_org.access_token,
        "instance_url": at_the_org.url,
        "host": at_the_org.url.removeprefix("http://"),
        "sleep": at_the_org.clock.advance,
    }


def contacts(org: LocalOrg) -> list[str]:
    """Three contacts; what a program prints of them as dicts of Id and LastName."""
    ids = org.holds("Contact", [{"LastName": "Lovelace"}, {"LastName": 'Zoë, "Z"\nof two lines'}, {"LastName": "Ng"}])
    rows = [
        {"Id": id_, "LastName": name}
        for id_, name in zip(ids, ["Lovelace", 'Zoë, "Z"\nof two lines', "Ng"], strict=True)
    ]
    return [f"{row}\n" for row in rows]


@pytest.mark.parametrize("login", ["password", "session"])
def test_the_examples_of_1_1_0(names: dict[str, Any], local_org: LocalOrg, login: str) -> None:
    """Both ways to log in, the query that prints each row as a dict, and the insert that prints that it is done."""
    if login == "password":
        # The password alone, as the README has it: the user's network is trusted, or the token stands behind the password.
        names["password"] += local_org.security_token
    expected = contacts(local_org)

    printed = typed(names, LOGIN_BY_PASSWORD if login == "password" else LOGIN_BY_SESSION, QUERY, INSERT)

    assert "".join(expected) + "Done. Accounts uploaded.\n" == printed
    assert [f"Account{number}" for number in range(5)] == [
        row["Name"] for row in local_org.rows("SELECT Name FROM Account ORDER BY Name")
    ]
    names["bulk"].org.close()


def test_the_concurrency_modes_of_1_1_0(names: dict[str, Any]) -> None:
    """ "pass ``concurrency=Serial`` or ``concurrency=Parallel``", without quotes as the README writes them."""
    typed(names, LOGIN_BY_SESSION)
    printed = typed(
        names,
        "from salesforce_bulk import *\n"
        'for mode in (dict(concurrency=Serial), dict(concurrency=Parallel), dict(concurrency="Serial")):\n'
        '    print(bulk.job_status(bulk.create_insert_job("Account", **mode))["concurrencyMode"])\n',
    )
    assert "Serial\nParallel\nSerial\n" == printed
    names["bulk"].org.close()


def test_the_signature_of_create_query_job_that_1_1_0_shows(names: dict[str, Any]) -> None:
    """``SalesforceBulk.create_query_job(object_name, contentType='CSV', concurrency=None)``, by position."""
    typed(names, LOGIN_BY_SESSION)
    assert "JSON Serial\n" == typed(
        names,
        'status = bulk.job_status(bulk.create_query_job("Contact", "JSON", "Serial"))\n'
        'print(status["contentType"], status["concurrencyMode"])\n',
    )
    names["bulk"].org.close()


@pytest.mark.parametrize("login", [LOGIN_WITH_TOKEN, LOGIN_BY_SESSION], ids=["token", "session"])
def test_the_examples_of_2_2_0(names: dict[str, Any], local_org: LocalOrg, login: str) -> None:
    """Batch alone instead of job and batch; JSON rows with the attributes that the API adds; CSV; post_batch."""
    expected = contacts(local_org)

    printed = typed(names, login, QUERY_CSV, INSERT_2)
    assert "".join(expected) + "Done. Accounts uploaded.\n" == printed
    assert 5 == len(local_org.rows("SELECT Id FROM Account"))

    rows = [eval(line) for line in typed(names, QUERY_JSON).splitlines()]
    assert expected == [f"{ {name: row[name] for name in ('Id', 'LastName')} }\n" for row in rows]
    names["bulk"].org.close()


@pytest.mark.parametrize(
    "arguments",
    [
        "contentType='JSON'",
        "contentType='CSV', pk_chunking=True",
        "contentType='CSV', pk_chunking=100000",
        # The README ends the id in "xEftMGH", which is no checksum of it, and the local org looks at checksums; the text goes
        # out as it is (test_jobs.py).
        "contentType='CSV', pk_chunking='chunkSize=50000; startRow=00130000000xEft'",
    ],
)
def test_the_jobs_that_2_2_0_shows(names: dict[str, Any], local_org: LocalOrg, arguments: str) -> None:
    """``create_query_job`` and ``create_queryall_job`` with each argument that the README names."""
    typed(names, LOGIN_BY_SESSION)
    for method in ("create_query_job", "create_queryall_job"):
        assert "Open\n" == typed(names, f'print(bulk.job_state(bulk.{method}("Account", {arguments})))')
    names["bulk"].org.close()


def test_the_examples_of_the_fork(names: dict[str, Any], local_org: LocalOrg) -> None:
    """Its placeholders filled in: an object, records and a query."""
    insert = BULKIPY_INSERT.replace("CustomObjectName", "Account").replace(
        "[{}, {}]", "[{'Name': 'Añ'}, {'Name': 'B'}]"
    )
    query = BULKIPY_QUERY.replace("PushCrew_Account__c", "Account").replace("''", "'SELECT Name FROM Account'", 1)

    assert "" == typed(names, BULKIPY_LOGIN, BULKIPY_SESSION, insert, query)

    assert [{"Name": "Añ"}, {"Name": "B"}] == list(names["results"])
    assert isinstance(names["bulk"], SalesforceBulk)
    names["bulk"].org.close()
