"""Lines to paste that lead a client here: whom it trusts, and where it asks."""

import shlex
from collections.abc import Mapping
from typing import NamedTuple

_JAVA = (
    "keytool -importcert -noprompt -alias mdmsim -file {ca} -keystore mdmsim.p12 "
    "-storetype PKCS12 -storepass changeit\n"
    "java -Djavax.net.ssl.trustStore=mdmsim.p12 "
    "-Djavax.net.ssl.trustStorePassword=changeit -jar your-server.jar"
)
_NANODEP = (
    "SSL_CERT_FILE={ca} depserver -api nanodep &\n"
    "curl --retry 5 --retry-connrefused -u depserver:nanodep -X PUT "
    '--data \'{{"base_url": "{base}/"}}\' '
    "http://127.0.0.1:9001/v1/config/mdmsim\n"
    "mdmsim token dep --show --data {data} | curl -u depserver:nanodep -T - "
    "http://127.0.0.1:9001/v1/tokens/mdmsim\n"
    "SSL_CERT_FILE={ca} depsyncer -debug -duration 0 mdmsim"
)
_NANOMDM = (
    "HTTPS_PROXY={proxy} SSL_CERT_FILE={ca} nanomdm -ca your-scep-ca.pem -api nanomdm "
    "-storage filekv -storage-dsn nanomdm-db &\n"
    "cat {certificate} {key} | curl --retry 5 --retry-connrefused -u nanomdm:nanomdm "
    "-T - http://127.0.0.1:9000/v1/pushcert"
)


class ClientLines(NamedTuple):
    """What to paste for one kind of client."""

    client: str
    lines: str
    """With ``{ca}``, and in `SERVERS` with ``{base}``, ``{proxy}`` and paths, in braces."""

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the lines with *values* in their places, quoted for a shell."""
        return self.lines.format_map({name: shlex.quote(text) for name, text in values.items()})


TRUST = (
    ClientLines("curl", "curl --cacert {ca} https://localhost:8443/account"),
    ClientLines("Go", "SSL_CERT_FILE={ca} ./your-server"),
    ClientLines("Python ssl, httpx, aiohttp", "SSL_CERT_FILE={ca} python your_server.py"),
    ClientLines("Python requests", "REQUESTS_CA_BUNDLE={ca} python your_server.py"),
    ClientLines("Node.js", "NODE_EXTRA_CA_CERTS={ca} node your-server.js"),
    ClientLines("Ruby, PHP, openssl", "SSL_CERT_FILE={ca} ./your-server"),
    ClientLines("Java", _JAVA),
)
"""What makes a kind of client trust the CA."""
SERVERS = (ClientLines("nanodep", _NANODEP), ClientLines("nanomdm", _NANOMDM))
"""What leads an MDM server here from its start on."""
