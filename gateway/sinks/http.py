"""POSTs a batch as a JSON array to an HTTP API.

A reply of 2xx accepts the batch, unless its body answers record by record:

    {"results": [{"status": "accepted" | "rejected" | "retry", "reason": "..."}, ...]}

urllib3, for it costs 3 MB of memory in use where httpx and requests cost 6.
"""

import json
import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.sinks import (
    ACCEPTED,
    Answer,
    Outgoing,
    SinkError,
    Verdict,
    check_batch,
    hold_back,
    read_secret,
)

if TYPE_CHECKING:
    import urllib3

_LOCAL = {"localhost", "127.0.0.1", "::1"}
_REFUSED = {400, 413, 422}  # RFC 9110 15.5.1, 15.5.14, 15.5.21: these bytes, not this moment
_MAX_REPLY_BYTES = 1024 * 1024
_VERDICTS = {"accepted": Verdict.ACCEPTED, "rejected": Verdict.REJECTED, "retry": Verdict.KEEP}
_HINTS = {
    401: "the token is missing, wrong or expired: renew the one in `token_file`",
    403: "the token may not write to this `url`: ask for the permission",
    404: "nothing answers at this path: check `url`",
    405: "nothing takes a POST at this path: check `url`",
    408: "the API gave up waiting: the uplink is slow",
    429: "the API asks for a slower pace; the records wait",
}


class Config(BaseModel):
    """`token_file` holds a bearer token; `ca_file` takes the place of the system's authorities."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["http"] = "http"
    url: str
    token_file: Path | None = None
    ca_file: Path | None = None
    connect_timeout_s: float = Field(default=5.0, gt=0, le=60)
    read_timeout_s: float = Field(default=15.0, gt=0, le=120)
    max_records: int = Field(default=100, ge=1, le=1000)

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url {self.url!r} must be https://host/path")
        if parts.username or parts.password:
            raise ValueError("url holds credentials: put a token into `token_file`")
        if self.token_file and parts.scheme == "http" and parts.hostname not in _LOCAL:
            raise ValueError(f"a token would travel in clear to {parts.hostname}: use https")
        return self


class _Result(BaseModel):
    status: Literal["accepted", "rejected", "retry"]
    reason: str = ""

    def answer(self) -> Answer:
        return Answer(_VERDICTS[self.status], self.reason)


class _Reply(BaseModel):
    results: list[_Result]


def _retry_after_s(value: str | None) -> float | None:
    """RFC 9110 10.2.3: seconds, or a date."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (utc - datetime.now(UTC)).total_seconds())


def _hint(status: int) -> str:
    return _HINTS.get(status, "look at the API's own log" if status >= 500 else "check `url`")


def _answers(body: bytes, count: int) -> list[Answer] | None:
    """What a 2xx reply says of each of `count` records, None where it speaks of them as a whole.

    Raises `SinkError` where it cannot be matched.
    """
    try:
        reply = json.loads(body)
    except ValueError:
        return None
    if not isinstance(reply, dict) or "results" not in reply:
        return None
    hint = "`results` must hold one object a record, with a known `status`: mend the API"
    try:
        results = _Reply.model_validate(reply).results
    except ValidationError as error:
        raise SinkError(f"the API's results are malformed: {error}", hint=hint) from error
    if len(results) != count:
        raise SinkError(f"the API gave {len(results)} results for {count} records", hint=hint)
    return [result.answer() for result in results]


class Sink:
    """One POST a batch; each item of the array is a cloud record as it is.

    An API that answers record by record may take a later record of a spot and not an earlier
    one. So a batch holds one record a spot until a reply has told that this API does not.
    """

    partial = True
    max_bytes = 1024 * 1024

    def __init__(self, config: Config) -> None:
        self._config = config
        self.max_records = config.max_records
        self._pool: urllib3.PoolManager | None = None
        self._answers_each = False

    def open(self) -> None:
        """Set up TLS; connects on the first send. Raises `SinkError` for a bad `ca_file`."""
        self.close()
        self._pool = self._make_pool()

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """POST once; the token is read anew, so a renewed one needs no restart."""
        check_batch(self, batch)
        if not batch:
            return []
        status, retry_after, body = self._post(b"[" + b",".join(r.payload for r in batch) + b"]")
        if 200 <= status < 300:
            answers = _answers(body, len(batch))
            self._learn(each_answered=answers is not None)
            return hold_back(batch, answers or [ACCEPTED] * len(batch))
        reason = f"HTTP {status} from {self._config.url}: {body[:200].decode(errors='replace')}"
        if status not in _REFUSED:
            raise SinkError(reason, hint=_hint(status), retry_after_s=_retry_after_s(retry_after))
        if len(batch) > 1:
            raise SinkError(reason, retryable=False, hint="one record of the batch is refused")
        return [Answer(Verdict.REJECTED, reason)]

    def _learn(self, *, each_answered: bool) -> None:
        """Once it has answered record by record it may do so again."""
        self._answers_each |= each_answered
        self.partial = self._answers_each

    def close(self) -> None:
        if self._pool is not None:
            self._pool.clear()
            self._pool = None

    def _make_pool(self) -> "urllib3.PoolManager":
        import urllib3

        ca_file = self._config.ca_file
        try:
            context = ssl.create_default_context(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise SinkError(
                f"cannot read the authorities in {ca_file}: {error}",
                hint="`ca_file` must be a PEM file that the gateway's user may read",
            ) from error
        return urllib3.PoolManager(ssl_context=context, maxsize=1)

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "lotkeeper"}
        if self._config.token_file:
            headers["Authorization"] = f"Bearer {read_secret(self._config.token_file)}"
        return headers

    def _post(self, body: bytes) -> tuple[int, str | None, bytes]:
        """Status, Retry-After and the start of the reply."""
        import urllib3

        if self._pool is None:
            self.open()
        assert self._pool is not None
        config = self._config
        timeout = urllib3.Timeout(connect=config.connect_timeout_s, read=config.read_timeout_s)
        try:
            response = self._pool.request(
                "POST",
                config.url,
                body=body,
                headers=self._headers(),
                timeout=timeout,
                retries=False,  # nor redirects: a moved API is for the operator to see
                preload_content=False,
            )
            reply = _read_in_time(response, config.read_timeout_s)
            response.release_conn()  # which closes it where the reply was longer
        except urllib3.exceptions.HTTPError as error:
            raise _unreachable(config.url, error) from error
        return response.status, response.headers.get("Retry-After"), reply


def _read_in_time(response: "urllib3.BaseHTTPResponse", seconds: float) -> bytes:
    """The start of the reply; one that drips in would never time out, a read at a time."""
    import urllib3

    deadline_s = time.monotonic() + seconds
    reply = b""
    while len(reply) < _MAX_REPLY_BYTES and (part := response.read1(_MAX_REPLY_BYTES)):
        reply += part
        if time.monotonic() > deadline_s:
            response.close()
            raise urllib3.exceptions.TimeoutError(f"the reply took more than {seconds:g} s")
    return reply


def _unreachable(url: str, error: Exception) -> SinkError:
    from urllib3 import exceptions

    hint = "check the uplink and `url`"
    if isinstance(error, exceptions.NameResolutionError):
        hint = "the name does not resolve: check the uplink, the DNS server and `url`"
    elif isinstance(error, exceptions.SSLError):
        hint = "TLS failed: check `ca_file`, and this machine's clock"
    return SinkError(f"no reply from {url}: {error}", hint=hint)
