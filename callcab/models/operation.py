"""Bulk actions, imports and exports: one record for each, and a result per row."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from callcab.db import Base, choice
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOrStaff


class OperationKind(StrEnum):
    ACTION = "action"
    IMPORT = "import"
    EXPORT = "export"


class OperationState(StrEnum):
    PREVIEW = "preview"
    READY = "ready"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Operation(Numbered, Created, TenantOrStaff, Base):
    """``filter`` is the list state («all matching» is never a list of ids); ``ids`` are ticked rows, at most a page.

    ``cursor`` is where the next chunk starts, saved in the commit of the chunk before it: a killed worker's job goes on
    there. An export starts afresh; its cursor names the file that it writes, for those who fetch it meanwhile.
    ``customer_id`` is the customer whose rows it touches, empty for support's work over many.
    An import first counts (``preview`` → ``ready``), then waits for the person to confirm (``queued``).
    ``undo_of_id`` is the operation that this one undoes: at most one that is under way or over in good order.
    """

    __tablename__ = "operation"
    __table_args__ = (
        sa.CheckConstraint("(state IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL)", name="finished"),
        sa.CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="failed_has_code"),
        sa.Index("ix_operation_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_operation_created_at_id", "created_at", "id"),
        sa.Index(
            "ix_operation_due",
            "heartbeat_at",
            postgresql_where=sa.text("state IN ('preview', 'queued', 'running')"),
        ),
        sa.Index("ix_operation_undo_of_id", "undo_of_id", postgresql_where=sa.text("undo_of_id IS NOT NULL")),
        sa.Index(
            "uq_operation_undo_of_id",
            "undo_of_id",
            unique=True,
            postgresql_where=sa.text("undo_of_id IS NOT NULL AND state NOT IN ('failed', 'cancelled')"),
        ),
    )

    kind: orm.Mapped[OperationKind] = choice(OperationKind)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(48))
    spec_name: orm.Mapped[str | None] = orm.mapped_column(sa.String(48))
    filter: orm.Mapped[dict[str, Any]] = orm.mapped_column(JSONB, default=dict)
    ids: orm.Mapped[list[int] | None] = orm.mapped_column(ARRAY(sa.BigInteger))
    params: orm.Mapped[dict[str, Any]] = orm.mapped_column(JSONB, default=dict)
    expected: orm.Mapped[int | None]
    state: orm.Mapped[OperationState] = choice(OperationState, default=OperationState.QUEUED)
    total: orm.Mapped[int | None]
    done: orm.Mapped[int] = orm.mapped_column(default=0)
    known: orm.Mapped[int] = orm.mapped_column(default=0)
    skipped: orm.Mapped[int] = orm.mapped_column(default=0)
    failed: orm.Mapped[int] = orm.mapped_column(default=0)
    cursor: orm.Mapped[dict[str, Any] | None] = orm.mapped_column(JSONB)
    error_code: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    error_params: orm.Mapped[dict[str, Any]] = orm.mapped_column(JSONB, default=dict)
    actor_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
    actor_name: orm.Mapped[str]
    actor_is_staff: orm.Mapped[bool]
    input_file_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("stored_file.id", ondelete="SET NULL"))
    output_file_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("stored_file.id", ondelete="SET NULL"))
    attempts: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=0)
    started_at: orm.Mapped[datetime | None]
    heartbeat_at: orm.Mapped[datetime]
    finished_at: orm.Mapped[datetime | None]
    undo_of_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("operation.id"))

    customer: orm.Mapped[Customer | None] = orm.relationship(viewonly=True, foreign_keys="Operation.customer_id")


class RowOutcome(StrEnum):
    DONE = "done"
    KNOWN = "known"
    SKIPPED = "skipped"
    FAILED = "failed"


class OperationRow(Base, TenantOrStaff):
    """What happened to one row: kept for everything that was not simply done, and for all rows of small operations."""

    __tablename__ = "operation_row"
    __table_args__ = (sa.Index("ix_operation_row_customer_id", "customer_id"),)

    operation_id: orm.Mapped[int] = orm.mapped_column(
        sa.ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True
    )
    position: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    object_id: orm.Mapped[int | None]
    outcome: orm.Mapped[RowOutcome] = choice(RowOutcome)
    reason: orm.Mapped[str] = orm.mapped_column(sa.String(64), default="")
    text: orm.Mapped[str] = orm.mapped_column(default="")
    before: orm.Mapped[dict[str, Any] | None] = orm.mapped_column(JSONB)
    after: orm.Mapped[dict[str, Any] | None] = orm.mapped_column(JSONB)


class UndoChunk(Base, TenantOrStaff):
    """What an operation needs to be undone: rows that it deleted, whole, or for rows that it changed their id and the
    fields before and after. Many rows in one, in the order of their ids: a row of its own for each takes eighty times
    the room (docs/adr/0014). Gone when the operation can't be undone any more.
    """

    __tablename__ = "undo_chunk"

    operation_id: orm.Mapped[int] = orm.mapped_column(
        sa.ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True
    )
    table_name: orm.Mapped[str] = orm.mapped_column(sa.String(63), primary_key=True)
    first_id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    size: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    rows: orm.Mapped[list[dict[str, Any]]] = orm.mapped_column(sa.JSON)
