"""Every write about units, people, roles and sessions."""
