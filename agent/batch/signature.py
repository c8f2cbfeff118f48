"""An optional element between body and checksum: who sealed the batch, provably.

Ed25519 (RFC 8032) over the header and the body as they stand in the envelope. What
signs needs ``cryptography`` (``zerometer[sign]``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import msgpack

from zerometer.core.errors import ConfigError, FormatError

#: Bytes of a signature, and of a public key.
SIGNATURE_BYTES, KEY_BYTES = 64, 32
EXTRA = 'needs cryptography: pip install "zerometer[sign]"'


class BadSignatureError(FormatError):
    """A batch is not signed, or not by the key that is asked for."""

    code: ClassVar[str] = "bad-signature"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and the public key by which it says it can be checked."""

    key: bytes
    value: bytes


#: Signs bytes.
Signer = Callable[[bytes], Signature]


def pack_signature(signature: Signature) -> bytes:
    """Return the element of the envelope."""
    element: bytes = msgpack.packb({"ed25519": signature.value, "key": signature.key})
    return element


def find_signature(elements: Sequence[Any]) -> Signature | None:
    """Return the first signature among *elements* of an envelope, if there is one."""
    for element in elements:
        if not isinstance(element, dict):
            continue
        value, key = element.get("ed25519"), element.get("key")
        if not isinstance(value, bytes) or not isinstance(key, bytes):
            continue
        if (len(value), len(key)) == (SIGNATURE_BYTES, KEY_BYTES):
            return Signature(key, value)
    return None


def signed_part(data: bytes) -> bytes:
    """Return what is signed of a batch that arrived whole: header and body."""
    unpacker = msgpack.Unpacker(max_buffer_size=len(data))
    unpacker.feed(data)
    unpacker.read_array_header()
    start = unpacker.tell()
    unpacker.skip()
    unpacker.skip()
    return data[start : unpacker.tell()]


def check_signature(data: bytes, signature: Signature | None, key: bytes) -> None:
    """Raise BadSignatureError unless *signature* of batch *data* is that of *key*.

    ConfigError when cryptography is missing, or *key* is none.
    """
    if signature is None:
        raise BadSignatureError("batch: is not signed")
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise ConfigError(f"verify: {EXTRA}") from None
    try:
        public = Ed25519PublicKey.from_public_bytes(key)
    except ValueError:
        raise ConfigError(
            f"verify: a key of {len(key)} bytes, expected the {KEY_BYTES} of Ed25519"
        ) from None
    try:
        public.verify(signature.value, signed_part(data))
    except InvalidSignature:
        raise BadSignatureError(
            f"batch: its signature is not that of {key.hex()}"
        ) from None


def load_signer(path: Path) -> Signer:
    """Return what signs with the Ed25519 key in a PEM file.

    ConfigError when it cannot be read, or holds another key.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise ConfigError(f"journal: sign: {EXTRA}") from None
    try:
        private = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ConfigError(f"signing key {path}: {error.strerror}") from error
    except (TypeError, ValueError):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError(
            f"signing key {path}: expected a PEM file with an Ed25519 key and no "
            "passphrase: openssl genpkey -algorithm ed25519"
        )
    public = private.public_key().public_bytes_raw()
    return lambda data: Signature(public, private.sign(data))
