"""Stock codes of the mainland exchanges. Pure."""

from __future__ import annotations

import re

# Shanghai main board and STAR, Shenzhen main board and ChiNext, Beijing since 2025: an exchange gives them to shares that
# are listed. Older codes of Beijing begin as those of NEEQ do, which is no listing.
_LISTED = re.compile(r"60[0135]\d{3}|68[89]\d{3}|00[0-3]\d{3}|30[0-2]\d{3}|920\d{3}")


def is_of_exchange(code: str) -> bool:
    """Whether only a listed share has such a code."""
    return _LISTED.fullmatch(code) is not None
