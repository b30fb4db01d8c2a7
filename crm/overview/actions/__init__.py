"""Every write of the roof: bulk changes, undo of an operation, an old value put back."""

from crm.overview.actions.restoring import old_values, restore

__all__ = ["old_values", "restore"]
