"""`python3 -m tests.house.revision "topic"` writes the next migration: what the models have and the last one lacks.

Look at what it wrote before committing it; the tests go up, down and up again on both databases.
"""

from __future__ import annotations

import re
import sys
import tempfile

from flask_migrate import revision

from crm import config as settings
from crm.app import create_app
from crm.core.db import writing
from crm.core.migrating import head, migrate


def write(topic: str) -> None:
    with tempfile.TemporaryDirectory() as data:
        app = create_app(settings.load({"CRM_DATA": data, "CRM_DEMO": "0"}))
        with app.app_context():
            writing()
            migrate()
            number = f"{int(head() or 0) + 1:04d}"
            revision(message=re.sub(r"\W+", "_", topic), autogenerate=True, rev_id=number)


if __name__ == "__main__":
    write(sys.argv[1])
