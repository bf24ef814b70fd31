"""Sealing what people entrust: AES-256-GCM, bound to its place, with the id of the key that sealed it.

A sealed value is ``version(1) | key id(4) | nonce(12) | ciphertext and tag``. The place (table, column, row) is
authenticated with it, so a value cannot be moved to another row. Keys are written as ``id:base64`` with the newest
first; older ones only open. Whoever holds the keys and the database can read everything: consent says so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.errors import Wrong

_VERSION = b"\x01"
_NONCE = 12


@dataclass(frozen=True)
class Place:
    """Where a sealed value lives."""

    table: str
    column: str
    row: UUID | str

    @property
    def bound(self) -> bytes:
        return f"{self.table}\0{self.column}\0{self.row}".encode()


class WrongKey(Wrong):
    """The keys at hand cannot open what is in the database."""


class Keyring:
    """The keys, newest first."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        if not keys:
            raise Wrong("ENCRYPTION_KEYS: at least one key is needed.")
        self._keys = {_key_id(name): AESGCM(key) for name, key in keys.items()}
        self._newest = _key_id(next(iter(keys)))
        self._pepper = hmac.new(next(reversed(keys.values())), b"understory links", hashlib.sha256).digest()

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._keys)}>"

    def seal(self, text: str, at: Place) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + self._newest + nonce + self._keys[self._newest].encrypt(nonce, text.encode(), at.bound)

    def open(self, sealed: bytes, at: Place) -> str:
        """Read a sealed value back.

        Raises:
            WrongKey: the key is not here, or the value was moved or changed.
        """
        version, key_id = sealed[:1], sealed[1:5]
        nonce, ciphertext = sealed[5 : 5 + _NONCE], sealed[5 + _NONCE :]
        key = self._keys.get(key_id)
        if version != _VERSION or key is None:
            raise WrongKey(f"A value in {at.table}.{at.column} was sealed with a key that is not here.")
        try:
            return key.decrypt(nonce, ciphertext, at.bound).decode()
        except InvalidTag as wrong:
            raise WrongKey(f"A value in {at.table}.{at.column} does not open with its key.") from wrong

    def link_secret(self, subject: UUID, issue: int) -> str:
        """The secret part of a link, 192 bits, made again from the key, the row and its issue number."""
        return _url_text(hmac.new(self._pepper, f"{subject}\0{issue}".encode(), hashlib.sha256).digest()[:24])

    def fingerprint(self, secret: str) -> bytes:
        """What the database keeps of a link's secret."""
        return hmac.new(self._pepper, secret.encode(), hashlib.sha256).digest()

    def check_words_seed(self, subject: UUID) -> bytes:
        """The same bytes for one row every time, and nothing that could be guessed from its id."""
        return hmac.new(self._pepper, b"check words\0" + subject.bytes, hashlib.sha256).digest()


def new_key() -> str:
    """A fresh key as it is written in settings and key files."""
    return f"{secrets.token_hex(4)}:{base64.b64encode(os.urandom(32)).decode()}"


def read_keys(written: str) -> Keyring:
    """Keys as they are written: one ``id:base64`` a line or separated by commas, newest first.

    Raises:
        Wrong: a line is not a key; the remedy is said, the line is not shown.
    """
    keys: dict[str, bytes] = {}
    lines = [line for line in written.splitlines() if not line.lstrip().startswith("#")]
    entries = [entry.strip() for entry in ",".join(lines).split(",") if entry.strip()]
    for number, entry in enumerate(entries, start=1):
        name, _, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
            _key_id(name)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise Wrong(f"ENCRYPTION_KEYS: key {number} is not eight hex digits, a colon and 32 bytes in base64.")
        keys[name] = key
    return Keyring(keys)


def keys_beside(database: Path) -> Keyring:
    """The keys of a SQLite database, made on the first start in a file that only its owner can read."""
    path = database.with_suffix(".keys")
    if not path.exists():
        if database.exists():
            raise Wrong(f"The keys {path} are missing, but {database} exists. Put the key file back beside it.")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("# Without these keys nobody can read the database. Keep a copy, but never beside a backup.\n")
            file.write(new_key() + "\n")
    return read_keys(path.read_text())


def _key_id(name: str) -> bytes:
    raw = bytes.fromhex(name)
    if len(raw) != 4:
        raise ValueError("a key id has eight hex digits")
    return raw


def _url_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
