"""What happened at the door: log-in, refusal, password change."""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base, choice
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOrStaff


class LoginOutcome(StrEnum):
    SUCCESS = "success"
    WRONG_PASSWORD = "wrong_password"
    WRONG_CODE = "wrong_code"
    BLOCKED = "blocked"
    STRANGER_ADDRESS = "stranger_address"
    THROTTLED = "throttled"
    LOGOUT = "logout"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET_ASKED = "password_reset_asked"


class LoginEvent(Numbered, Created, TenantOrStaff, Base):
    """``user_id`` is empty when the typed e-mail belongs to nobody.

    ``account`` is the SHA-256 of the typed e-mail: tries are slowed down alike whether such a person exists or not, and
    a password typed into the wrong field is not kept.
    """

    __tablename__ = "login_event"
    __table_args__ = (
        sa.Index("ix_login_event_user_id_created_at", "user_id", "created_at"),
        sa.Index("ix_login_event_account_created_at", "account", "created_at"),
        sa.Index("ix_login_event_customer_id_created_at", "customer_id", "created_at"),
        sa.Index("ix_login_event_created_at", "created_at"),
    )

    user_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
    account: orm.Mapped[str] = orm.mapped_column(sa.String(64), default="")
    outcome: orm.Mapped[LoginOutcome] = choice(LoginOutcome)
    address: orm.Mapped[str]
    agent: orm.Mapped[str]
