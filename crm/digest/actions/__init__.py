"""Every write of the weekly mail: one verb each."""

from crm.digest.actions import outbox
from crm.digest.actions.muting import mute, settle, unmute
from crm.digest.actions.remembering import remember

__all__ = ["mute", "outbox", "remember", "settle", "unmute"]
