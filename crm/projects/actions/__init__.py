"""Every write of projects, one verb of the trade each."""

from crm.projects.actions.charge import Team, appoint
from crm.projects.actions.deriving import PULSE
from crm.projects.actions.editing import edit
from crm.projects.actions.indexing import SEARCH
from crm.projects.actions.moving import move, resume, set_aside
from crm.projects.actions.papers import excuse, prove, put_away, take_back
from crm.projects.actions.reporting import Known, report
from crm.projects.actions.standing import archive, link_firm, restore

__all__ = [
    "PULSE",
    "SEARCH",
    "Known",
    "Team",
    "appoint",
    "archive",
    "edit",
    "excuse",
    "link_firm",
    "move",
    "prove",
    "put_away",
    "report",
    "restore",
    "resume",
    "set_aside",
    "take_back",
]
