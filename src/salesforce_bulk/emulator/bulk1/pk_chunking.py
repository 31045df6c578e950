"""PK chunking: one query becomes many, each over a range of ids. Source: bulk-api-1.md 7.2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from salesforce_bulk.wire.names import ExceptionCode

from .. import ids
from ..answers.bulk1 import Refused
from ..limits import Limits
from ..schema import Schema, SObject
from ..soql import Query
from ..soql.syntax import AnyOf, Not

#: The object list of the guide's page "PK Chunking". Custom objects are supported too.
SUPPORTED = frozenset(
    """
    Account AccountContactRelation AccountTeamMember AiVisitSummary Asset AssignedResource Campaign CampaignMember
    CandidateAnswer Case CaseArticle CaseComment CaseRelatedIssue ChangeRequest ChangeRequestRelatedIssue
    ChangeRequestRelatedItem Claim ClaimParticipant Contact ContentDistribution ContentDocument ContentNote ContentVersion
    Contract ContractLineItem ConversationDefinitionEventLog ConversationEntry ConversationReason
    ConversationReasonExcerpt ConversationReasonGroup CustomerProperty EinsteinAnswerFeedback EmailMessage EngagementScore
    Entitlement Event EventRelation FeedItem Incident IncidentRelatedItem Individual InsurancePolicy InsurancePolicyAsset
    InsurancePolicyParticipant Lead LeadInsight LinkedArticle LiveChatTranscript LoginHistory LoyaltyAggrPointExprLedger
    LoyaltyLedger LoyaltyLedgerTraceability LoyaltyMemberCurrency LoyaltyMemberTier LoyaltyPartnerProduct
    LoyaltyProgramMbrPromotion LoyaltyProgramMember LoyaltyProgramPartner LoyaltyProgramPartnerLedger MessagingSession
    MlRetrainingFeedback Note ObjectTerritory2Association Opportunity OpportunityContactRole OpportunityHistory
    OpportunityLineItem OpportunitySplit OpportunityTeamMember Order OrderItem Pricebook2 PricebookEntry Problem
    ProblemIncident ProblemRelatedItem Product2 ProductConsumed ProductRequired QuickText Quote QuoteLineItem ReplyText
    ScoreIntelligence ServiceAppointment ServiceContract Task TaskRelation TermDocumentFrequency TimeSheetEntry
    TransactionJournal User UserRole VoiceCall VoiceCallRecording Voucher WebCart WorkloadUnit WorkOrder WorkOrderLineItem
    WorkPlan WorkPlanTemplate
    """.split()  # noqa: SIM905 -- a hundred lines otherwise
)
_WHERE = re.compile(r"\bwhere\b", re.IGNORECASE)


def read_chunking(header: str, limits: Limits) -> dict[str, Any] | None:
    """``Sforce-Enable-PKChunking``. What cannot be right refuses the job (U15: the answer is not on record)."""
    tokens = [token.strip() for token in header.split(";") if token.strip()]
    if not tokens or [token.lower() for token in tokens] == ["false"]:
        return None
    read: dict[str, Any] = {"chunkSize": limits.chunk_size, "parent": None, "startRow": None}
    for token in tokens:
        name, _, value = (part.strip() for part in token.partition("="))
        match name.lower():
            case "chunksize":
                if not value.isdecimal() or not 1 <= int(value) <= limits.max_chunk_size:
                    raise _refused(f"chunkSize is {value}, and can be 1 to {limits.max_chunk_size}")
                read["chunkSize"] = int(value)
            case "startrow":
                start = ids.normalise(value[:15])  # real programs send one whose last three characters are wrong
                if start is None:
                    raise _refused(f"startRow is no id: {value}")
                read["startRow"] = start[:15]
            case "parent":
                read["parent"] = value
    return read


def _refused(message: str) -> Refused:
    return Refused(ExceptionCode.INVALID_JOB, f"Invalid Sforce-Enable-PKChunking: {message}")


def chunked_object(sobject: SObject, chunking: dict[str, Any], schema: Schema) -> tuple[SObject, str] | None:
    """Whose ids make the ranges, and in which field they stand. None: the object cannot be chunked so."""
    if chunking["parent"]:
        parent = schema.object(chunking["parent"])
        if parent is None or not (parent.custom or parent.name in SUPPORTED):
            return None
        for name in (f"{parent.name}Id", "ParentId"):
            if (field := sobject.field(name)) is not None:
                return parent, field.name
        return None
    return (sobject, "Id") if sobject.custom or sobject.name in SUPPORTED else None


def can_chunk(query: Query) -> bool:
    """ "A filter on any field with "id" in its name, or ORDER BY, disables chunking", and so does all but WHERE."""
    plain = not (query.order or query.group or query.having or query.tail or query.scope)
    return plain and query.limit is None and query.offset is None and not _filters_on_id(query.where)


def _filters_on_id(condition: Any) -> bool:
    if condition is None:
        return False
    parts = getattr(condition, "parts", None) or [part for part in (getattr(condition, "part", None),) if part]
    if parts:
        return any(map(_filters_on_id, parts))
    return "id" in str(condition.target).lower()


def ranges(first: str, last: str, size: int) -> Iterator[tuple[str, str]]:
    """Half-open ranges of *size* ids, from *first* until *last* is in one. Ids of 15 characters."""
    prefix, start = first[:3], _number(first[3:])
    end = _number(last[3:])
    while True:
        yield prefix + _text(start), prefix + _text(start + size)
        start += size
        if start > end:
            return


def narrowed(soql: str, query: Query, field: str, low: str, high: str) -> str:
    """The query over one range. It begins with the original text, unless an OR or a NOT has to be put in brackets."""
    condition = f"{field} >= {low} AND {field} < {high}"
    soql = soql.rstrip()
    if query.where is None:
        return f"{soql} WHERE {condition}"
    if isinstance(query.where, AnyOf | Not) and (found := _WHERE.search(soql)) is not None:
        return f"{soql[: found.end()]} ({soql[found.end() :].strip()}) AND {condition}"
    return f"{soql} AND {condition}"


def _number(text: str) -> int:
    number = 0
    for character in text:
        number = number * 62 + ids.DIGITS.index(character)
    return number


def _text(number: int) -> str:
    text = ""
    for _ in range(12):
        number, digit = divmod(number, 62)
        text = ids.DIGITS[digit] + text
    return text
