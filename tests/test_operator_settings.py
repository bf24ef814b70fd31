"""Settings: everything that is wrong is said at once, and no secret is ever shown."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from bot.errors import Wrong
from bot.settings import Address, Settings

TOKEN = "123456789:AAthisIsNotARealTokenButLooksLikeOne"
ALONE = {"BOT_TOKEN": TOKEN}


def problems(**env: str) -> list[str]:
    """The settings that are complained about, by name, in their order."""
    with pytest.raises(Wrong) as refused:
        Settings.read({**ALONE, **env})
    return [problem.partition(":")[0] for problem in refused.value.problems]


def test_a_token_is_all_that_is_needed():
    settings = Settings.read(ALONE)

    assert settings.bot_token.get_secret_value() == TOKEN
    assert settings.bot_id == 123456789
    assert settings.bot_api_url == "https://api.telegram.org"
    assert settings.database_url == "sqlite:///understory.db"
    assert settings.owner_ids == ()
    assert settings.send_rate == 25
    assert settings.listen == Address("127.0.0.1", 8080)
    assert settings.metrics_listen is None
    assert settings.webhook_url is None
    assert (settings.log_format, settings.log_level, settings.default_language) == ("text", "INFO", "en")


def test_every_setting_is_read(tmp_path):
    settings = Settings.read(
        {
            "BOT_TOKEN": TOKEN,
            "BOT_API_URL": "http://127.0.0.1:8081/",
            "DATABASE_URL": "postgresql://ann@db/understory",
            "OWNER_IDS": "100, 200",
            "ENCRYPTION_KEYS": "a-key",
            "SEND_RATE": "1000",
            "PAID_BROADCAST": "yes",
            "WEBHOOK_URL": "https://bot.example:8443/hook",
            "WEBHOOK_SECRET": "a-secret_1",
            "LISTEN": "0.0.0.0:8443",
            "METRICS_LISTEN": "[::1]:9090",
            "ALERT_WEBHOOK_URL": "https://pager.example/call",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "debug",
            "PROGRAMMES_DIR": str(tmp_path),
            "BACKUP_DIR": str(tmp_path / "backups"),
            "DEFAULT_LANGUAGE": "de",
            "CLOCK_URL": "http://127.0.0.1:8081/clock",
        }
    )

    assert settings.bot_api_url == "http://127.0.0.1:8081"
    assert settings.owner_ids == (100, 200)
    assert settings.encryption_keys.get_secret_value() == "a-key"
    assert settings.send_rate == 1000
    assert settings.webhook_url == "https://bot.example:8443/hook"
    assert settings.listen == Address("0.0.0.0", 8443)
    assert settings.metrics_listen == Address("::1", 9090)
    assert settings.alert_webhook_url == "https://pager.example/call"
    assert (settings.log_format, settings.log_level) == ("json", "DEBUG")
    assert settings.programmes_dir == tmp_path
    assert settings.backup_dir == tmp_path / "backups"
    assert settings.default_language == "de"
    assert settings.clock_url == "http://127.0.0.1:8081/clock"


def test_an_empty_setting_counts_as_left_out():
    assert Settings.read({**ALONE, "METRICS_LISTEN": "", "OWNER_IDS": ""}) == Settings.read(ALONE)


def test_the_environment_is_read_and_stands_above_the_file(tmp_path, monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text(f"BOT_TOKEN={TOKEN}\nSEND_RATE=10\nLOG_FORMAT=json\nPOSTGRES_PASSWORD=for-compose\n")
    monkeypatch.setenv("SEND_RATE", "20")

    settings = Settings.read()

    assert settings.bot_token.get_secret_value() == TOKEN
    assert settings.send_rate == 20
    assert settings.log_format == "json"


def test_given_values_stand_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("SEND_RATE=10\n")
    monkeypatch.setenv("LOG_FORMAT", "json")

    assert Settings.read(ALONE).send_rate == 25
    assert Settings.read(ALONE).log_format == "text"


def test_everything_that_is_wrong_is_said_at_once_with_its_remedy():
    several = {
        "SEND_RATE": "500",
        "LISTEN": "8080",
        "OWNER_IDS": "@fay",
        "LOG_LEVEL": "loud",
        "CLOCK_URL": "http://127.0.0.1:1/clock",
    }

    with pytest.raises(Wrong) as refused:
        Settings.read(several)

    assert [problem.partition(" Expected: ")[0] for problem in refused.value.problems] == [
        "BOT_TOKEN: missing.",
        "OWNER_IDS: an owner is named by a number, never by a username.",
        "SEND_RATE: faster than Telegram allows.",
        "LISTEN: not a host and a port.",
        "LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'.",
        "CLOCK_URL: a rehearsal's clock would set the hours of real people.",
    ]
    assert refused.value.problems[3].endswith("Expected: host:port for the webhook, for example 127.0.0.1:8080.")


def test_every_setting_says_what_it_expects():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("BOT_TOKEN", "123456789"),
        ("BOT_TOKEN", "123456789:short"),
        ("BOT_TOKEN_FILE", "/nowhere/token"),
        ("BOT_API_URL", "api.telegram.org"),
        ("BOT_API_URL", "http://[broken"),
        ("DATABASE_URL", "mysql://db/understory"),
        ("DATABASE_URL", "understory.db"),
        ("OWNER_IDS", "1,-2"),
        ("OWNER_IDS", "١٢"),
        ("ENCRYPTION_KEYS_FILE", "/nowhere/keys"),
        ("SEND_RATE", "0"),
        ("SEND_RATE", "31"),
        ("SEND_RATE", "many"),
        ("PAID_BROADCAST", "perhaps"),
        ("LISTEN", "127.0.0.1:70000"),
        ("LISTEN", ":8080"),
        ("METRICS_LISTEN", "9090"),
        ("ALERT_WEBHOOK_URL", "pager"),
        ("LOG_FORMAT", "xml"),
        ("PROGRAMMES_DIR", "/nowhere/programmes"),
        ("DEFAULT_LANGUAGE", "English"),
        ("CLOCK_URL", "http://127.0.0.1:1/clock"),
    ],
)
def test_a_wrong_setting_is_named(name, written):
    assert problems(**{name: written}) == [name]


def test_a_paid_rate_has_its_limit_too():
    assert problems(PAID_BROADCAST="yes", SEND_RATE="1001") == ["SEND_RATE"]


def test_a_webhook_needs_https_an_allowed_port_and_a_secret():
    assert problems(WEBHOOK_URL="http://bot.example") == ["WEBHOOK_URL"]
    assert problems(WEBHOOK_URL="https://bot.example:9999", WEBHOOK_SECRET="s") == ["WEBHOOK_URL"]
    assert problems(WEBHOOK_URL="https://bot.example") == ["WEBHOOK_SECRET"]
    assert problems(WEBHOOK_URL="https://bot.example", WEBHOOK_SECRET="no blanks") == ["WEBHOOK_SECRET"]
    assert problems(WEBHOOK_URL="https://bot.example", WEBHOOK_SECRET="x" * 257) == ["WEBHOOK_SECRET"]


def test_postgresql_needs_its_keys_in_the_settings():
    assert problems(DATABASE_URL="postgresql://db/understory") == ["ENCRYPTION_KEYS"]


@pytest.mark.parametrize("server", ["https://api.telegram.org", "https://API.Telegram.org", "https://telegram.org"])
def test_a_rehearsals_clock_never_goes_with_telegram(server):
    assert problems(BOT_API_URL=server, CLOCK_URL="http://127.0.0.1:1/clock") == ["CLOCK_URL"]


def test_secrets_may_come_from_files(tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "keys").write_text("a-key\n")

    settings = Settings.read(
        {"BOT_TOKEN_FILE": str(tmp_path / "token"), "ENCRYPTION_KEYS_FILE": str(tmp_path / "keys")}
    )

    assert settings.bot_token.get_secret_value() == TOKEN
    assert settings.encryption_keys.get_secret_value() == "a-key"


def test_a_secret_is_given_once(tmp_path):
    (tmp_path / "token").write_text(TOKEN)

    assert problems(BOT_TOKEN_FILE=str(tmp_path / "token")) == ["BOT_TOKEN"]


def test_no_secret_is_shown_by_repr_or_by_a_problem():
    secrets = ["canary-key", "canary-hook", "canary-password", "canary-pager"]
    settings = Settings.read(
        {
            **ALONE,
            "ENCRYPTION_KEYS": "canary-key",
            "WEBHOOK_URL": "https://bot.example",
            "WEBHOOK_SECRET": "canary-hook",
            "DATABASE_URL": "postgresql://ann:canary-password@db/understory",
            "ALERT_WEBHOOK_URL": "https://pager.example/canary-pager",
        }
    )
    wrong = {"BOT_TOKEN": "canary-token", "DATABASE_URL": "mysql://ann:canary-password@db"}

    try:
        Settings.read(wrong)
    except Wrong:
        told = traceback.format_exc()

    shown = f"{settings!r} {settings}"
    assert [secret for secret in [TOKEN, *secrets] if secret in shown] == []
    assert "canary" not in told
