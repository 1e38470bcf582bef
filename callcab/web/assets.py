"""Addresses of static files, with a checksum, so that they may be cached for ever."""

import hashlib
from functools import cache
from pathlib import Path

from flask import current_app


def asset(path: str) -> str:
    """The address of a file below callcab/static. FileNotFoundError when there is none."""
    if current_app.debug:
        return _address.__wrapped__(current_app.static_folder, current_app.static_url_path, path)
    return _address(current_app.static_folder, current_app.static_url_path, path)


@cache
def _address(folder: str, url: str, path: str) -> str:
    digest = hashlib.sha256((Path(folder) / path).read_bytes()).hexdigest()[:10]
    return f"{url}/{path}?v={digest}"
