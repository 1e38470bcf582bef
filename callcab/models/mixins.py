"""Columns that many entities share."""

from datetime import datetime

from sqlalchemy import FetchedValue, Identity, orm

from callcab.lib import clock

TURNED_RIGHT = "phone_reversed = reverse(phone::text)::bigint"
LABEL_WHOLE = "(label_text = '') = (label_name = '') AND (label_text = '') = (label_category = '')"


class Numbered:
    """A 64-bit surrogate key; with ``created_at`` it is the position in every keyset list."""

    id: orm.Mapped[int] = orm.mapped_column(Identity(always=False), primary_key=True, sort_order=-2)


class Created:
    """When the row was made, by our clock (UTC)."""

    created_at: orm.Mapped[datetime] = orm.mapped_column(default=clock.now, sort_order=90)


class Versioned:
    """Optimistic lock: a save that saw an older version is refused (security.md F-21)."""

    version: orm.Mapped[int] = orm.mapped_column(default=1, sort_order=91)


class Labelled:
    """How who calls is labelled where he calls (domain.md C2, services.label): all three parts, or none."""

    label_name: orm.Mapped[str] = orm.mapped_column(default="", server_default="")
    label_category: orm.Mapped[str] = orm.mapped_column(default="", server_default="")
    label_text: orm.Mapped[str] = orm.mapped_column(default="", server_default="")


class PhoneReversed:
    """The digits of ``phone`` read from behind, so that an index finds a number by its last ones.

    The database writes it (``callcab.policies.reverse_phones``) unless a statement for many rows does.
    """

    phone_reversed: orm.Mapped[int] = orm.mapped_column(
        server_default=FetchedValue(), server_onupdate=FetchedValue(), deferred=True, sort_order=95
    )
