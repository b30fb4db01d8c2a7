"""Setting up on a machine that has only Python: standard library only, nothing of the application is imported."""
