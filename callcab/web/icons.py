"""Icons: one sprite of our own; a name that is not in it is a defect and raises at once."""

from functools import cache
from pathlib import Path

from flask import current_app
from markupsafe import Markup, escape

from callcab.web.assets import asset

_SPRITE = "vendor/icons.svg"


@cache
def names() -> frozenset[str]:
    """Names in the sprite; to add one, see callcab/static/vendor/refresh.py."""
    folder = Path(current_app.static_folder or "")
    return frozenset((folder / "vendor/icons.txt").read_text(encoding="ascii").split())


@cache
def icon(name: str, css: str = "") -> Markup:
    """An icon beside a text, hidden from screen readers. KeyError for an unknown name."""
    if name not in names():
        raise KeyError(f"no icon {name!r} in the sprite; add it to callcab/static/vendor/icons.txt")
    kind = f"icon {css}".strip()
    return Markup('<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>').format(
        kind, asset(_SPRITE), escape(name)
    )
