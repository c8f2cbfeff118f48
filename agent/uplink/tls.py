"""Whom we believe and who we are, on every encrypted connection."""

import ssl

from zerometer.agent.uplink.secrets import secret_path
from zerometer.core.errors import ConfigError

#: Failures of TLS that say nothing about certificates or versions.
_PASSING = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def client_context(ca: str = "", cert: str = "", key: str = "") -> ssl.SSLContext:
    """Return how to speak TLS 1.2 or newer to a server that must prove its name.

    With *ca* only certificates are believed that it vouches for, else those that the
    system believes. *cert* and *key* are who we are, where a server asks. All are
    PEM files, or ``credential:NAME``, read now: they may be renewed while we run, so
    ask anew for each connection. ConfigError when one cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca:
        _load_ca(context, ca)
    else:
        context.load_default_certs()
    if cert:
        _load_identity(context, cert, key)
    return context


def is_refusal(error: Exception) -> bool:
    """Tell whether TLS failed of what stays until somebody changes something."""
    return isinstance(error, ssl.SSLError) and not isinstance(error, _PASSING)


def _load_ca(context: ssl.SSLContext, ca: str) -> None:
    path = secret_path(ca)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise ConfigError(
            f"ca {path}: expected certificates in PEM ({_why(error)})"
        ) from error
    except OSError as error:
        raise ConfigError(f"ca {path}: {error.strerror}") from error


def _load_identity(context: ssl.SSLContext, cert: str, key: str) -> None:
    certificate, private = secret_path(cert), secret_path(key)
    where = f"cert {certificate}, key {private}"
    try:
        # Without a password, OpenSSL would ask for one at the terminal.
        context.load_cert_chain(certificate, private, password="")
    except ssl.SSLError as error:
        raise ConfigError(
            f"{where}: expected a certificate in PEM and its key, not encrypted "
            f"({_why(error)})"
        ) from error
    except OSError as error:
        raise ConfigError(f"{where}: {error.strerror}") from error


def _why(error: ssl.SSLError) -> str:
    return (error.reason or "no PEM").replace("_", " ").lower()
