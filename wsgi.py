"""Entry point of WSGI servers: ``gunicorn wsgi:app``."""

import gc

from callcab.app import create_app

app = create_app()
# What was made by now lives as long as the process; looking through it again would now and then hold up a page.
gc.collect()
gc.freeze()
