"""Ways to look a company up by its INN: DaData, a file of the operator, nothing."""

from pathlib import Path

from callcab.providers.company.base import CompanyInfo, CompanyProvider, CompanyStatus, NoDirectory, Unavailable
from callcab.providers.company.dadata import DadataDirectory
from callcab.providers.company.directory import FileDirectory

__all__ = [
    "CompanyInfo",
    "CompanyProvider",
    "CompanyStatus",
    "DadataDirectory",
    "FileDirectory",
    "NoDirectory",
    "Unavailable",
    "make",
]
# Where the demo puts its companies; found by itself, so that a demo needs no setting.
DEMO_FILE = "companies.csv"


def make(*, dadata_token: str | None, directory: Path | None, data_dir: Path) -> CompanyProvider:
    """The provider that the settings name: a file wins over DaData, the demo's file is used when neither is named."""
    if directory:
        return FileDirectory(directory)
    if dadata_token:
        return DadataDirectory(dadata_token)
    demo = data_dir / DEMO_FILE
    return FileDirectory(demo) if demo.is_file() else NoDirectory()
