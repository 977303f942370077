"""Names of tables and columns, taken apart, and what they usually stand for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final

_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|\d+")
_REMEMBERED: Final = 50_000
"""Names that are taken apart once: a database of thousands of tables has the same ones again and again."""
_LONGEST: Final = 128
"""What the mapping language takes as a name."""

OWNERS: Final = frozenset(
    [
        "saga",
        "sagas",
        "workflow",
        "workflows",
        "process",
        "transaction",
        "trans",
        "tx",
        "instance",
        "execution",
        "global",
        "business",
        "flow",
        "job",
        "task",
        "step",
        "steps",
        "operation",
        "op",
        "event",
        "state",
        "txn",
    ]
)
"""Words that say of what thing a column tells; `saga_status` is its status."""


@lru_cache(maxsize=_REMEMBERED)
def tokens(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case: `currentStep`, `current_step` and `CURRENT STEP` are the same."""
    return tuple(part.lower() for part in _PART.findall(name))


@lru_cache(maxsize=_REMEMBERED)
def plain(name: str) -> str:
    """Return a name in lower case without anything between its words."""
    return "".join(tokens(name))


def singular(word: str) -> str:
    """Return a plural as its singular, as English mostly has it."""
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 2 else word


def is_mappable(name: str) -> bool:
    """Say whether the mapping language can write this name at all."""
    return (
        bool(name.strip())
        and len(name) <= _LONGEST
        and not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in name)
    )


def spellings(name: str, owners: Sequence[str] = ()) -> tuple[str, ...]:
    """Return a column's name as it may be listed: as it is, then without the words that name its owner."""
    parts = tokens(name)
    found = ["".join(parts)]
    dropped = _dropped(tuple(owners))
    at = 0
    while at < len(parts) - 1 and (parts[at] in dropped or singular(parts[at]) in dropped):
        at += 1
        found.append("".join(parts[at:]))
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=1000)
def _dropped(owners: tuple[str, ...]) -> frozenset[str]:
    """Return the words that say whose a column is: its table's, and those that mean any such thing."""
    return OWNERS | {singular(word) for owner in owners for word in tokens(owner)} | set(map(plain, owners))


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TIMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "created_at": _listed(
            "createdat created createtime creationtime createdtime creationdate createddate createdate timecreated "
            "datecreated gmtcreate createdon createdts startedat starttime startdate startedon starttimestamp "
            "insertedat beganat ctime started start timestarted"
        ),
        "updated_at": _listed(
            "updatedat updated updatetime updatedtime modifiedat modifytime modifiedtime lastmodified lastmodifiedat "
            "lastupdated lastupdatedat lastupdate gmtmodified gmtupdate changedat lastprogressat progressat "
            "lastactivityat lasttransitionat transitionedat mtime timemodified timeupdated updateddate updatedate "
            "updatedon modifiedon lasttouched lastchange lastchanged lastchangeat changed statuschangedat "
            "statechangedat"
        ),
        "ended_at": _listed(
            "endedat completedat finishedat endtime finishtime closedat completiontime enddate completedtime "
            "completedon finishedon endedon timeended timefinished finished ended"
        ),
        "deadline": _listed(
            "deadline timeoutat expiresat expiretime expirytime expirationtime expiry expiration expiredat dueat "
            "duedate duetime validuntil timeouttime"
        ),
        "next_attempt_at": _listed(
            "nextretryat nextattemptat nextretrytime nexttriggertime nextruntime nextcrontime nextexecutionat "
            "nextrunat retryat nextretry nexttryat nextexecutiontime wakeupat wakeat"
        ),
        "lease_until": _listed(
            "lockeduntil leaseuntil leaseexpiresat lockexpiresat lockexpiry leaseexpiry leaseexpires lockuntil "
            "claimedlockuntil claimeduntil lockedtill"
        ),
    }
)
"""Moments of a saga, the likeliest names first."""

SAGA_ROLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "type": _listed(
            "sagatype type saganame name workflowname workflowtype processtype processname kind definitionname "
            "definition definitionkey definitionid transtype flowname bizname businessname businesstype classname"
        ),
        "current_step": _listed(
            "currentstep currentstepname currentstepindex step stepname stepindex currenttx currentactivity "
            "currentnode cursor currentstepid stepno currentstepno currentlyexecuting activestep currentstepnumber "
            "currentstate currenttask position"
        ),
        "version": _listed(
            "version rev revision lockversion rowversion optlock concurrency versionno concurrencytoken"
        ),
        "attempts": _listed(
            "attempts attemptcount retrycount retries retrycnt recoveryattempts triggercount tries retry attempt "
            "numretries numattempts triescount failurecount"
        ),
        "error": _listed(
            "errormessage error lasterror failurereason errormsg errordetails failuremessage errortext failreason "
            "lasterrormessage exception failure errorinfo rollbackreason abortreason"
        ),
        "owner": _listed(
            "lockedby owner ownerid workerid worker claimedby executorid lockowner pickedby instanceowner leasedby "
            "lockholder processedby nodeid"
        ),
        "business_key": _listed(
            "businesskey bizkey bizid businessid reference referenceid referenceno externalreference orderid orderno "
            "ordernumber bookingid paymentid transferid"
        ),
        "correlation_id": _listed("correlationid conversationid correlationkey"),
        "trace_id": _listed("traceid traceparent"),
        "parent": _listed("parentid parentsagaid parentworkflowid parentinstanceid parentuuid parentexecutionid"),
        "waiting_for": _listed("waitingfor awaiting waitsfor waitfor"),
        "payload": _listed(
            "data payload sagadata context contextdata input inputdata body sagacontext document content ctx "
            "contextjson payloadjson datajson jsondata variables params parameters args arguments request "
            "requestdata state"
        ),
    }
)
"""What else a saga's row may tell, the likeliest names first."""

STATE_NAMES: Final = _listed(
    "state status sagastate sagastatus currentstate currentstatus phase lifecycle lifecyclestate stage zustand etat "
    "estado stato progress"
)
ID_NAMES: Final = _listed(
    "sagaid id gid uuid guid executionid instanceid workflowid processid transactionid txid globaltxid globalid xid "
    "correlationid sagainstanceid sagakey key"
)

STEP_ROLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "name": _listed(
            "stepname name step stepid activityname activity nodename nodeid node taskname task stepkey branchid "
            "branch eventname participant service servicename operation operationname transactionname label title type "
            "stepcode code seqname"
        ),
        "status": _listed("status state stepstatus stepstate result outcome eventtype phase event type currentstatus"),
        "action": _listed(
            "action command actionname commandname forwardaction executeaction url endpoint handler topic actionurl "
            "forward actiontype commandtype invoke do execute"
        ),
        "compensation": _listed(
            "compensation compensateaction compensationaction compensationcommand compensationname undo undoaction "
            "rollbackaction compensatecommand compensationmethod compensationurl compensateurl compensate rollback "
            "compensationhandler cancelaction reverseaction"
        ),
        "error": _listed(
            "errormessage error lasterror failurereason errormsg failuremessage errortext exception failreason reason "
            "errordetails details message"
        ),
        "result": _listed("result output response responsepayload outputdata resultdata stepresult returnvalue"),
        "attempts": _listed("attempts attemptcount retrycount retries tries retry attempt attemptno retrycnt"),
    }
)
STEP_TIMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "started_at": _listed(
            "startedat starttime started began begunat sentat dispatchedat invokedat startdate "
            "executionstartedat beganat "
            "timestarted"
        ),
        "executed_at": _listed(
            "executedat completedat finishedat endedat endtime finishtime finished completed ended doneat "
            "succeededat completedtime "
            "completiontime executiontime processedat timefinished"
        ),
        "compensated_at": _listed("compensatedat undoneat rolledbackat compensationtime revertedat compensatetime"),
        "timeout_at": _listed("timeoutat deadline expiresat expiretime expirytime expiry dueat"),
        "next_attempt_at": _listed("nextretryat nextattemptat nextretrytime retryat nextrunat nexttryat"),
        "at": _listed(
            "eventtime at timestamp occurredat loggedat recordedat createdat createtime creationtime time ts created "
            "insertedat logtime updatedat updatetime gmtcreate"
        ),
    }
)
ORDER_NAMES: Final = _listed(
    "steporder sequence seq stepindex stepnumber stepno position idx ordinal sortorder orderindex orderno stepseq "
    "sequenceno sequencenumber seqno index order ordering number num branchorder"
)
STEPS_NAMES: Final = _listed(
    "steps stepstatus stepstate stepsjson sagasteps stepdata stepslog compensatedsteps completedsteps"
)
GONE_NAMES: Final = _listed("deletedat archivedat removedat deletedon archivedon")
"""Times that say that nobody looks at a row any more."""

FORWARD_WORDS: Final = frozenset(
    [
        "act",
        "action",
        "execute",
        "do",
        "forward",
        "invoke",
        "run",
        "perform",
        "commit",
        "try",
        "confirm",
        "apply",
        "up",
        "step",
        "executing",
        "transaction",
    ]
)
UNDO_WORDS: Final = frozenset(
    [
        "compensate",
        "compensation",
        "undo",
        "rollback",
        "cancel",
        "revert",
        "reverse",
        "backward",
        "compensating",
        "down",
        "compensated",
    ]
)


def ranked(name: str, listed: Sequence[str], owners: Sequence[str] = ()) -> float | None:
    """Return where a column's name stands in a list (0 is the likeliest); behind, without its owner's name."""
    best: float | None = None
    for dropped, spelt in enumerate(spellings(name, owners)):
        if spelt in listed:
            place = listed.index(spelt) + 0.5 * min(dropped, 1)
            best = place if best is None else min(best, place)
    return best
