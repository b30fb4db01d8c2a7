"""The door for any WSGI server: ``waitress-serve wsgi:app``, ``gunicorn wsgi:app``."""

from crm.app import create_app

app = create_app()
