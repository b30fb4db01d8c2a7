"""Every read of the ladder. Each takes the viewer."""

from crm.ladder.queries.counts import Group, at_stage, count_firms, present_on, valid_on
from crm.ladder.queries.registry import Registry, load_registry

__all__ = ["Group", "Registry", "at_stage", "count_firms", "load_registry", "present_on", "valid_on"]
