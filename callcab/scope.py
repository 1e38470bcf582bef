"""Who a session works for: the second of three nets that keep customers apart.

1. services take ``customer_id`` explicitly; 2. every ORM statement gets the criterion below; 3. row-level security in
PostgreSQL. A row of somebody else is simply not found. Each net is tested alone (tests/sweeps/test_tenant_walk.py).
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, orm

from callcab.db import CabSession

TENANT_ROLE = "callcab_tenant"
STAFF_ROLE = "callcab_staff"


class ScopeMissing(RuntimeError):
    """A statement was about to run without anybody having said for whom."""


class ForeignRow(RuntimeError):
    """A tenant session was about to store a row of another customer: a defect in the caller."""


@dataclass(frozen=True)
class Actor:
    """Who does it, as services and the audit log see him. ``customer_id`` is empty for support and the machine."""

    name: str
    role: str
    user_id: int | None = None
    customer_id: int | None = None
    address: str = ""
    request_id: str = ""

    @classmethod
    def system(cls, name: str = "callcab") -> "Actor":
        """The machine itself: a job, the timetable, a call's own events."""
        return cls(name, "system")

    @property
    def is_staff(self) -> bool:
        return self.customer_id is None and self.role != "system"


@dataclass(frozen=True)
class Scope:
    """For whom a session reads and writes.

    ``Scope.tenant(id)``   one customer: the cabinet and the API
    ``Scope.staff()``      support: all customers
    ``Scope.system(why)``  the machine itself (workers, sign-in, promo codes, number leases). ``why`` names the use; the
                           list of uses on behalf of a customer is kept short by tests/sweeps/test_system_scope.py.
    """

    database_role: str
    customer_id: int | None = None
    why: str | None = None

    @classmethod
    def tenant(cls, customer_id: int) -> "Scope":
        if not customer_id or customer_id < 1:
            raise ValueError("a tenant scope needs a customer")
        return cls(TENANT_ROLE, customer_id)

    @classmethod
    def staff(cls) -> "Scope":
        return cls(STAFF_ROLE)

    @classmethod
    def system(cls, why: str) -> "Scope":
        return cls(STAFF_ROLE, None, why)

    @property
    def is_tenant(self) -> bool:
        return self.database_role == TENANT_ROLE


class TenantOwned:
    """A row of one customer."""

    @orm.declared_attr
    def customer_id(cls) -> orm.Mapped[int]:
        return orm.mapped_column(sa.ForeignKey("customer.id"), nullable=False)


class TenantOrStaff:
    """A row of one customer, or of the platform when ``customer_id`` is empty; customers never see the latter."""

    @orm.declared_attr
    def customer_id(cls) -> orm.Mapped[int | None]:
        return orm.mapped_column(sa.ForeignKey("customer.id"), nullable=True)


class SharedOrOwned:
    """A row of one customer, or one that every customer sees when ``customer_id`` is empty (the number pool)."""

    @orm.declared_attr
    def customer_id(cls) -> orm.Mapped[int | None]:
        return orm.mapped_column(sa.ForeignKey("customer.id"), nullable=True)


class TenantItself:
    """The customer's own row: confined by its id."""

    @orm.declared_attr
    def id(cls) -> orm.Mapped[int]:
        # Declared, not only annotated: the criterion below is built on this class itself.
        return orm.mapped_column(sa.BigInteger, sa.Identity(always=False), primary_key=True, sort_order=-2)


def criteria(customer_id: int) -> list[Any]:
    """The ORM criterion of each kind of tenant table; a function of its own so that a test can switch this net off."""
    return [
        orm.with_loader_criteria(TenantOwned, lambda cls: cls.customer_id == customer_id, include_aliases=True),
        orm.with_loader_criteria(TenantOrStaff, lambda cls: cls.customer_id == customer_id, include_aliases=True),
        orm.with_loader_criteria(
            SharedOrOwned,
            lambda cls: sa.or_(cls.customer_id == customer_id, cls.customer_id.is_(None)),
            include_aliases=True,
        ),
        orm.with_loader_criteria(TenantItself, lambda cls: cls.id == customer_id, include_aliases=True),
    ]


def own(kind: type[Any], columns: Any, customer_id: Any) -> sa.ColumnElement[bool] | None:
    """The same criterion for a statement past the mapper, over the columns of a table of this kind; None where the
    rows are nobody's."""
    found = own_parts(kind, columns, customer_id)
    return sa.or_(*found) if found else None


def own_parts(kind: type[Any], columns: Any, customer_id: Any) -> list[sa.ColumnElement[bool]]:
    """What ``own`` joins by OR: no row meets two of them."""
    if issubclass(kind, SharedOrOwned):
        return [columns.customer_id == customer_id, columns.customer_id.is_(None)]
    if issubclass(kind, TenantOwned | TenantOrStaff):
        return [columns.customer_id == customer_id]
    return [columns.id == customer_id] if issubclass(kind, TenantItself) else []


@event.listens_for(CabSession, "do_orm_execute")
def _confine(state: orm.ORMExecuteState) -> None:
    scope = state.session.info.get("scope")
    if scope is None:
        raise ScopeMissing("no scope is set for this session")
    if not scope.is_tenant or state.is_column_load or state.is_relationship_load:
        return
    if state.is_select or state.is_update or state.is_delete:
        state.statement = state.statement.options(*criteria(scope.customer_id))


@event.listens_for(CabSession, "before_flush")
def _stamp_owner(session: CabSession, context: Any, instances: Any) -> None:
    """A tenant session stamps its customer on new rows and refuses anybody else's."""
    scope = session.scope
    if scope is None or scope.customer_id is None:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, TenantOwned | TenantOrStaff | SharedOrOwned):
            if row.customer_id is None and row in session.new:
                row.customer_id = scope.customer_id
            if row.customer_id != scope.customer_id:
                raise ForeignRow(f"{type(row).__name__} of another customer in a tenant session")
