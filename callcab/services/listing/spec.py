"""What a list is: its rows, its order, and what may be asked of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.base import ExecutableOption
from sqlalchemy.sql.selectable import Subquery

from callcab.services.listing.filters import Filter, parameter
from callcab.services.listing.shown import Related, Shown


@dataclass(frozen=True)
class Sort:
    """A column that a list may be ordered by; it needs an index that ends with the primary key.

    A nullable column sorts its empty cells last in both directions (``… DESC NULLS LAST``). ``by`` says what a person
    who jumps into the list names (``jump.READERS``): a time is a date without saying.
    """

    column: Any
    nullable: bool = False
    by: str = ""

    @cached_property
    def jump(self) -> str:
        """How a place of this order is named; empty where nobody knows its values."""
        return self.by or ("date" if isinstance(self.column.type, sa.DateTime) else "")


class Total(Protocol):
    """An exact total that costs no counting (``row_total.Kept``): a customer's, or that of all for None."""

    def __call__(self, session: orm.Session, customer_id: int | None) -> int: ...

    def inside(self, customer: sa.BindParameter[int] | None) -> ColumnElement[int]:
        """For a column of another statement."""
        ...


@runtime_checkable
class KeptSearch(Protocol):
    """A search whose statements look the same for all texts of a shape, so that they are made once and kept."""

    def __call__(self, text: str, *, named: bool = False) -> ColumnElement[bool] | None:
        """The condition, None when such text can't match anything; if ``named``, with the parameters of ``values``."""
        ...

    def shape(self, text: str) -> tuple[Any, ...] | None:
        """What of the text decides how the condition looks; None when it can't match anything."""
        ...

    def values(self, text: str) -> dict[str, Any]: ...


@runtime_checkable
class HitSearch(KeptSearch, Protocol):
    """One that finds all that matches at once, for the page and to be counted."""

    def by_hits(self, text: str, *, counting: bool) -> bool:
        """Whether that is quicker than the condition."""
        ...

    def hits(self, text: str, conditions: Sequence[ColumnElement[bool]], columns: Sequence[Any] = ()) -> Subquery:
        """These columns of what matches and meets the conditions, each row once; without columns to be counted."""
        ...


@dataclass(frozen=True)
class ExactSearch:
    """For ``ListSpec.search``: rows with the very value that ``read`` makes of the text, none where it gives None."""

    column: Any
    read: Callable[[str], Any]

    def __call__(self, text: str, *, named: bool = False) -> ColumnElement[bool] | None:
        value = self.read(text)
        return None if value is None else self.column == parameter("exactly", value, self.column, named=named)

    def shape(self, text: str) -> tuple[Any, ...] | None:
        return None if self.read(text) is None else ()

    def values(self, text: str) -> dict[str, Any]:
        return {"exactly": self.read(text)}


@dataclass(frozen=True)
class ListSpec:
    """One list.

    name          stable, stored with operations: ``blacklist``
    sorts         by the key used in the address; ``default_sort`` is one of them, ``-`` in front means descending
    filters       in the order of the panel; their keys are unique
    search        text as typed -> condition, or None when such text can't match anything (rule P2)
                  (or a search whose statements are kept, ``KeptSearch``)
    base          a condition that always holds, such as "not hidden"
    related       other rows that the cells show; ``computed``: expressions that they show, by the attribute's name
    options       loader options instead, for a list whose cells show what neither can say: its pages take rows of the
                  mapper
    total         a kept exact total of a whole list
    count_cap     rows counted at most for the page; beyond, the page says «10 000+»
    orders        ORDER BY as made before (``order.order_by``)
    """

    name: str
    model: type[Any]
    sorts: Mapping[str, Sort]
    default_sort: str
    filters: Sequence[Filter] = ()
    search: Callable[[str], ColumnElement[bool] | None] | None = None
    base: Callable[[], ColumnElement[bool]] | None = None
    related: Callable[[], Sequence[Related]] = tuple
    computed: Callable[[], Mapping[str, Any]] = dict
    options: Callable[[], Sequence[ExecutableOption]] | None = None
    total: Total | None = None
    count_cap: int | None = 10_000
    by_key: Mapping[str, Filter] = field(init=False, repr=False, compare=False)
    orders: dict[tuple[str, bool], list[Any]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        keys = [item.key for item in self.filters]
        if len(set(keys)) != len(keys):
            raise ValueError(f"list {self.name}: two filters share a key")
        if self.default_sort.removeprefix("-") not in self.sorts:
            raise ValueError(f"list {self.name}: unknown default sort {self.default_sort}")
        object.__setattr__(self, "by_key", {item.key: item for item in self.filters})

    @cached_property
    def kept_search(self) -> KeptSearch | None:
        """The search, if its statements are kept."""
        return self.search if isinstance(self.search, KeptSearch) else None

    def total_of(self, customer_id: int | None) -> Total | None:
        """The kept total, where it counts what the list shows: its own condition leaves out rows of nobody at most."""
        return self.total if customer_id is not None or self.base is None else None

    @cached_property
    def shown(self) -> Shown | None:
        """How its pages are read; made once, for a relationship can't be named before all models are there."""
        return Shown(self.model, self.related(), self.computed()) if self.options is None else None

    @cached_property
    def loaders(self) -> tuple[ExecutableOption, ...]:
        """What all doors but the page read along with a row."""
        if self.options is not None:
            return tuple(self.options())
        computed = self.computed().items()
        return (
            *(each.option for each in self.related()),
            *(orm.with_expression(getattr(self.model, name), value) for name, value in computed),
        )

    @property
    def key_columns(self) -> tuple[Any, ...]:
        """What breaks ties: the surrogate key that every listed model has (``models.mixins.Numbered``)."""
        return (self.model.id,)
