"""Lists by name: a stored operation knows only the name of the list that it was started from."""

import importlib
import pkgutil

from callcab.lib.errors import NotFound
from callcab.services.listing.spec import ListSpec

SPECS_PACKAGE = "callcab.services.specs"
_specs: dict[str, ListSpec] = {}


def register(spec: ListSpec) -> ListSpec:
    """Make the list known by its name; a second list of the same name is a defect."""
    if spec.name in _specs:
        raise ValueError(f"two lists are called {spec.name}")
    _specs[spec.name] = spec
    return spec


def get(name: str) -> ListSpec:
    """The list of that name. Raises NotFound ``list.unknown``.

    A worker that never saw a page loads the declarations here: every module of ``callcab.services.specs``.
    """
    if name not in _specs:
        _load()
    if name not in _specs:
        raise NotFound("list.unknown", name=name)
    return _specs[name]


def names() -> list[str]:
    """All list names, for sweeps."""
    _load()
    return sorted(_specs)


def _load() -> None:
    package = importlib.import_module(SPECS_PACKAGE)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{SPECS_PACKAGE}.{module.name}")
