"""Entry point of WSGI servers: ``gunicorn wsgi:app``."""

from callcab.app import create_app

app = create_app()
