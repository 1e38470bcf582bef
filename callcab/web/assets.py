"""Addresses of static files, with a checksum, so that they may be cached for ever."""

import hashlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from flask import Flask, current_app
from jinja2 import pass_context


def asset(path: str) -> str:
    """The address of a file below callcab/static. FileNotFoundError when there is none."""
    find = _address.__wrapped__ if current_app.debug else _address
    return find(current_app.static_folder, current_app.static_url_path, path)


def asset_filter(app: Flask) -> Callable[..., str]:
    """``'path'|asset`` of templates: worked out when they are compiled, except while debugging, when files change."""
    if app.debug:
        return pass_context(lambda _context, path: asset(path))
    return partial(_address, app.static_folder, app.static_url_path)


@cache
def _address(folder: str, url: str, path: str) -> str:
    digest = hashlib.sha256((Path(folder) / path).read_bytes()).hexdigest()[:10]
    return f"{url}/{path}?v={digest}"
