"""How many rows a customer has in a long table, kept by the database itself."""

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base
from callcab.models.mixins import Numbered
from callcab.scope import TenantOrStaff

# Before the name of a table: its rows of all customers and of the platform together.
WHOLE = "*"


class RowTotal(Numbered, TenantOrStaff, Base):
    """So many ``rows`` more (or fewer) of the table ``name``: the total is the sum.

    Triggers write them with every statement that inserts or deletes (``callcab.policies.count_rows``), so nobody waits
    for anybody else's counter; the timetable adds them up. ``customer_id`` empty: rows of the platform, or of all
    together, whose ``name`` begins with WHOLE: support need not add up every customer's for each page. No foreign key:
    rows of the log stay when a customer goes.
    """

    __tablename__ = "row_total"
    __table_args__ = (sa.Index("ix_row_total_name_customer_id", "name", "customer_id"),)

    customer_id: orm.Mapped[int | None] = orm.mapped_column()
    name: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    rows: orm.Mapped[int]
