"""Every setting, read from the environment and ``.env``, checked at the start and refused all at once.

A field's description says what it expects: it is the remedy that follows each problem. Fields that depend on others
come after them, because a check only sees what was read before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from bot.errors import Wrong

TELEGRAM = "https://api.telegram.org"
FREE_RATE = 30  # messages a second that Telegram carries without payment (core.telegram.org/bots/faq)
PAID_RATE = 1000  # with paid broadcasts (core.telegram.org/bots/api, "Paid Broadcasts")
_WEBHOOK_PORTS = {443, 80, 88, 8443}  # core.telegram.org/bots/api#setwebhook

_TOKEN = re.compile(r"\d{6,}:[A-Za-z0-9_-]{30,}")
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,8})?")


@dataclass(frozen=True)
class Address:
    """Where a server of ours listens."""

    host: str
    port: int


def _address(written: Any) -> Any:
    if not isinstance(written, str):
        return written
    host, _, port = written.rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise ValueError("not a host and a port")
    return Address(host.strip("[]"), int(port))


def _telegram_ids(written: Any) -> Any:
    if not isinstance(written, str):
        return written
    ids = written.replace(",", " ").split()
    if not all(one.isascii() and one.isdecimal() for one in ids):
        raise ValueError("an owner is named by a number, never by a username")
    return tuple(int(one) for one in ids)


def _web_address(*schemes: str) -> Callable[[str], str]:
    def check(written: str) -> str:
        parts = urlsplit(written)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"not an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return written.rstrip("/")

    return check


def _readable_file(path: Path) -> Path:
    try:
        path.read_text()
    except (OSError, UnicodeDecodeError) as wrong:
        raise ValueError("the file cannot be read") from wrong
    return path


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("there is no such folder")
    return path


Listen = Annotated[Address, NoDecode, BeforeValidator(_address)]
WebAddress = Annotated[str, AfterValidator(_web_address("https", "http"))]
SecretFile = Annotated[Path, AfterValidator(_readable_file)]


class Settings(BaseSettings):
    """What the operator decided. Secrets do not appear in its repr."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",  # .env may also speak to compose
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    bot_token_file: SecretFile | None = Field(None, description="a file that holds only the token")
    bot_token: SecretStr = Field(
        SecretStr(""), description="the token that @BotFather gave you, 123456789:AA…, here or in BOT_TOKEN_FILE"
    )
    bot_api_url: WebAddress = Field(TELEGRAM, description="leave it out, or name your own Bot API server")
    database_url: str = Field(
        "sqlite:///understory.db", repr=False, description="sqlite:///understory.db or postgresql://user@host/name"
    )
    owner_ids: Annotated[tuple[int, ...], NoDecode, BeforeValidator(_telegram_ids)] = Field(
        (), description="numeric Telegram ids with commas between, for example 100200300,100200301"
    )
    encryption_keys_file: SecretFile | None = Field(None, description="a file with one key a line, newest first")
    encryption_keys: SecretStr | None = Field(
        None, description="id:base64 keys, newest first, here or in ENCRYPTION_KEYS_FILE; PostgreSQL always needs them"
    )
    paid_broadcast: bool = Field(False, description="yes or no; yes costs Telegram Stars above 30 messages a second")
    send_rate: int = Field(25, ge=1, description="1 to 30 messages a second, or up to 1000 with PAID_BROADCAST=yes")
    webhook_url: Annotated[str, AfterValidator(_web_address("https"))] | None = Field(
        None, description="the public https:// address of this bot, on port 443, 80, 88 or 8443; none means polling"
    )
    webhook_secret: SecretStr | None = Field(None, description="1 to 256 of A-Z a-z 0-9 _ -, together with WEBHOOK_URL")
    listen: Listen = Field(
        Address("127.0.0.1", 8080), description="host:port for the webhook, for example 127.0.0.1:8080"
    )
    metrics_listen: Listen | None = Field(
        None, description="host:port for health and metrics, for example 127.0.0.1:9090; none means off"
    )
    alert_webhook_url: WebAddress | None = Field(
        None, repr=False, description="an address that is called when a red alert stays unread"
    )
    log_format: Literal["text", "json"] = Field("text", description="text or json")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    programmes_dir: Annotated[Path, AfterValidator(_folder)] | None = Field(
        None, description="a folder with your own programme files"
    )
    backup_dir: Path = Field(Path("backups"), description="a folder for backups, made when it is missing")
    default_language: str = Field("en", description="a language code such as en or de")
    clock_url: WebAddress | None = Field(
        None, description="for rehearsals and tests only; leave it out when the bot speaks to Telegram"
    )

    @classmethod
    def read(cls, env: Mapping[str, str] | None = None) -> Settings:
        """The settings of the environment and ``.env``, or of the given values alone.

        Raises:
            Wrong: everything that is wrong with them, each with its remedy and without its value.
        """
        try:
            if env is None:
                return cls()
            given: dict[str, Any] = {name: env[name.upper()] for name in cls.model_fields if env.get(name.upper())}
            return _Given(**given)
        except ValidationError as wrong:
            problems = [_problem(error["loc"], error["msg"]) for error in wrong.errors(include_input=False)]
        raise Wrong(*problems)  # outside the except block: pydantic's error would bring the values along

    @property
    def bot_id(self) -> int:
        """The bot's own Telegram id, the first half of its token."""
        return int(self.bot_token.get_secret_value().partition(":")[0])

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, written: Any) -> Any:
        return written.upper() if isinstance(written, str) else written

    @field_validator("bot_token", "encryption_keys")
    @classmethod
    def _or_from_file(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        file = info.data.get(f"{info.field_name}_file")
        if file is None:
            return secret
        if secret is not None and secret.get_secret_value():
            raise ValueError("given twice, here and in a file")
        return SecretStr(file.read_text().strip())

    @field_validator("bot_token")
    @classmethod
    def _token_shape(cls, token: SecretStr, info: ValidationInfo) -> SecretStr:
        written = token.get_secret_value()
        if not written:
            if "bot_token_file" in info.data:  # else that file is the problem, and is named
                raise ValueError("missing")
        elif not _TOKEN.fullmatch(written):
            raise ValueError("not the shape of a token")
        return token

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, written: str) -> str:
        scheme, found, _ = written.partition("://")
        if not found or scheme.partition("+")[0] not in {"sqlite", "postgresql", "postgres"}:
            raise ValueError("neither SQLite nor PostgreSQL")
        return written

    @field_validator("encryption_keys")
    @classmethod
    def _keys_for_postgresql(cls, keys: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        elsewhere = "encryption_keys_file" not in info.data  # that file is the problem, and is named
        if keys is None and not elsewhere and info.data.get("database_url", "sqlite").startswith("postgres"):
            raise ValueError("missing; keys are made by themselves only for SQLite")
        return keys

    @field_validator("send_rate")
    @classmethod
    def _affordable(cls, rate: int, info: ValidationInfo) -> int:
        if rate > (PAID_RATE if info.data.get("paid_broadcast") else FREE_RATE):
            raise ValueError("faster than Telegram allows")
        return rate

    @field_validator("webhook_url")
    @classmethod
    def _webhook_port(cls, written: str | None) -> str | None:
        if written is not None and (urlsplit(written).port or 443) not in _WEBHOOK_PORTS:
            raise ValueError("Telegram does not call this port")
        return written

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_pair(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if secret is None:
            if info.data.get("webhook_url") is not None:
                raise ValueError("missing; without it anybody could speak as Telegram")
        elif not _WEBHOOK_SECRET.fullmatch(secret.get_secret_value()):
            raise ValueError("letters that Telegram does not accept, or too many")
        return secret

    @field_validator("default_language")
    @classmethod
    def _language_code(cls, written: str) -> str:
        if not _LANGUAGE.fullmatch(written):
            raise ValueError("not a language code")
        return written

    @field_validator("clock_url")
    @classmethod
    def _never_with_telegram(cls, written: str | None, info: ValidationInfo) -> str | None:
        server = urlsplit(info.data.get("bot_api_url", "")).hostname or ""
        if written is not None and (server == "telegram.org" or server.endswith(".telegram.org")):
            raise ValueError("a rehearsal's clock would set the hours of real people")
        return written


class _Given(Settings):
    """Settings from given values alone, for tests and rehearsals: neither the environment nor ``.env`` is read."""

    @classmethod
    def settings_customise_sources(  # the signature is pydantic's
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def _problem(where: tuple[int | str, ...], wrong: str) -> str:
    name = str(where[0])
    expected = Settings.model_fields[name].description
    return f"{name.upper()}: {wrong.removeprefix('Value error, ')}. Expected: {expected}."
