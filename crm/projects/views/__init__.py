"""The pages of projects."""

from crm.projects.views import charge, leads, listing, moving, papers, record, standing
from crm.projects.views.blueprint import bp

__all__ = ["bp", "charge", "leads", "listing", "moving", "papers", "record", "standing"]
