"""Every write of the registry, one verb of the trade each."""

from crm.firms.actions.derived import SEARCH, reindex_all
from crm.firms.actions.guards import Duplicate, named
from crm.firms.actions.holdings import (
    drop_contact,
    drop_equity,
    drop_institution,
    reveal_contact,
    save_contact,
    save_equity,
    save_institution,
    set_above_scale,
    set_figures,
    set_ip,
)
from crm.firms.actions.judging import judge
from crm.firms.actions.registry import (
    add_name,
    archive,
    check_editor,
    drop_name,
    edit,
    move,
    register,
    rename,
    restore,
)

__all__ = [
    "SEARCH",
    "Duplicate",
    "add_name",
    "archive",
    "check_editor",
    "drop_contact",
    "drop_equity",
    "drop_institution",
    "drop_name",
    "edit",
    "judge",
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
    "set_above_scale",
    "set_figures",
    "set_ip",
]
