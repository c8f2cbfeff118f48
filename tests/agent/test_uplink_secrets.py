"""Secrets in files: read anew, warned of, and never shown."""

import logging
from pathlib import Path

import pytest

from zerometer.agent.uplink.secrets import PasswordFile, TokenFile, secret_path
from zerometer.core.errors import ConfigError


def secret(folder: Path, content: bytes, mode: int = 0o600) -> str:
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


def test_a_token_is_read_at_each_use(tmp_path: Path) -> None:
    token = TokenFile(secret(tmp_path, b"first\n"))
    assert token.read() == "first"
    secret(tmp_path, b" second ")
    assert token.read() == "second"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"two words", b"a\r\nX-B: c", b"\xff", b"x" * 8193, b"a\0b"],
)
def test_a_token_that_cannot_be_sent_is_named_but_not_shown(
    tmp_path: Path, content: bytes
) -> None:
    path = secret(tmp_path, content)
    with pytest.raises(ConfigError) as failure:
        TokenFile(path).read()
    assert path in str(failure.value)
    assert "two words" not in str(failure.value)


def test_a_password_may_hold_spaces(tmp_path: Path) -> None:
    password = PasswordFile(secret(tmp_path, " héllo world \r\n".encode()))
    assert password.read() == " héllo world "


@pytest.mark.parametrize("content", [b"", b"\r\n", b"two\nlines", b"\xff"])
def test_a_password_is_one_line_of_text(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError, match=r"password file .*: expected one line"):
        PasswordFile(secret(tmp_path, content)).read()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"token file .*: No such file or directory"):
        TokenFile(str(tmp_path / "none")).read()


def test_one_that_others_may_read_is_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = secret(tmp_path, b"secret", 0o644)
    token = TokenFile(path)
    with caplog.at_level(logging.WARNING):
        assert token.read() == token.read() == "secret"
    assert [r.getMessage() for r in caplog.records] == [
        f"token file {path}: mode is 644, so others may read it; expected 600"
    ]


def test_a_credential_of_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """systemd.exec(5) gives them mode 0440; nothing is wrong with that."""
    secret(tmp_path, b"handed over", 0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert secret_path("credential:secret") == tmp_path / "secret"
    assert PasswordFile("credential:secret").read() == "handed over"
    assert not caplog.records


@pytest.mark.parametrize("name", ["", "../secret", "none"])
def test_a_credential_that_nobody_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "folder"))
    (tmp_path / "folder").mkdir()
    secret(tmp_path, b"not this one")
    with pytest.raises(ConfigError):
        PasswordFile(f"credential:{name}").read()


def test_outside_of_a_service_there_are_no_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(ConfigError, match="expected LoadCredential=key"):
        secret_path("credential:key")
