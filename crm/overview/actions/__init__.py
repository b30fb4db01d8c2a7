"""Every write of the roof: bulk changes, undo of an operation."""
