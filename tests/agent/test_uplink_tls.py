"""Whom an uplink believes and who it says it is, against OpenSSL's other side."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from harness.authority import Authority, private_pem
from harness.batches import SOURCE
from harness.outbox import stored
from harness.sealed_batches import sealed
from harness.upstream import Upstream, upstream

from zerometer.agent.uplink.base import Answer, Outcome
from zerometer.agent.uplink.http import HttpSender
from zerometer.agent.uplink.tls import client_context
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings

Serve = Callable[..., Upstream]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return what starts a server with a certificate; *clients*: who may come."""
    with upstream() as server:

        def start(pair: tuple[Path, Path], *, clients: Path | None = None) -> Upstream:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*pair)
            if clients is not None:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(clients)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
            return server

        yield start


def sender(server: Upstream, host: str = "127.0.0.1", **files: object) -> HttpSender:
    url = f"https://{host}:{server.server_port}/v1/batches"
    named = {name: str(path) for name, path in files.items()}
    return HttpSender(UplinkSettings(id="main", url=url, **named), SOURCE)  # type: ignore[arg-type]


def send(sender: HttpSender, seq: int = 1) -> Answer:
    return sender.send(stored(sealed(seq)), 5)


def test_a_private_authority(authority: Authority, serve: Serve) -> None:
    server = serve(authority.issue("server"))
    trusting = sender(server, ca=authority.ca)
    for seq in (1, 2):
        assert send(trusting, seq).outcome is Outcome.ACCEPTED
    trusting.close()
    assert len({request.client for request in server.requests}) == 1


def test_what_the_system_believes(
    authority: Authority, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE speaks for the system."""
    server = serve(authority.issue("server"))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    trusting = sender(server)
    assert send(trusting).outcome is Outcome.ACCEPTED
    trusting.close()


def test_a_private_authority_is_the_only_one(
    authority: Authority, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Authority(tmp_path, "other")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    server = serve(authority.issue("server"))
    answer = send(sender(server, ca=other.ca))
    assert answer.outcome is Outcome.PAUSE
    assert "CERTIFICATE_VERIFY_FAILED" in answer.reason
    assert not server.requests


def test_a_certificate_that_has_expired(authority: Authority, serve: Serve) -> None:
    server = serve(authority.issue("server", days=-1))
    answer = send(sender(server, ca=authority.ca))
    assert answer.outcome is Outcome.PAUSE
    assert "certificate has expired" in answer.reason


def test_a_certificate_of_another_host(authority: Authority, serve: Serve) -> None:
    server = serve(authority.issue("server", host="collector.example.com"))
    answer = send(sender(server, ca=authority.ca))
    assert answer.outcome is Outcome.PAUSE
    assert "IP address mismatch" in answer.reason


def test_a_host_by_name(authority: Authority, serve: Serve) -> None:
    server = serve(authority.issue("server", host="localhost"))
    by_name = sender(server, "localhost", ca=authority.ca)
    assert send(by_name).outcome is Outcome.ACCEPTED
    by_name.close()


def test_nothing_older_than_tls_1_2() -> None:
    assert client_context().minimum_version is ssl.TLSVersion.TLSv1_2


def test_who_we_are(authority: Authority, serve: Serve, tmp_path: Path) -> None:
    server = serve(authority.issue("server"), clients=authority.ca)
    cert, key = authority.issue("gateway-7")
    known = sender(server, ca=authority.ca, cert=cert, key=key)
    assert send(known).outcome is Outcome.ACCEPTED
    known.close()
    stranger, strange_key = Authority(tmp_path, "other").issue("stranger")
    for unknown in (
        sender(server, ca=authority.ca),
        sender(server, ca=authority.ca, cert=stranger, key=strange_key),
    ):
        # TLS 1.3 tells a client of it only after its request, and may cut it off.
        answer = send(unknown)
        assert answer.outcome is not Outcome.ACCEPTED
    assert len(server.requests) == 1


def test_a_certificate_that_was_renewed_is_used_at_once(
    authority: Authority, serve: Serve
) -> None:
    server = serve(authority.issue("server"), clients=authority.ca)
    cert, key = authority.issue("gateway-7", days=-1)
    renewed = sender(server, ca=authority.ca, cert=cert, key=key)
    assert send(renewed).outcome is not Outcome.ACCEPTED
    authority.issue("gateway-7")
    assert send(renewed).outcome is Outcome.ACCEPTED
    renewed.close()


def test_files_that_cannot_be_used(authority: Authority, tmp_path: Path) -> None:
    cert, key = authority.issue("gateway-7")
    _, other_key = authority.issue("gateway-8")
    empty, locked = tmp_path / "empty.pem", tmp_path / "locked.key"
    empty.touch()
    locked.write_bytes(private_pem(ec.generate_private_key(ec.SECP256R1()), b"1234"))
    none = tmp_path / "none.pem"
    for files, said in (
        ((none, "", ""), f"ca {none}: No such file or directory"),
        ((empty, "", ""), f"ca {empty}: expected certificates in PEM"),
        (("", none, key), f"cert {none}, key {key}: No such file or directory"),
        (("", cert, other_key), "key values mismatch"),
        (("", cert, locked), "expected a certificate in PEM and its key, not encrypt"),
    ):
        with pytest.raises(ConfigError) as failure:
            client_context(*map(str, files))
        assert said in str(failure.value)


def test_a_credential_may_be_the_key(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = authority.issue("gateway-7")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    context = client_context(str(authority.ca), str(cert), f"credential:{key.name}")
    assert context.cert_store_stats()["x509_ca"] == 1


def test_a_file_that_is_missing_pauses(authority: Authority, serve: Serve) -> None:
    server = serve(authority.issue("server"))
    authority.ca.rename(authority.ca.with_suffix(".old"))
    answer = send(sender(server, ca=authority.ca))
    assert answer.outcome is Outcome.PAUSE
    assert answer.reason == f"ca {authority.ca}: No such file or directory"
