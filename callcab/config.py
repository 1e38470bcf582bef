"""The only reader of the environment: typed settings, checked at start.

Every setting stands in docs/configuration.md and .env.example; a test compares the three.
"""

import importlib.util
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# Calls at once that the SIP stack in our own process carries without fault. Verifications and callers need some too.
SIP_LINES, SIP_CAMPAIGN_LINES = 50, 40


class ConfigError(Exception):
    """A setting has a wrong value; the message is a sentence for the operator."""


def _flag(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("use 1 or 0")


def _count(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(f"use a whole number from {low} to {high}")
        return value

    return parse


def _one_of(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in names:
            raise ValueError("use one of: " + ", ".join(names))
        return text

    return parse


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if urlsplit(text).scheme not in schemes:
            raise ValueError("use an address that starts with " + " or ".join(f"{s}://" for s in schemes))
        return text

    return parse


def _database(text: str) -> str:
    value = _url("postgresql", "postgres", "postgresql+psycopg")(text)
    return "postgresql+psycopg" + value[value.index("://") :]


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _matching(pattern: str, advice: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(advice)
        return text

    return parse


def _secret(text: str) -> str:
    if len(text) < 32:
        raise ValueError("use at least 32 random characters")
    return text


def setting(parse: Callable[[str], Any], default: Any, *, secret: bool = False) -> Any:
    """Declare a setting: how its text is read, what holds without it, and whether it may be shown."""
    return field(default=default, metadata={"parse": parse, "secret": secret})


@dataclass(frozen=True)
class Settings:
    """All settings; the environment name is ``CALLCAB_`` + the field name in capitals."""

    database_url: str | None = setting(_database, None, secret=True)
    database_owner_url: str | None = setting(_database, None, secret=True)
    redis_url: str | None = setting(_url("redis", "rediss", "unix"), None, secret=True)
    data_dir: Path = setting(lambda text: Path(text).expanduser().resolve(), Path("var"))
    secret_key: str | None = setting(_secret, None, secret=True)
    base_url: str = setting(_url("http", "https"), "http://127.0.0.1:8000")
    trusted_hosts: tuple[str, ...] = setting(_names, ())
    trusted_proxies: int = setting(_count(0, 5), 0)
    host: str = setting(str, "127.0.0.1")
    port: int = setting(_count(1, 65535), 8000)
    web_workers: int = setting(_count(1, 64), 2)
    web_threads: int = setting(_count(1, 64), 8)
    job_workers: int = setting(_count(1, 64), 2)
    telephony: str = setting(_one_of("simulator", "asterisk", "sip"), "simulator")
    ari_url: str = setting(_url("http", "https"), "http://127.0.0.1:8088")
    ari_user: str = setting(_matching("[^:]+", "use a name without a colon"), "callcab")
    ari_password: str | None = setting(str, None, secret=True)
    ari_app: str = setting(_matching("[A-Za-z0-9_]{1,32}", "use Latin letters, digits and underscores"), "callcab")
    ari_endpoint: str | None = setting(
        _matching(r"[A-Za-z0-9]+/.*\{(number|e164)\}.*", "use a pattern such as PJSIP/{e164}@trunk"), None
    )
    ari_sounds: Path | None = setting(lambda text: Path(text).expanduser().resolve(), None)
    ari_sounds_seen_as: str | None = setting(
        _matching("/[^,]*", "use a path that starts with / and has no comma"), None
    )
    ari_machine_context: str | None = setting(_matching("[^ ,]+", "use the name of a dialplan context"), None)
    sip_account: str | None = setting(
        _matching(
            r"sip:[^@:;<>\"?\s]+@[^@:;<>\"?\s]+(:[0-9]{1,5})?", "use an address such as sip:user@sip.operator.ru"
        ),
        None,
    )
    sip_password: str | None = setting(
        _matching(r'[^"\\]*', "a quotation mark or a backslash can't be sent"), None, secret=True
    )
    sip_register: bool = setting(_flag, True)
    sip_listen: str | None = setting(
        _matching(r"[0-9.]+(:[0-9]{1,5})?", "use an address such as 192.0.2.7 or 192.0.2.7:5060"), None
    )
    sip_number: str = setting(
        _matching(r"[0-9*#]*\{(number|e164)\}", "use a pattern such as {number} or 9{number}"), "{e164}"
    )
    calls_per_second: int = setting(_count(0, 10_000), 0)
    lines: int = setting(_count(0, 100_000), 0)
    verification_calls_per_day: int = setting(_count(0, 1_000_000), 1000)
    speech: str = setting(_one_of("espeak", "none"), "espeak")
    smtp_url: str | None = setting(_url("smtp", "smtps", "smtp+starttls"), None, secret=True)
    mail_from: str = setting(str, "callcab <no-reply@localhost>")
    company_directory: Path | None = setting(Path, None)
    dadata_token: str | None = setting(str, None, secret=True)
    metrics_key: str | None = setting(str, None, secret=True)
    log_json: bool = setting(_flag, False)
    staff_totp: str = setting(_one_of("off", "required"), "off")
    session_hours: int = setting(_count(1, 720), 12)
    database_pool: int = setting(_count(1, 200), 10)

    @property
    def embedded_database(self) -> bool:
        return self.database_url is None

    @property
    def embedded_redis(self) -> bool:
        return self.redis_url is None

    @property
    def campaign_lines(self) -> int:
        """Calls of all campaigns at once; 0 = no limit."""
        return self.lines or (SIP_CAMPAIGN_LINES if self.telephony == "sip" else 0)

    @property
    def sounds_dir(self) -> Path:
        """Where prompts are written for the line."""
        return self.ari_sounds or self.data_dir / "sounds"

    @property
    def storage_dir(self) -> Path:
        return self.data_dir / "files"


def environment_name(field_name: str) -> str:
    return "CALLCAB_" + field_name.upper()


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; an empty value counts as absent.

    A secret may come from a file: ``CALLCAB_SECRET_KEY_FILE=/run/secrets/key``.
    Raises ConfigError naming the setting, what is wrong and what to write instead.
    """
    env = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    known = set()
    for item in fields(Settings):
        name = environment_name(item.name)
        known |= {name, f"{name}_FILE"}
        text = _text_of(env, name)
        if text:
            try:
                values[item.name] = item.metadata["parse"](text)
            except ValueError as problem:
                raise ConfigError(f"{name} has a wrong value: {problem}.") from None
    unknown = sorted(name for name in env if name.startswith("CALLCAB_") and name not in known)
    if unknown:
        raise ConfigError(f"Unknown setting {unknown[0]}; docs/configuration.md lists all of them.")
    settings = Settings(**values)
    if "base_url" not in values:
        # A server that listens on all addresses is not found under that one.
        host = settings.host if settings.host.strip("0.:") else "127.0.0.1"
        settings = replace(settings, base_url=f"http://{host}:{settings.port}")
    if settings.database_owner_url and not settings.database_url:
        raise ConfigError("CALLCAB_DATABASE_OWNER_URL is set without CALLCAB_DATABASE_URL; set both or none.")
    _check_needed(settings)
    if settings.telephony == "sip":
        _check_sip(settings)
    return settings


NEEDED = {"asterisk": ("ari_password", "ari_endpoint"), "sip": ("sip_account",)}


def _check_needed(settings: Settings) -> None:
    for field_name in NEEDED.get(settings.telephony, ()):
        if not getattr(settings, field_name):
            name = environment_name(field_name)
            raise ConfigError(
                f"CALLCAB_TELEPHONY is {settings.telephony}, but {name} is not set; see docs/telephony.md."
            )


def _check_sip(settings: Settings) -> None:
    if settings.sip_register and not settings.sip_password:
        raise ConfigError(
            "CALLCAB_SIP_PASSWORD is not set; an operator who knows you by your address needs CALLCAB_SIP_REGISTER=0."
        )
    if settings.lines > SIP_LINES:
        raise ConfigError(
            f"CALLCAB_LINES is {settings.lines}, but CALLCAB_TELEPHONY=sip carries {SIP_LINES} calls at once;"
            " more need an Asterisk, see docs/telephony.md."
        )
    if importlib.util.find_spec("baresip") is None:
        raise ConfigError(
            "CALLCAB_TELEPHONY is sip, but its package is not installed: run pip install 'callcab[sip]'"
            " (Linux on x86-64 or 64-bit ARM, Python 3.11 to 3.14)."
        )


def _text_of(env: Mapping[str, str], name: str) -> str:
    path = env.get(f"{name}_FILE", "")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as problem:
            raise ConfigError(f"{name}_FILE can't be read: {problem.strerror}.") from None
    return env.get(name, "").strip()


def secret_key(settings: Settings) -> str:
    """The signing key: the setting, or one made at the first start and kept in the data folder (mode 0600).

    There is no default key, so a forged session (AC-25) needs the file.
    """
    if settings.secret_key:
        return settings.secret_key
    path = settings.data_dir / "secret_key"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    key = secrets.token_urlsafe(48)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(key)
    return key
