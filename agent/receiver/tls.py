"""TLS on the receiver's port."""

import ssl

from zerometer.agent.uplink.secrets import secret_path
from zerometer.core.errors import ConfigError


def server_context(cert: str, key: str, client_ca: str = "") -> ssl.SSLContext:
    """Return TLS 1.2 or newer, as who the PEM files *cert* and *key* say.

    With *client_ca* every sender must have a certificate that it vouches for.
    ConfigError when a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(secret_path(cert), secret_path(key))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"--tls-cert {cert}, --tls-key {key}: {error}") from error
    if client_ca:
        try:
            context.load_verify_locations(secret_path(client_ca))
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"--client-ca {client_ca}: {error}") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context
