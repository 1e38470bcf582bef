"""What a fresh machine starts with: the bootstrap, the container files, the fresh-machine proof."""

import os
import re
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests.embedded.conftest import ROOT


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script `run` as a module, with an environment of its own that nothing was installed into."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = spec_from_loader("callcab_run", SourceFileLoader("callcab_run", str(ROOT / "run")))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / "venv"
    for name, value in {"VENV": venv, "BIN": venv / "bin", "PYTHON": venv / "bin" / "python"}.items():
        monkeypatch.setattr(module, name, str(value))
    return module


@pytest.fixture
def installed(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The locks that the script wanted to install, instead of installing them."""
    wanted: list[str] = []
    monkeypatch.setattr(bootstrap, "install", lambda lock: wanted.append(Path(lock).name))
    return wanted


def test_second_start_installs_nothing(bootstrap: ModuleType, installed: list[str]) -> None:
    bootstrap.prepare(dev=False)
    bootstrap.prepare(dev=False)

    assert installed == ["requirements.lock"]


def test_tests_add_the_development_lock_once(bootstrap: ModuleType, installed: list[str]) -> None:
    bootstrap.prepare(dev=False)
    for _ in range(2):
        bootstrap.prepare(dev=True)
        bootstrap.prepare(dev=False)

    assert installed == ["requirements.lock", "requirements-dev.lock"]


def test_changed_lock_is_installed_again(
    bootstrap: ModuleType, installed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("one")
    monkeypatch.setattr(bootstrap, "RUNTIME_LOCK", str(lock))
    bootstrap.prepare(dev=False)

    lock.write_text("two")
    bootstrap.prepare(dev=False)

    assert len(installed) == 2


def test_halves_of_a_lock_hold_each_package_once_with_its_hashes(bootstrap: ModuleType, tmp_path: Path) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    halves = [Path(path).read_text() for path in bootstrap.halves(str(ROOT / "requirements.lock"), str(tmp_path))]
    names = [re.findall(r"^([\w.-]+)==", half, re.MULTILINE) for half in halves]
    assert sorted(names[0] + names[1]) == sorted(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    assert abs(len(names[0]) - len(names[1])) <= 1
    assert sum(half.count("--hash=") for half in halves) == lock.count("--hash=")


def test_environment_of_a_vanished_python_is_made_anew(bootstrap: ModuleType, installed: list[str]) -> None:
    bootstrap.prepare(dev=False)
    python = Path(bootstrap.PYTHON)
    python.unlink()
    python.symlink_to("/nonexistent/python")

    bootstrap.prepare(dev=False)

    assert len(installed) == 2
    assert bootstrap.runs(bootstrap.PYTHON)


def test_old_python_is_told_what_is_needed(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (99, 0))

    with pytest.raises(SystemExit, match=r"needs Python 99\.0 or newer"):
        bootstrap.main(["up"])


def test_missing_pip_is_told_with_the_remedy(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST_PIP", (999, 0))
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(SystemExit, match="apt install python3-pip"):
        bootstrap.installers()


def test_the_faster_installer_is_told_of_the_private_registry_that_pip_knows(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\ncert = /etc/ssl/of-the-file.pem\nindex-url = https://pypi.example/simple\n"
        "extra-index-url =\n    https://one.example/simple\n    https://two.example/simple\ntimeout = 60\n"
    )
    monkeypatch.setattr(sys, "executable", sys._base_executable)  # type: ignore[attr-defined]  # the one that has pip
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_CERT", "/etc/ssl/of-the-environment.pem")

    told = bootstrap.uv_settings()

    assert told["SSL_CERT_FILE"] == "/etc/ssl/of-the-environment.pem"
    assert told["UV_DEFAULT_INDEX"] == "https://pypi.example/simple"
    assert told["UV_INDEX"] == "https://one.example/simple https://two.example/simple"
    assert set(told) <= set(bootstrap.UV_WORDS.values())


def test_without_pip_the_faster_installer_gets_no_settings(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    assert bootstrap.uv_settings() == {}


def test_choice_of_installer_is_not_handed_on_as_a_setting(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_on: list[dict[str, str]] = []
    monkeypatch.setenv("CALLCAB_NO_UV", "1")
    monkeypatch.setattr(os, "execv", lambda *_: handed_on.append(dict(os.environ)))

    bootstrap.become(["callcab"])

    assert "CALLCAB_NO_UV" not in handed_on[0]


def test_bootstrap_needs_the_standard_library_only() -> None:
    imported = re.findall(r"^(?:import|from) (\w+)", (ROOT / "run").read_text(), flags=re.MULTILINE)

    assert set(imported) <= sys.stdlib_module_names


def test_scripts_can_be_executed() -> None:
    assert all(os.access(ROOT / name, os.X_OK) for name in ("run", ".ci/run"))


def test_fresh_machine_script_is_sound_shell() -> None:
    subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=True)


def test_containers_run_the_roles_of_up_against_external_servers() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]

    assert set(services) == {"postgres", "valkey", "migrate", "web", "worker", "tick", "dialer"}
    for role in ("migrate", "web", "worker", "tick", "dialer"):
        assert services[role]["command"] == [role]
        assert "@postgres/" in services[role]["environment"]["CALLCAB_DATABASE_URL"]
        assert services[role]["environment"]["CALLCAB_REDIS_URL"].startswith("redis://valkey")


def test_only_the_migration_gets_the_owner_of_the_tables() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]

    holders = [name for name, one in services.items() if "CALLCAB_DATABASE_OWNER_URL" in one.get("environment", {})]

    assert holders == ["migrate"]


def test_image_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()

    assert [line for line in lines if line.startswith("USER")] == ["USER callcab"]


def test_locks_name_no_registry() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert not re.search(r"https?://|--index-url|--find-links", (ROOT / name).read_text())
