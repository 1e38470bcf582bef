"""Addresses of static files, with a checksum, so that they may be cached for ever."""

import hashlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from flask import Flask, current_app


def asset(path: str) -> str:
    """The address of a file below callcab/static. FileNotFoundError when there is none."""
    return assets_of(current_app)(path)


def assets_of(app: Flask) -> Callable[[str], str]:
    """``asset`` for the pages of one application; a page asks for a dozen."""
    find = _address.__wrapped__ if app.debug else _address
    return partial(find, app.static_folder, app.static_url_path)


@cache
def _address(folder: str, url: str, path: str) -> str:
    digest = hashlib.sha256((Path(folder) / path).read_bytes()).hexdigest()[:10]
    return f"{url}/{path}?v={digest}"
