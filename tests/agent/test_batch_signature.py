"""Signed batches: checked by a key, opened by everybody."""

import subprocess
from pathlib import Path

import msgpack
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.batches import header, readings, sealed
from hypothesis import given
from hypothesis import strategies as st

from zerometer.agent.batch import decode, encode, verify
from zerometer.agent.batch.signature import (
    BadSignatureError,
    Signature,
    find_signature,
    load_signer,
    signed_part,
)
from zerometer.core.errors import ConfigError, FormatError

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()


def sign(data: bytes) -> Signature:
    return Signature(PUBLIC, PRIVATE.sign(data))


SIGNED = encode(header(), readings(), sign)


def test_a_signed_batch_is_verified_and_opened() -> None:
    verify(SIGNED, PUBLIC)
    batch = decode(SIGNED)
    assert batch.signature is not None
    assert batch.signature.key == PUBLIC
    assert batch.tables == decode(encode(header(), readings())).tables


def test_what_is_signed_is_header_and_body_as_they_stand() -> None:
    first, body, element, _ = msgpack.unpackb(SIGNED)
    assert signed_part(SIGNED) == msgpack.packb(first) + msgpack.packb(body)
    PRIVATE.public_key().verify(element["ed25519"], signed_part(SIGNED))


def test_openssl_agrees(tmp_path: Path) -> None:
    key, part, value = tmp_path / "key.pem", tmp_path / "part", tmp_path / "value"
    command = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)]
    subprocess.run(command, check=True)
    data = encode(header(), readings(), load_signer(key))
    part.write_bytes(signed_part(data))
    found = decode(data).signature
    assert found is not None
    value.write_bytes(found.value)
    files = ["-inkey", str(key), "-in", str(part), "-sigfile", str(value)]
    check = ["openssl", "pkeyutl", "-verify", "-rawin", *files]
    assert (
        b"Successfully" in subprocess.run(check, check=True, capture_output=True).stdout
    )
    verify(data, found.key)


def test_another_key_another_content_and_none_are_refused() -> None:
    with pytest.raises(BadSignatureError, match="not that of"):
        verify(SIGNED, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    with pytest.raises(BadSignatureError, match="not signed"):
        verify(encode(header(), readings()), PUBLIC)
    other = encode(header(seq=2), readings(), lambda data: sign(data + b"."))
    with pytest.raises(BadSignatureError) as caught:
        verify(other, PUBLIC)
    assert caught.value.code == "bad-signature"
    with pytest.raises(FormatError, match="end within"):
        verify(SIGNED[:-1], PUBLIC)
    with pytest.raises(ConfigError, match="31 bytes"):
        verify(SIGNED, PUBLIC[1:])


@given(
    st.dictionaries(
        st.sampled_from(["ed25519", "key", "other"]),
        st.none() | st.integers() | st.binary(max_size=70) | st.text(max_size=4),
    )
    | st.none()
    | st.text(max_size=9)
)
def test_what_is_no_signature_is_left_aside(element: object) -> None:
    found = find_signature([element, {"ed25519": bytes(64), "key": bytes(32)}])
    assert found is not None
    assert find_signature([{"ed25519": bytes(63), "key": bytes(32)}]) is None


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_signer(tmp_path / "none.pem")
    (tmp_path / "text.pem").write_text("no key")
    with pytest.raises(ConfigError, match="openssl genpkey"):
        load_signer(tmp_path / "text.pem")


def test_an_unsigned_batch_has_none() -> None:
    entries, body, _ = msgpack.unpackb(encode(header(), readings()))
    assert decode(sealed(entries, body)).signature is None
