"""What a list view declares: columns, filters' labels, actions, tabs, the empty state."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wtforms import Form

from callcab.services.listing import Lookup

Text = Any  # a lazy translation, evaluated when it is shown


@dataclass(frozen=True)
class Column:
    """A column of the table.

    cell    row -> text or Markup; text is escaped, nothing becomes «—»
    sort    a sort key of the spec, if the heading may be clicked
    kind    css of the cell: main (the row's name), num, money, time, phone, mail, text, or several (``main phone``)
    link    whether the cell leads to the details page
    extra   shown to those only who choose it
    """

    key: str
    label: Text
    cell: Callable[[Any], Any]
    sort: str | None = None
    kind: str = "text"
    link: bool = False
    extra: bool = False


@dataclass(frozen=True)
class FilterField:
    """The words of a filter of the spec.

    choices   value -> label, for a ChoiceFilter
    lookup    names and suggestions of a ReferenceFilter
    counts    whether chips show how many rows each would give (up to 10 000 rows; asked when the panel opens)
    """

    key: str
    label: Text
    choices: Mapping[str, Text] | None = None
    lookup: Lookup | None = None
    hint: Text = ""
    counts: bool = True


@dataclass(frozen=True)
class Preview:
    """What an action would do, shown beside its question.

    facts    names and values
    skipped  why rows are left out, and how many
    warning  a sentence that stands out
    seal     says what was shown: when it is another one at the confirmation, the question is asked again
    hindered whether nothing would be done as things are
    """

    facts: Sequence[tuple[Text, Text]]
    seal: str
    warning: Text = ""
    skipped: Sequence[tuple[Text, Text]] = ()
    hindered: bool = False


@dataclass(frozen=True)
class Action:
    """Something done to rows, ticked or all that match.

    operation   name of the bulk operation that the job carries out (``blacklist.delete``): answered at once, done by a
                worker, with progress, result per row and undo
    perform     instead of an operation: (session, rows, params, actor) -> message or None, done within the request for
                at most a page of ticked rows; raises DomainError to refuse
    question    words of the confirm page; ``%(count)s`` is the exact number, or a function of it for plural forms
                (``lambda n: ngettext(…)``). Nothing = the label asks for ticked rows, a row's own menu asks nothing;
                danger and fields do not allow that
    fields      a WTForms form that the confirm page shows; its data go along as params
    preview     (session, selected rows, params) -> Preview or None: what it would do (``outlook``); params are None
                until the fields are filled in, and None is the answer of one that needs them. Every action for ticked
                rows has one, but exports
    final       nothing takes it back, and the question says so; of an operation that is known without it
    bulk        offered for ticked rows; ``whole``: also as a button for everything that matches
    row         offered in the row's own menu, ``when`` the row allows it
    """

    name: str
    label: Text
    permission: str
    icon: str = "check"
    operation: str = ""
    perform: Callable[..., Text | None] | None = None
    question: Text = ""
    note: Text = ""
    button: Text = ""
    fields: type[Form] | None = None
    preview: Callable[[Any, Any, dict[str, Any] | None], Preview | None] | None = None
    danger: bool = False
    final: bool = False
    bulk: bool = True
    whole: bool = False
    row: bool = True
    when: Callable[[Any], bool] | None = None

    def __post_init__(self) -> None:
        if bool(self.operation) == (self.perform is not None):
            raise ValueError(f"action {self.name}: give either an operation or perform")
        if (self.danger or self.fields) and not self.question:
            raise ValueError(f"action {self.name}: a question is needed")
        if self.perform is not None and self.whole:
            raise ValueError(f"action {self.name}: everything that matches needs an operation")


@dataclass(frozen=True)
class CellEdit:
    """A column whose cells are changed in the list itself, one field at a time.

    key      of the column
    value    row -> the field's value as text
    save     service: (session, row id, value=, seen=, actor=); it raises Conflict ``cell.changed`` with ``now`` when
             the field is not as it was seen (``services.cell``)
    choices  (session) -> values and their words; without them it is a line of text of at most ``limit``
    """

    key: str
    label: Text
    permission: str
    value: Callable[[Any], str]
    save: Callable[..., Any]
    choices: Callable[[Any], Sequence[tuple[str, Text]]] | None = None
    limit: int = 200


@dataclass(frozen=True)
class RowLink:
    """A link in the row's own menu."""

    label: Text
    icon: str
    url: Callable[[Any], str]
    permission: str = ""
    when: Callable[[Any], bool] | None = None


@dataclass(frozen=True)
class PageAction:
    """A button beside the title; ``dialog``: the page it leads to opens as a window when scripts run."""

    label: Text
    url: str
    icon: str = "plus"
    permission: str = ""
    primary: bool = True
    dialog: bool = False


@dataclass(frozen=True)
class Tab:
    """A tab of the details page, read only when it is opened.

    load   (session, row) -> variables of the template
    """

    key: str
    label: Text
    template: str
    load: Callable[[Any, Any], Mapping[str, Any]] | None = None
    permission: str = ""


@dataclass(frozen=True)
class Empty:
    """What a list says below «Ничего не найдено» before it has rows: two sentences, the first without its full stop.

    The next step is the first PageAction.
    """

    title: Text
    text: Text = ""
    icon: str = "inbox"
