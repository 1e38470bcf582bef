"""The filter panel: labels, typed values, chips, errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from callcab.db import CabSession
from callcab.services.listing import AmountRange, ChoiceFilter, DateTimeRange, ListSpec, ListState, ReferenceFilter
from callcab.web.language import gettext
from callcab.web.listing.address import Request
from callcab.web.listing.declare import FilterField
from callcab.web.listing.words import slip

# Up to so many choices are shown as chips, more as a select (ux.md, components).
CHIPS = 6


@dataclass(frozen=True)
class Chip:
    """One choice of a filter."""

    value: str
    label: Any
    checked: bool


@dataclass(frozen=True)
class PanelField:
    """A filter ready to be drawn; kind: chips, select, dates, amounts, reference or text."""

    key: str
    label: Any
    kind: str
    hint: Any = ""
    chips: Sequence[Chip] = ()
    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    counts: bool = False


@dataclass(frozen=True)
class Toggle:
    """A choice above the list: a link that narrows by it at once, or no longer; ``query`` is what it makes of the
    filters' part of the address."""

    key: str
    chip: Chip
    query: str
    counts: bool


@dataclass(frozen=True)
class ActiveFilter:
    """A filter in force, with the address of the list without it; ``chip``: a pressed chip says so too."""

    text: str
    url: str
    chip: bool = False


def counted(spec: ListSpec, fields: Sequence[FilterField]) -> list[str]:
    """Keys of the filters whose choices are shown with counts."""
    return [item.key for item in fields if _counts(spec, item)]


def panel(
    session: CabSession, spec: ListSpec, state: ListState, fields: Sequence[FilterField], args: Any
) -> list[PanelField]:
    """The filters of the spec that have words, in the order of the words."""
    return [draw(session, spec, state, item, args) for item in fields]


def draw(session: CabSession, spec: ListSpec, state: ListState, item: FilterField, args: Any) -> PanelField:
    """One filter with what was typed into it."""
    rule = spec.by_key[item.key]
    chips: list[Chip] = []
    if isinstance(rule, ChoiceFilter):
        chosen = set(args.getlist(item.key))
        labels = item.choices or {}
        chips = [Chip(value, labels.get(value, value), value in chosen) for value in rule.allowed]
    typed = {name: state.typed.get(name, "") for name in rule.params}
    if item.lookup and item.key in state.filters:
        chosen_id = state.filters[item.key]
        name = item.lookup.name_of(session, chosen_id)
        typed[item.key] = f"{chosen_id} · {name}" if name else str(chosen_id)
    return PanelField(
        key=item.key,
        label=item.label,
        kind=_kind(rule, len(chips)),
        hint=item.hint,
        chips=chips,
        typed=typed,
        errors={name: slip(state.errors[name]) for name in rule.params if name in state.errors},
        counts=_counts(spec, item),
    )


def _counts(spec: ListSpec, item: FilterField) -> bool:
    rule = spec.by_key[item.key]
    return item.counts and isinstance(rule, ChoiceFilter) and len(rule.allowed) <= CHIPS


def _kind(rule: Any, choices: int) -> str:
    if isinstance(rule, ChoiceFilter):
        return "chips" if choices <= CHIPS else "select"
    for kind, name in ((DateTimeRange, "dates"), (AmountRange, "amounts"), (ReferenceFilter, "reference")):
        if isinstance(rule, kind):
            return name
    return "text"


def active(state: ListState, fields: Sequence[PanelField], request: Request) -> list[ActiveFilter]:
    """What is in force, each removable by itself."""
    found = []
    for item in fields:
        if item.key not in state.filters:
            continue
        if item.chips:
            found += [
                ActiveFilter(
                    f"{item.label}: {chip.label}", request.url(drop=[(item.key, chip.value)]), item.kind == "chips"
                )
                for chip in item.chips
                if chip.checked
            ]
        else:
            found.append(ActiveFilter(f"{item.label}: {_said(item)}", request.url(drop=list(item.typed))))
    return found


def toggles(fields: Sequence[PanelField], request: Request) -> list[tuple[Any, list[Toggle]]]:
    """Choices that are offered above the list, by the label of their filter; each combines with what is in force."""
    return [
        (item.label, [_toggle(item, chip, request) for chip in item.chips]) for item in fields if item.kind == "chips"
    ]


def _toggle(item: PanelField, chip: Chip, request: Request) -> Toggle:
    pair = [(item.key, chip.value)]
    # What the filter does not know goes when something is chosen that it does.
    wrong = [item.key] if item.errors else []
    url = request.url(drop=pair) if chip.checked else request.url(drop=wrong, add=pair)
    return Toggle(item.key, chip, url.removeprefix("?"), item.counts)


def _said(item: PanelField) -> str:
    typed = list(item.typed.values())
    if item.kind == "dates":
        low, high = (" ".join(part for part in pair if part) for pair in (typed[:2], typed[2:]))
    elif item.kind == "amounts":
        low, high = typed
    else:
        return typed[0]
    if low and high:
        return f"{low} – {high}"
    return str(gettext("с %(value)s", value=low) if low else gettext("по %(value)s", value=high))
