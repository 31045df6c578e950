"""``AsyncApi.xsd``, written from what is known of the records (bulk-api-1.md section 2). The real file is longer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from salesforce_bulk.wire.names import DATALOAD_NS, BatchState, Concurrency, JobState

from .requests import CONTENT_TYPES, OPERATIONS

_COUNT: Final = "xs:int"
_JOB: Final = (
    ("id", "xs:string"),
    ("operation", "tns:OperationEnum"),
    ("object", "xs:string"),
    ("createdById", "xs:string"),
    ("createdDate", "xs:dateTime"),
    ("systemModstamp", "xs:dateTime"),
    ("state", "tns:JobStateEnum"),
    ("externalIdFieldName", "xs:string"),
    ("concurrencyMode", "tns:ConcurrencyModeEnum"),
    ("contentType", "tns:ContentType"),
    ("numberBatchesQueued", _COUNT),
    ("numberBatchesInProgress", _COUNT),
    ("numberBatchesCompleted", _COUNT),
    ("numberBatchesFailed", _COUNT),
    ("numberBatchesTotal", _COUNT),
    ("numberRecordsProcessed", _COUNT),
    ("numberRetries", _COUNT),
    ("apiVersion", "xs:string"),
    ("assignmentRuleId", "xs:string"),
    ("numberRecordsFailed", _COUNT),
    ("totalProcessingTime", "xs:long"),
    ("apiActiveProcessingTime", "xs:long"),
    ("apexProcessingTime", "xs:long"),
    ("fastPathEnabled", "xs:boolean"),
)
_BATCH: Final = (
    ("id", "xs:string"),
    ("jobId", "xs:string"),
    ("state", "tns:BatchStateEnum"),
    ("stateMessage", "xs:string"),
    ("createdDate", "xs:dateTime"),
    ("systemModstamp", "xs:dateTime"),
    ("numberRecordsProcessed", _COUNT),
    ("numberRecordsFailed", _COUNT),
    ("totalProcessingTime", "xs:long"),
    ("apiActiveProcessingTime", "xs:long"),
    ("apexProcessingTime", "xs:long"),
)


def _type(name: str, elements: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f'   <xs:element name="{element}" type="{type}" minOccurs="0"/>\n' for element, type in elements)
    return f' <xs:complexType name="{name}">\n  <xs:sequence>\n{rows}  </xs:sequence>\n </xs:complexType>\n'


def _enum(name: str, values: Sequence[str]) -> str:
    rows = "".join(f'   <xs:enumeration value="{value}"/>\n' for value in values)
    head = f' <xs:simpleType name="{name}">\n  <xs:restriction base="xs:string">\n'
    return f"{head}{rows}  </xs:restriction>\n </xs:simpleType>\n"


def _public(names: type) -> list[str]:
    return [value for key, value in vars(names).items() if key.isupper()]


ASYNC_API_XSD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="{DATALOAD_NS}" targetNamespace="{DATALOAD_NS}" '
    'elementFormDefault="qualified">\n'
    ' <xs:element name="jobInfo" type="tns:JobInfo"/>\n'
    ' <xs:element name="batchInfo" type="tns:BatchInfo"/>\n'
    ' <xs:element name="batchInfoList" type="tns:BatchInfoList"/>\n'
    ' <xs:element name="result-list" type="tns:ResultList"/>\n'
    ' <xs:element name="results" type="tns:BatchResult"/>\n'
    ' <xs:element name="error" type="tns:Error"/>\n'
    + _type("JobInfo", _JOB)
    + _type("BatchInfo", _BATCH)
    + """\
 <xs:complexType name="BatchInfoList">
  <xs:sequence>
   <xs:element name="batchInfo" type="tns:BatchInfo" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence>
 </xs:complexType>
 <xs:complexType name="ResultList">
  <xs:sequence>
   <xs:element name="result" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence>
 </xs:complexType>
 <xs:complexType name="BatchResult">
  <xs:sequence>
   <xs:element name="result" type="tns:Result" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence>
 </xs:complexType>
 <xs:complexType name="Result">
  <xs:sequence>
   <xs:element name="errors" type="tns:ResultError" minOccurs="0" maxOccurs="unbounded"/>
   <xs:element name="id" type="xs:string" minOccurs="0"/>
   <xs:element name="success" type="xs:boolean"/>
   <xs:element name="created" type="xs:boolean"/>
  </xs:sequence>
 </xs:complexType>
 <xs:complexType name="ResultError">
  <xs:sequence>
   <xs:element name="fields" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>
   <xs:element name="message" type="xs:string"/>
   <xs:element name="statusCode" type="xs:string"/>
  </xs:sequence>
 </xs:complexType>
 <xs:complexType name="Error">
  <xs:sequence>
   <xs:element name="exceptionCode" type="xs:string"/>
   <xs:element name="exceptionMessage" type="xs:string"/>
  </xs:sequence>
 </xs:complexType>
"""
    + _enum("OperationEnum", sorted(OPERATIONS))
    + _enum("JobStateEnum", _public(JobState))
    + _enum("BatchStateEnum", _public(BatchState))
    + _enum("ConcurrencyModeEnum", _public(Concurrency))
    + _enum("ContentType", CONTENT_TYPES)
    + "</xs:schema>\n"
)
