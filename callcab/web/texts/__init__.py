"""Sentences for error codes, one module per section; the package joins them.

A sentence says what happened and what to do (rule U29); ``%(name)s`` takes the error's params, formatted for people.
"""

import pkgutil
from importlib import import_module
from typing import Any


def load() -> dict[str, Any]:
    """All sentences by code. ValueError when two sections claim one code."""
    texts: dict[str, Any] = {}
    for module in pkgutil.iter_modules(__path__):
        found = import_module(f"{__name__}.{module.name}").TEXTS
        repeated = texts.keys() & found.keys()
        if repeated:
            raise ValueError(f"the code {sorted(repeated)[0]} has two sentences")
        texts.update(found)
    return texts
