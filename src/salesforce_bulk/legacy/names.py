"""Constants of the old library that programs import."""

from __future__ import annotations

import re
from typing import Final

from ..session import DEFAULT_API_VERSION as DEFAULT_API_VERSION
from ..wire.names import BatchState, Concurrency, JobState

#: The old README writes ``concurrency=Serial`` without quotes: here are the names.
Serial: Final = Concurrency.SERIAL
Parallel: Final = Concurrency.PARALLEL

ABORTED: Final = JobState.ABORTED
FAILED: Final = BatchState.FAILED
NOT_PROCESSED: Final = BatchState.NOT_PROCESSED
COMPLETED: Final = BatchState.COMPLETED
ERROR_STATES: Final = (ABORTED, FAILED, NOT_PROCESSED)

#: In front of the ``client_id`` that a SOAP login names itself by.
DEFAULT_CLIENT_ID_PREFIX: Final = "PySFBulk"

nsclean: Final = re.compile("{.*}")

# Texts of the port by YPlan, as functions of their parts.
JobAbortedMessage = "Job {job_id} aborted.".format
BatchFailedMessage = "Batch {batch_id} of job {job_id} failed: {state_message}".format
IncompleteCredentialsMessage = "Must supply either sessionId/instance_url or username/password".format
MissingEnvironmentVariablesMessage = "You must set {missing_vars} to use username/pass login".format
MissingDependencyMessage = "You must install {dependency} to use username/password".format
HttpErrorMessage = "Bulk API HTTP Error result: {message}".format
