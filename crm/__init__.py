"""Tidui 梯队: an incubation-pipeline CRM. Nothing heavy here: the bootstrap imports this package."""

__version__ = "0.1.0"
