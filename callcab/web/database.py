"""The request's own session: Flask-SQLAlchemy's, scoped to one customer or to support, and read-only in PostgreSQL.

Lists and details read through ``db.session``. A write opens ``unit_of_work(scope)``; if a view writes through
``db.session`` by mistake, PostgreSQL refuses ("read-only transaction").
"""

from typing import Any

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy.engine import Engine

from callcab import db as database
from callcab.db import Base, CabSession
from callcab.scope import Scope


class RequestSession(CabSession, FlaskSession):
    """One per app context; has no scope until the hook says who asks."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def assume(self, scope: Scope) -> None:
        """Say for whom this request reads; once, for a live session never changes its scope."""
        known = self.info.get("scope")
        if known is not None and known != scope:
            raise RuntimeError("the scope of a live session never changes")
        self.info["scope"] = scope

    def refresh_view(self) -> None:
        """Forget what was read, so that a page drawn after a write shows it."""
        self.rollback()
        self.expunge_all()


class Database(SQLAlchemy):
    """Flask-SQLAlchemy over the one engine of the process (``callcab.db``), which must be connected before."""

    def _make_declarative_base(self, model_class: Any, disable_autonaming: bool = False) -> Any:
        """Our ``Base`` as it is: the extension would copy it into a second one, with a registry that has no models."""
        model_class.metadata.info["bind_key"] = None
        self.metadatas[None] = model_class.metadata
        return model_class

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Any) -> Engine:
        return database.engine()


db = Database(model_class=Base, session_options={"class_": RequestSession})
