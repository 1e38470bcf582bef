"""The rows of a page as ready HTML. A plain loop: the list template was most of a stock page's time."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from flask_babel.speaklater import LazyString
from markupsafe import Markup

from callcab.services.listing import encode_id
from callcab.web.formatters import DASH, html_text
from callcab.web.icons import icon
from callcab.web.language import gettext
from callcab.web.listing.declare import Action, Column, RowLink

# Lazy texts of a page by identity, and the texts themselves, so that no other gets the same identity meanwhile.
Words = dict[int, tuple[LazyString, str]]


def css_of(kind: str) -> str:
    """`main phone` -> `cell-main cell-phone`."""
    return " ".join(f"cell-{html_text(word)}" for word in kind.split())


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


def _said(text: LazyString, words: Words) -> str:
    """A lazy text as HTML; most are the same few in every row."""
    known = words.get(id(text))
    if known is None:
        known = words[id(text)] = (text, html_text(text) or DASH)
    return known[1]


def _fixed(html: str) -> str:
    """For a skeleton that is filled in by ``%``."""
    return html.replace("%", "%%")


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
        edits: Collection[str] = (),
    ) -> None:
        self._cells = [(column.cell, details and column.link) for column in columns]
        self._base = html_text(base)
        self._pick = pick
        css = "btn btn-sm" if inline else "menu-item"
        self._links = [
            (link.when, link.url, f'<a class="{css}" href="', f'">{icon(link.icon)}{html_text(link.label)}</a>')
            for link in links
        ]
        self._actions = [
            (
                action.when,
                f'<button class="{css}{" menu-item-danger" if action.danger else ""}" type="submit" name="one"'
                f' value="{html_text(action.name)}:',
                f'" data-dialog-form>{icon(action.icon)}{html_text(action.label)}</button>',
            )
            for action in actions
        ]
        self._inline = inline
        self._details = details
        self._name_of = name_of
        # Whether there is a column «Управление».
        self.manages = bool(actions or links)
        manage = html_text(gettext("Управление"))
        opening = html_text(gettext("Открыть"))
        self._opening = f'">{icon("eye")}{opening}</a>'
        self._menu_head = f'<details class="menu"><summary class="btn btn-ghost btn-icon btn-sm" aria-label="{manage}: '
        self._menu_body = f'">{icon("dots")}</summary><div class="menu-panel">'
        self._skeleton = self._draw_skeleton(columns, edits, manage)

    def paint(self, rows: Sequence[Any]) -> Markup:
        """All rows. Texts of cells are escaped here, Markup is taken as it is."""
        words: Words = {}
        return Markup("\n".join([self._row(row, words) for row in rows]))  # noqa: S704 - every part is escaped above

    def _draw_skeleton(self, columns: Sequence[Column], edits: Collection[str], manage: str) -> str:
        """A row with ``%s`` where ``_row`` fills it in, in the same order."""
        linked = f'<a href="{_fixed(self._base)}/details/?id=%s">%s</a>'
        cells = []
        for column in columns:
            edit = f' data-edit="{column.key}"' if column.key in edits else ""
            label = _fixed(html_text(column.label))
            inner = linked if self._details and column.link else "%s"
            cells.append(f'<td class="{css_of(column.kind)}" data-label="{label}"{edit}>{inner}</td>')
        if self.manages:
            css = "cell-manage cell-manage-first" if self._inline else "cell-manage"
            cells.insert(0 if self._inline else len(cells), f'<td class="{css}" data-label="{_fixed(manage)}">%s</td>')
        if self._pick:
            pick = _fixed(html_text(gettext("Выбрать")))
            cells.insert(
                0,
                '<td class="cell-pick"><label><input class="form-check-input" type="checkbox" name="id" value="%s"'
                f' aria-label="{pick}: %s"></label></td>',
            )
        return f'<tr class="has-pick">{"".join(cells)}</tr>' if self._pick else f"<tr>{''.join(cells)}</tr>"

    def _row(self, row: Any, words: Words) -> str:
        row_id = encode_id(row)
        name = html_text(self._name_of(row))
        values = [row_id, name] if self._pick else []
        if self._inline and self.manages:
            values.append(self._menu(row, row_id, name))
        for cell, linked in self._cells:
            value = cell(row)
            if linked:
                values.append(row_id)
            if value.__class__ is LazyString:
                values.append(_said(value, words))
            else:
                values.append(DASH if value is None or value == "" else html_text(value))
        if not self._inline and self.manages:
            values.append(self._menu(row, row_id, name))
        return self._skeleton % tuple(values)

    def _menu(self, row: Any, row_id: str, name: str) -> str:
        links = [
            f"{before}{html_text(url(row))}{behind}"
            for when, url, before, behind in self._links
            if when is None or when(row)
        ]
        links += [f"{before}{row_id}{behind}" for when, before, behind in self._actions if when is None or when(row)]
        if self._inline:
            return "".join(links)
        if self._details:
            links.insert(0, f'<a class="menu-item" href="{self._base}/details/?id={row_id}{self._opening}')
        if not links:
            return ""
        return f"{self._menu_head}{name}{self._menu_body}{''.join(links)}</div></details>"
