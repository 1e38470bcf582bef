"""The application: every part is wired here and nowhere else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, redirect
from flask_compress import Compress
from flask_login import current_user
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from callcab import api, config, logs, views
from callcab.config import ConfigError, Settings
from callcab.jobs import edge
from callcab.web import access, auth, balance, carried, errors, following, headers, health, ip_wall, language, live
from callcab.web.database import db
from callcab.web.templates import Templates
from callcab.web.theme import init_theme

ROOT = Path(__file__).resolve().parent.parent
BODY_LIMIT = 10 * 1024 * 1024
FORM_FIELDS = 1000
# Browsers offer zstd under https only; gzip of this level takes 0.2 ms for a page of 110 KB.
PACKED, PACKED_LEVEL = ("zstd", "gzip"), 3


class Application(Flask):
    """Flask with an environment of templates and cookies of our own."""

    jinja_environment = Templates
    session_interface = auth.Cookies()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is: nothing here is a coroutine, and Flask would look at each hook of each request."""
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Make the application. ConfigError when a setting is missing or wrong.

    The embedded servers are not started here: ``callcab up`` starts them and passes their addresses on.
    """
    settings = settings or config.load()
    if not settings.database_url or not settings.redis_url:
        raise ConfigError("No database or queue is named; start with `callcab up`, or set both addresses.")
    logs.configure(as_json=settings.log_json)
    app = Application(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "callcab" / "static"))
    _configure(app, settings)
    # First, so that it packs what all others have finished.
    Compress(app)
    edge.prepare(settings)
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"))
    carried.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
    auth.init_app(app)
    ip_wall.init_app(app)
    access.init_app(app)
    language.init_app(app)
    balance.init_app(app)
    live.init_app(app)
    following.init_app(app)
    csrf = CSRFProtect(app)
    init_theme(app)
    app.register_blueprint(health.blueprint)
    views.register(app)
    api.register(app, csrf)
    app.add_url_rule("/", "home", _home)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    secure = settings.base_url.startswith("https://")
    hosts = {urlsplit(settings.base_url).hostname or "localhost", "localhost", "127.0.0.1", *settings.trusted_hosts}
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=config.secret_key(settings),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        TRANSLATIONS=ROOT / "callcab" / "translations",
        TRUSTED_HOSTS=sorted(hosts),
        MAX_CONTENT_LENGTH=BODY_LIMIT,
        MAX_FORM_PARTS=FORM_FIELDS,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_NAME="__Host-session" if secure else "session",
        COMPRESS_ALGORITHM=PACKED,
        COMPRESS_STREAMS=False,
        COMPRESS_LEVEL=PACKED_LEVEL,
        SEND_FILE_MAX_AGE_DEFAULT=31536000,
        WTF_CSRF_TIME_LIMIT=None,
        FLASK_ADMIN_FLUID_LAYOUT=True,
    )


def _home() -> Response:
    if not current_user.is_authenticated:
        return redirect("/login")
    return access.home_of_user()
