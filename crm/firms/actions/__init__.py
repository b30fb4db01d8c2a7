"""Every write of the registry, one verb of the trade each."""

from crm.firms.actions.appointing import APPOINTING
from crm.firms.actions.contacts import export_contacts, keep_contact, reveal_contact
from crm.firms.actions.derived import SEARCH, reindex_all
from crm.firms.actions.guards import Duplicate, named
from crm.firms.actions.holdings import (
    drop_contact,
    drop_equity,
    drop_institution,
    save_contact,
    save_equity,
    save_institution,
    set_above_scale,
    set_figures,
    set_ip,
)
from crm.firms.actions.judging import judge
from crm.firms.actions.pairs import distinguish, store
from crm.firms.actions.persons import chosen, erase_person, export_person, search_person
from crm.firms.actions.registry import (
    add_name,
    archive,
    check_editor,
    check_figures_editor,
    drop_name,
    edit,
    move,
    register,
    rename,
    restore,
)

__all__ = [
    "APPOINTING",
    "SEARCH",
    "Duplicate",
    "add_name",
    "archive",
    "check_editor",
    "check_figures_editor",
    "chosen",
    "distinguish",
    "drop_contact",
    "drop_equity",
    "drop_institution",
    "drop_name",
    "edit",
    "erase_person",
    "export_contacts",
    "export_person",
    "judge",
    "keep_contact",
    "move",
    "named",
    "register",
    "reindex_all",
    "rename",
    "restore",
    "reveal_contact",
    "save_contact",
    "save_equity",
    "save_institution",
    "search_person",
    "set_above_scale",
    "set_figures",
    "set_ip",
    "store",
]
