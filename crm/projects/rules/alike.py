"""What makes two leads look alike, and how often what one may not see may be asked about. Pure.

policy.md § 7.2: investor's code or name after normalising, actual controller, product, near amount.
"""

from __future__ import annotations

NEAR = 0.2  # amounts that differ by less than a fifth are near
HIDDEN_AN_HOUR = 30  # hidden records a person may come upon in an hour
LEAST = 2  # characters of a name that are looked for


def is_near(one: int | None, other: int | None) -> bool:
    """Whether two amounts differ by less than a fifth of the larger."""
    if not one or not other:
        return False
    return abs(one - other) <= NEAR * max(one, other)
