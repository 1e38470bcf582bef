"""No action on many rows without saying first what it would do."""

from collections.abc import Iterator

from flask import Flask

from callcab.models import OperationKind
from callcab.services import operation
from callcab.web.listing import Action, ListView


def actions(app: Flask) -> Iterator[tuple[str, Action]]:
    for admin in app.extensions["admin"]:
        for view in admin._views:
            if isinstance(view, ListView):
                yield from ((f"{view.url} {action.name}", action) for action in view.actions)


def is_export(action: Action) -> bool:
    return bool(action.operation) and operation.names()[action.operation].kind is OperationKind.EXPORT


def test_every_action_on_many_rows_says_first_what_it_would_do(built_app: Flask) -> None:
    known = dict(actions(built_app))
    assert len(known) > 40
    silent = [
        name
        for name, action in known.items()
        if (action.bulk or action.whole) and action.preview is None and not is_export(action)
    ]
    assert silent == []
