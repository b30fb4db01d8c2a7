"""The audit trail: who did what, when, from where; append-only and chained.

One *envelope* a transaction. The rows a transaction changed are written as *change rows* while it flushes; the
envelope carries their digest and the hash of the envelope before it, and takes the lock on the chain's head last,
right before the commit, so that a long import holds nobody up. Change rows are also the undo journal.
Personal values are stored apart: a change row holds only a salted commitment, so that a value can be erased
without breaking the chain. Nothing here is ever updated or deleted by the product.

`tables` the four tables · `values` their canonical JSON · `operation` begin and seal · `journal` change rows and
set-based writes · `hooks` what makes every flush and commit pass through here.
"""

from crm.core.audit.hooks import install
from crm.core.audit.journal import columns_of, delete_many, insert_many, record, update_many
from crm.core.audit.operation import Operation, Origin, Unnamed, begin, envelope_hash, running, seal
from crm.core.audit.tables import GENESIS, AuditChange, AuditEnvelope, AuditHead, AuditPersonal
from crm.core.audit.values import COMMITTED, canonical, change_bytes, commit_to, jsonable, revive

__all__ = [
    "COMMITTED",
    "GENESIS",
    "AuditChange",
    "AuditEnvelope",
    "AuditHead",
    "AuditPersonal",
    "Operation",
    "Origin",
    "Unnamed",
    "begin",
    "canonical",
    "change_bytes",
    "columns_of",
    "commit_to",
    "delete_many",
    "envelope_hash",
    "insert_many",
    "install",
    "jsonable",
    "record",
    "revive",
    "running",
    "seal",
    "update_many",
]
