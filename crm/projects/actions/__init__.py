"""Every write of projects, one verb of the trade each."""

from crm.projects.actions.charge import Team, appoint
from crm.projects.actions.counting import count, mark_increase, uncount
from crm.projects.actions.deriving import PULSE
from crm.projects.actions.editing import edit
from crm.projects.actions.freezing import FROZEN, freeze
from crm.projects.actions.moving import move, resume, set_aside
from crm.projects.actions.papers import excuse, prove, put_away, take_back
from crm.projects.actions.payments import check_payment, pay, withdraw_payment
from crm.projects.actions.reporting import Known, report
from crm.projects.actions.standing import archive, link_firm, restore

__all__ = [
    "FROZEN",
    "PULSE",
    "Known",
    "Team",
    "appoint",
    "archive",
    "check_payment",
    "count",
    "edit",
    "excuse",
    "freeze",
    "link_firm",
    "mark_increase",
    "move",
    "pay",
    "prove",
    "put_away",
    "report",
    "restore",
    "resume",
    "set_aside",
    "take_back",
    "uncount",
    "withdraw_payment",
]
