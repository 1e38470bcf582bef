"""The rows of a page as ready HTML. A plain loop: the list template was most of a stock page's time."""

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup, escape

from callcab.services.listing import encode_id
from callcab.web.formatters import DASH
from callcab.web.icons import icon
from callcab.web.language import gettext
from callcab.web.listing.declare import Action, Column, RowLink


def css_of(kind: str) -> str:
    """`main phone` -> `cell-main cell-phone`."""
    return " ".join(f"cell-{escape(word)}" for word in kind.split())


def table(columns: Sequence[Column], rows: Sequence[Any], *, base: str = "", empty: Any = "") -> Markup:
    """A plain table for a tab or a card: the same cells as a list, without search, ticks and menus.

    ``base`` is the address of the section whose details the linked cells open. Read at most a page of rows for it.
    """
    if not rows:
        return Markup('<p class="text-secondary m-0">{}</p>').format(empty or gettext("Ничего не найдено"))
    painter = RowPainter(
        columns, base=base, pick=False, details=bool(base), actions=(), links=(), inline=False, name_of=encode_id
    )
    heads = Markup("").join(
        Markup('<th scope="col" class="{}">{}</th>').format(css_of(column.kind), column.label) for column in columns
    )
    return Markup(
        '<div class="list-scroll"><table class="list"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(heads, painter.paint(rows))


class RowPainter:
    """Draws the rows of one page; everything that is the same for all rows is prepared once."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        base: str,
        pick: bool,
        details: bool,
        actions: Sequence[Action],
        links: Sequence[RowLink],
        inline: bool,
        name_of: Callable[[Any], str],
    ) -> None:
        self._columns = [
            (
                column.cell,
                f'<td class="{css_of(column.kind)}" data-label="{escape(column.label)}">',
                details and column.link,
            )
            for column in columns
        ]
        self._base = str(escape(base))
        self._pick = pick
        self._links = [(link, str(icon(link.icon)), str(escape(link.label))) for link in links]
        self._actions = [
            (
                action,
                "menu-item menu-item-danger" if action.danger else "menu-item",
                f"{icon(action.icon)}{escape(action.label)}",
            )
            for action in actions
        ]
        self._inline = inline
        self._details = details
        self._name_of = name_of
        self._pick_label = str(escape(gettext("Выбрать")))
        self._manage_label = str(escape(gettext("Управление")))
        self._open_label = f"{icon('eye')}{escape(gettext('Открыть'))}"
        self._dots = str(icon("dots"))

    @property
    def manages(self) -> bool:
        """Whether there is a column «Управление»."""
        return bool(self._actions or self._links)

    def paint(self, rows: Sequence[Any]) -> Markup:
        """All rows. Texts of cells are escaped here, Markup is taken as it is."""
        return Markup("\n".join(self._row(row) for row in rows))  # noqa: S704 - every part is escaped above

    def _row(self, row: Any) -> str:
        row_id = encode_id(row)
        name = str(escape(self._name_of(row)))
        parts = ['<tr class="has-pick">' if self._pick else "<tr>"]
        if self._pick:
            parts.append(
                f'<td class="cell-pick"><label><input class="form-check-input" type="checkbox" name="id"'
                f' value="{row_id}" aria-label="{self._pick_label}: {name}"></label></td>'
            )
        if self.manages and self._inline:
            parts.append(self._manage_cell(row, row_id, name))
        for cell, opening, linked in self._columns:
            value = cell(row)
            # Compared afterwards: a lazy translation would be made twice.
            text = DASH if value is None else escape(value) or DASH
            if linked:
                text = f'<a href="{self._base}/details/?id={row_id}">{text}</a>'
            parts.append(f"{opening}{text}</td>")
        if self.manages and not self._inline:
            parts.append(self._manage_cell(row, row_id, name))
        parts.append("</tr>")
        return "".join(parts)

    def _manage_cell(self, row: Any, row_id: str, name: str) -> str:
        css = "cell-manage cell-manage-first" if self._inline else "cell-manage"
        return f'<td class="{css}" data-label="{self._manage_label}">{self._menu(row, row_id, name)}</td>'

    def _menu(self, row: Any, row_id: str, name: str) -> str:
        lines = [
            f'<button class="{css}" type="submit" name="one" value="{escape(action.name)}:{row_id}"'
            f" data-dialog-form>{text}</button>"
            for action, css, text in self._actions
            if action.when is None or action.when(row)
        ]
        links = [
            f'<a class="menu-item" href="{escape(link.url(row))}">{sign}{label}</a>'
            for link, sign, label in self._links
            if link.when is None or link.when(row)
        ]
        if self._inline:
            return "".join(links + lines).replace('class="menu-item', 'class="btn btn-sm')
        if self._details:
            links.insert(0, f'<a class="menu-item" href="{self._base}/details/?id={row_id}">{self._open_label}</a>')
        if not (lines or links):
            return ""
        return (
            f'<details class="menu"><summary class="btn btn-ghost btn-icon btn-sm"'
            f' aria-label="{self._manage_label}: {name}">{self._dots}</summary>'
            f'<div class="menu-panel">{"".join(links + lines)}</div></details>'
        )
