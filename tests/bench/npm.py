"""Programs of npm that judge pages: fetched into the user's cache, never a part of the product."""

import os
import subprocess
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "callcab"


def program(name: str, version: str) -> Path:
    """The program of this version, fetched once."""
    folder = CACHE / f"{name}-{version}"
    found = folder / "node_modules" / ".bin" / name
    if not found.exists():
        folder.mkdir(parents=True, exist_ok=True)
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        subprocess.run(["npm", "install", "--prefix", str(folder), f"{name}@{version}", *quiet], check=True)
    return found
