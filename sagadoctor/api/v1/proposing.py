"""The door for plugins that can propose a mapping (`StorePlugin.propose`); only `init` loads it."""

from sagadoctor.api.proposal import Choice, Draft, Inquiry, NearMiss, Proposal, Question, Section, Setting
from sagadoctor.api.sql.inventory import ForeignKey, Inventory, Listed, TableKind

__all__ = [
    "Choice",
    "Draft",
    "ForeignKey",
    "Inquiry",
    "Inventory",
    "Listed",
    "NearMiss",
    "Proposal",
    "Question",
    "Section",
    "Setting",
    "TableKind",
]
