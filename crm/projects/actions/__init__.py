"""Every write of projects, one verb of the trade each."""

from crm.projects.actions.charge import Team, appoint
from crm.projects.actions.counting import count, mark_increase, uncount
from crm.projects.actions.deriving import PULSE
from crm.projects.actions.editing import edit
from crm.projects.actions.freezing import FROZEN, freeze
from crm.projects.actions.holding import claim, decide, dispute, note_feedback, release
from crm.projects.actions.indexing import SEARCH
from crm.projects.actions.moving import move, resume, set_aside
from crm.projects.actions.papers import excuse, prove, put_away, take_back
from crm.projects.actions.payments import check_payment, pay, withdraw_payment
from crm.projects.actions.portfolio import hand_over_all
from crm.projects.actions.reporting import Known, report
from crm.projects.actions.standing import archive, link_firm, restore

__all__ = [
    "FROZEN",
    "PULSE",
    "SEARCH",
    "Known",
    "Team",
    "appoint",
    "archive",
    "check_payment",
    "claim",
    "count",
    "decide",
    "dispute",
    "edit",
    "excuse",
    "freeze",
    "hand_over_all",
    "link_firm",
    "mark_increase",
    "move",
    "note_feedback",
    "pay",
    "prove",
    "put_away",
    "release",
    "report",
    "restore",
    "resume",
    "set_aside",
    "take_back",
    "uncount",
    "withdraw_payment",
]
