"""Who may send: the file of sources, tokens and certificates, and what each allows."""

import http.client
import json
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from harness.batches import SOURCE, header
from harness.certificates import self_signed
from harness.receiving import Receiving, receiving
from harness.sealed_batches import sealed

from zerometer.agent.receiver.errors import ForgedSourceError, NotAllowedError
from zerometer.agent.receiver.model import Sender
from zerometer.agent.receiver.server import Admission, Receiver
from zerometer.agent.receiver.sources import SourcesFile
from zerometer.core.errors import ConfigError

OTHER = bytes(range(16, 32))
STRANGER = bytes(16)
BROKER = bytes(range(32, 48))


def digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


TEXT = f"""
[[source]]
uuid = "{SOURCE.hex()}"
site = "demo"
token_sha256 = "{digest("mine")}"

[[source]]
uuid = "{OTHER.hex()}"
token_file = "token"
common_name = "other"

[[source]]
uuid = "{BROKER.hex()}"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("yours\n")
    (tmp_path / "token").chmod(0o600)
    path = tmp_path / "sources.toml"
    path.write_text(TEXT)
    return path


def test_a_token_is_good_for_its_own_source(path: Path) -> None:
    sources = SourcesFile(path).sources
    sources.admit(header(), Sender(token="mine"))
    sources.admit(header(source=OTHER), Sender(token="yours", name="other"))
    for source, sender in (
        (SOURCE, Sender()),
        (SOURCE, Sender(token="")),
        (SOURCE, Sender(token="yours", name="other")),
        (OTHER, Sender(token="mine", name="other")),
        (OTHER, Sender(token="yours")),
        (OTHER, Sender(name="other")),
        (BROKER, Sender(token="mine")),
        (STRANGER, Sender(token="mine")),
        (STRANGER, Sender(source=STRANGER)),
    ):
        with pytest.raises(NotAllowedError):
            sources.admit(header(source=source), sender)


def test_a_source_sends_of_its_own_site(path: Path) -> None:
    sources = SourcesFile(path).sources
    with pytest.raises(NotAllowedError, match='site is "elsewhere"'):
        sources.admit(header(site="elsewhere"), Sender(token="mine"))


def test_over_a_broker_the_topic_is_the_proof(path: Path) -> None:
    sources = SourcesFile(path).sources
    for source in (SOURCE, BROKER):
        sources.admit(header(source=source), Sender(source=source))
    with pytest.raises(ForgedSourceError, match="it came by the topic of"):
        sources.admit(header(), Sender(source=OTHER))


def test_nobody_need_be_read_who_can_be_nobody(path: Path) -> None:
    sources = SourcesFile(path).sources
    for known in (Sender(token="mine"), Sender(token="yours"), Sender(name="other")):
        sources.meet(known)
    for unknown in (Sender(), Sender(token="guess"), Sender(name="", fingerprint="")):
        with pytest.raises(NotAllowedError):
            sources.meet(unknown)


def test_the_default_may_be_to_accept(path: Path) -> None:
    path.write_text('default = "accept"\n' + TEXT)
    sources = SourcesFile(path).sources
    sources.meet(Sender())
    sources.admit(header(source=STRANGER), Sender())
    with pytest.raises(NotAllowedError):
        sources.admit(header(), Sender())


def replace(path: Path, text: str) -> None:
    """Replace a file as an editor does: another one takes its place."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o600)
    new.replace(path)


def test_the_file_is_read_again_when_it_changes(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = SourcesFile(path)
    file.sources.admit(header(), Sender(token="mine"))
    replace(path, TEXT.replace(digest("mine"), digest("new")))
    file.sources.admit(header(), Sender(token="new"))
    replace(path.parent / "token", "changed\n")
    file.sources.admit(header(source=OTHER), Sender(token="changed", name="other"))
    replace(path, "[[source]\n")
    file.sources.admit(header(), Sender(token="new"))
    assert "sources stay as they were" in caplog.text
    replace(path, "")
    with pytest.raises(NotAllowedError):
        file.sources.admit(header(), Sender(token="new"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('default = "maybe"', 'default: "maybe", allowed are'),
        ("sources = 1", "sources: is not known; allowed are default, source"),
        ("source = 1", "source: expected"),
        ("source = [1]", "source 1: expected a table"),
        ("[[source]]", 'source 1: uuid: is "", expected 32 hexadecimal digits'),
        ('[[source]]\nuuid = "xyz"', 'uuid: is "xyz"'),
        ("[[source]]\nuuid = 7", "uuid: is 7, expected a text"),
        (TEXT + TEXT, f"uuid {SOURCE.hex()} is there twice"),
        ('[[source]]\ntoken = "plain"', "token: is not known"),
        ('[[source]]\ntoken_sha256 = "abc"', "token_sha256: is"),
        (
            f'[[source]]\ntoken_sha256 = "{digest("a")}"\ntoken_file = "token"',
            "has both token_sha256 and token_file",
        ),
        ('[[source]]\ntoken_file = "nowhere"', "nowhere: No such file"),
        ("=", "sources.toml: "),
    ],
)
def test_a_wrong_file_is_named(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        SourcesFile(path)
    assert message in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        SourcesFile(tmp_path / "sources.toml")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_other_machines_are_not_let_in_by_mistake(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="name with --sources who may send"):
        Receiver(str(tmp_path / "received.sqlite"), host, 0)


@pytest.mark.parametrize(
    "admission",
    [Admission(cert="a"), Admission(key="a"), Admission(client_ca="a")],
)
def test_half_a_tls_is_none(tmp_path: Path, admission: Admission) -> None:
    with pytest.raises(ConfigError, match="need each other"):
        Receiver(str(tmp_path / "r.sqlite"), "127.0.0.1", 0, (), admission)


@pytest.fixture
def receiver(tmp_path: Path, path: Path) -> Iterator[Receiving]:
    with receiving(tmp_path / "r.sqlite", (), Admission(sources=path)) as running:
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_tokens_over_http(receiver: Receiving) -> None:
    assert receiver.post(sealed(1), bearer("mine"))[0] == 200
    status, _, body = receiver.post(sealed(1, source=OTHER), bearer("mine"))
    assert (status, body["error"], body["source"]) == (403, "not-allowed", OTHER.hex())
    for headers in ({}, bearer("guess"), {"Authorization": "Basic bWluZQ=="}):
        status, _, body = receiver.post(sealed(2), headers)
        assert (status, body["error"]) == (403, "not-allowed")
        assert receiver.request("GET", "/v1/status", None, headers)[0] == 403
    assert receiver.request("GET", "/v1/status", None, bearer("mine"))[0] == 200


def test_a_stranger_is_refused_before_its_body(receiver: Receiving) -> None:
    connection = http.client.HTTPConnection(receiver.address, timeout=5)
    with closing(connection):
        connection.putrequest("POST", "/v1/batches")
        connection.putheader("Content-Length", "1000000")
        connection.endheaders()
        assert connection.getresponse().status == 403


def issued(folder: Path, name: str) -> tuple[Path, Path]:
    """Return a certificate of *name* and its key, vouched for by itself."""
    files = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec",
            "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-out", str(files[0]), "-keyout", str(files[1]),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return files


def test_certificates_say_who_sends(tmp_path: Path, path: Path) -> None:
    server_cert, server_key = self_signed(tmp_path)
    ours, theirs = issued(tmp_path, "ours"), issued(tmp_path, "theirs")
    authorities = tmp_path / "authorities.pem"
    authorities.write_text(ours[0].read_text() + theirs[0].read_text())
    der = ssl.PEM_cert_to_DER_cert(ours[0].read_text())
    path.write_text(
        f'[[source]]\nuuid = "{SOURCE.hex()}"\n'
        f'certificate_sha256 = "{sha256(der).hexdigest()}"\n'
    )
    admission = Admission(
        sources=path,
        cert=str(server_cert),
        key=str(server_key),
        client_ca=str(authorities),
    )

    def post(address: str, own: tuple[Path, Path] | None) -> tuple[int, Any]:
        context = ssl.create_default_context(cafile=str(server_cert))
        if own is not None:
            context.load_cert_chain(*own)
        connection = http.client.HTTPSConnection(address, timeout=5, context=context)
        with closing(connection):
            connection.request("POST", "/v1/batches", sealed(1))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    with receiving(tmp_path / "r.sqlite", (), admission) as receiver:
        assert post(receiver.address, ours)[0] == 200
        status, body = post(receiver.address, theirs)
        assert (status, body["error"]) == (403, "not-allowed")
        with pytest.raises(OSError):
            post(receiver.address, None)


def test_files_of_tls_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    cert, key = (str(file) for file in self_signed(tmp_path))
    for admission, message in (
        (Admission(cert="nowhere", key=key), "--tls-cert nowhere"),
        (Admission(cert=cert, key=key, client_ca=key), "--client-ca"),
    ):
        with pytest.raises(ConfigError, match=message):
            Receiver(str(tmp_path / "r.sqlite"), "127.0.0.1", 0, (), admission)
