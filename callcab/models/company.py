"""The payer book of a customer: requisites by INN, from earlier invoices."""

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOwned


class Company(Numbered, Created, TenantOwned, Base):
    """Last requisites that the customer used for a payer; a prefill, never a source for issued invoices."""

    __tablename__ = "company"
    __table_args__ = (sa.UniqueConstraint("customer_id", "inn", "kpp"),)

    inn: orm.Mapped[str] = orm.mapped_column(sa.String(12))
    kpp: orm.Mapped[str] = orm.mapped_column(sa.String(9), default="")
    ogrn: orm.Mapped[str] = orm.mapped_column(sa.String(15), default="")
    name: orm.Mapped[str]
    address: orm.Mapped[str] = orm.mapped_column(default="")
    head: orm.Mapped[str] = orm.mapped_column(default="")
