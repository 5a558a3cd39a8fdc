"""How a device gets its certificate: an invitation on paper or card, then two HTTPS requests.

    device                                     gateway, port 8443
      | GET  /v1/ca                              | nothing is believed yet:
      |<-- the CA's certificate -----------------| its SHA-256 must be the invitation's
      | POST /v1/enrol {name, token, csr}        | now the server's certificate is checked by it
      |<-- {certificate} ------------------------|
      | POST /v1/renew {csr}                     | later, with the certificate it has

The private key stays where it was made: the request carries its public half, signed by it.
"""

import re
from typing import Annotated, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field

from contract.words import Id

CA_PATH = "/v1/ca"
ENROL_PATH = "/v1/enrol"
RENEW_PATH = "/v1/renew"
MAX_BODY_BYTES = 16_384

Pem = Annotated[str, Field(min_length=1, max_length=8192)]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Enrol(_Message):
    """The first request; the token is spent on the key of the request."""

    name: Id
    token: Annotated[str, Field(min_length=16, max_length=128)]
    csr: Pem


class Renew(_Message):
    """A later one; the name is that of the certificate it comes with."""

    csr: Pem


class Enrolled(_Message):
    """The answer."""

    certificate: Pem


class Refused(_Message):
    """The answer to what cannot be done, in words."""

    error: str


class Invitation(_Message):
    """What a device must know to enrol: one line of text, which fits a QR code.

    >>> text = "lotkeeper://gw.local:8443/lot-1/pi-7?ca=" + "0" * 64 + "&token=" + "t" * 32
    >>> invitation = Invitation.parse(text)
    >>> invitation.host, invitation.port, invitation.lot_id, invitation.name
    ('gw.local', 8443, 'lot-1', 'pi-7')
    >>> str(invitation) == text
    True
    """

    host: str
    port: int
    lot_id: Id
    name: Id
    ca_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    token: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{16,128}$", repr=False)]

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        where = f"{host}:{self.port}/{self.lot_id}/{self.name}"
        return f"lotkeeper://{where}?ca={self.ca_sha256}&token={self.token}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """From the line. Raises ValueError, which does not repeat the token."""
        parts = urlsplit(text.strip())
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = re.fullmatch(r"/([^/]+)/([^/]+)", parts.path)
        if parts.scheme != "lotkeeper" or not path or not parts.hostname or not parts.port:
            raise ValueError("no invitation: one begins with lotkeeper://HOST:PORT/LOT/NAME?ca=")
        try:
            return cls(
                host=parts.hostname,
                port=parts.port,
                lot_id=path[1],
                name=path[2],
                ca_sha256=query.get("ca", ""),
                token=query.get("token", ""),
            )
        except ValueError:
            raise ValueError("the invitation is not complete: copy all of its one line") from None
