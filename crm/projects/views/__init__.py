"""The pages of projects."""

from crm.projects.views import board, charge, holding, leads, moving, papers, portfolio, record, standing
from crm.projects.views.blueprint import bp

__all__ = ["board", "bp", "charge", "holding", "leads", "moving", "papers", "portfolio", "record", "standing"]
