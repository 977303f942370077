"""The door: everything that a plugin may import, and what stays stable within version 1.

The guest connection to SQL databases is `sagadoctor.api.v1.sql`, loaded only by those who ask for it.
"""

from msgspec.structs import replace

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.options import Duration, LateModel, Options, Secret
from sagadoctor.api.ports import (
    API_VERSION,
    CheckLevel,
    CheckLine,
    Look,
    Page,
    PlainStore,
    Store,
    StoreContext,
    StorePlugin,
)
from sagadoctor.api.worker import Worker
from sagadoctor.clock import Clock, StillClock, SystemClock
from sagadoctor.errors import (
    AccessDenied,
    BackendError,
    Busy,
    ConfigError,
    DeadlineExceeded,
    FullScanRefused,
    Lost,
    Problem,
    SchemaMismatch,
    TooManyConnections,
    Unreachable,
    WrongService,
)
from sagadoctor.model.capability import Capability
from sagadoctor.model.policy import Policy, SagaPolicy, StepDefinition, Thresholds
from sagadoctor.model.saga import (
    ENDED,
    FORWARD,
    LIVE,
    NOT_LOOKED_AT,
    RUNNING_WORDS,
    Doubt,
    LockWait,
    OutboxEntry,
    Owner,
    Receipt,
    Reply,
    ReplyOutcome,
    Saga,
    SagaRef,
    SagaState,
    Step,
    StepStatus,
)
from sagadoctor.model.survey import OrphanSteps, SharedKey, Survey
from sagadoctor.redaction import Redactor, mask_text, mask_url
from sagadoctor.untrusted import Shown, shown

__all__ = [
    "API_VERSION",
    "ENDED",
    "FORWARD",
    "LIVE",
    "NOT_LOOKED_AT",
    "RUNNING_WORDS",
    "AccessDenied",
    "BackendError",
    "Busy",
    "Capability",
    "CheckLevel",
    "CheckLine",
    "Clock",
    "ConfigError",
    "Deadline",
    "DeadlineExceeded",
    "Doubt",
    "Duration",
    "FullScanRefused",
    "LateModel",
    "LockWait",
    "Look",
    "Lost",
    "Options",
    "OrphanSteps",
    "OutboxEntry",
    "Owner",
    "Page",
    "PlainStore",
    "Policy",
    "Problem",
    "Receipt",
    "Redactor",
    "Reply",
    "ReplyOutcome",
    "Saga",
    "SagaPolicy",
    "SagaRef",
    "SagaState",
    "SchemaMismatch",
    "Secret",
    "SharedKey",
    "Shown",
    "Step",
    "StepDefinition",
    "StepStatus",
    "StillClock",
    "Store",
    "StoreContext",
    "StorePlugin",
    "Survey",
    "SystemClock",
    "Thresholds",
    "TooManyConnections",
    "Unreachable",
    "Worker",
    "WrongService",
    "mask_text",
    "mask_url",
    "replace",
    "shown",
]
