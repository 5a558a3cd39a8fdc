"""Hands a request's records on to the stream, by the sinks that the gateways have."""

import logging
import threading
from datetime import UTC, datetime

from pydantic import ValidationError

from cloud.config import DoorSettings
from cloud.door.desk import Request, calls, read
from cloud.door.tokens import BadTokens, Tokens, parse
from cloud.record import explained
from gateway.sinks import Outgoing, Sink, SinkError, Verdict
from gateway.sinks.registry import build
from runtime.config import ConfigError, require_private

log = logging.getLogger(__name__)

_WORDS = {Verdict.ACCEPTED: "accepted", Verdict.REJECTED: "rejected"}


class Unknown(PermissionError):
    """The token is missing or not known."""


class Door:
    """Takes requests, one at a time to the stream. Used by any thread."""

    def __init__(self, tokens: Tokens, sink: Sink) -> None:
        self._tokens = tokens
        self._sink = sink
        self._sending = threading.Lock()

    def take(self, authorization: str | None, body: bytes) -> list[dict[str, str]]:
        """An answer a record. Raises Unknown, `cloud.door.desk.BadRequest`."""
        scheme, _, token = (authorization or "").partition(" ")
        may = self._tokens.lots_of(token.strip()) if scheme.lower() == "bearer" else None
        if may is None:
            raise Unknown(
                "the header Authorization must be: Bearer TOKEN, of a token that is known"
            )
        request = read(body, may, datetime.now(UTC))
        with self._sending:
            self._send(request)
        return request.answers

    def _send(self, request: Request) -> None:
        """A record whose predecessor is kept is kept too: a spot's order holds."""
        kept: set[str] = set()
        sink = self._sink
        for call in calls(
            request.going,
            partial=sink.partial,
            max_records=sink.max_records,
            max_bytes=sink.max_bytes,
        ):
            for place, record in call:
                if record.key in kept:
                    request.answer(place, "retry", "an earlier record of its spot is kept")
            fit = [each for each in call if each[1].key not in kept]
            kept |= self._offer(request, fit)

    def _offer(self, request: Request, call: list[tuple[int, Outgoing]]) -> set[str]:
        """One call; the keys of which a record is kept."""
        kept = set()
        try:
            answers = self._sink.send([record for _, record in call]) if call else []
        except SinkError as error:
            if not error.retryable and len(call) > 1:
                half = len(call) // 2
                first = self._offer(request, call[:half])
                return first | self._offer(request, call[half:])
            log.warning("the stream took nothing: %s (%s)", error, error.hint)
            for place, record in call:
                request.answer(place, "retry", "the stream takes nothing now")
                kept.add(record.key)
            return kept
        for (place, record), answer in zip(call, answers, strict=True):
            word = _WORDS.get(answer.verdict, "retry")
            request.answer(place, word, answer.reason)
            if word == "retry":
                kept.add(record.key)
        return kept


def open_door(settings: DoorSettings) -> Door:
    """The door that `settings` describe. Raises ConfigError."""
    options = {key: value for key, value in settings.sink.items() if key != "kind"}
    try:
        require_private(settings.tokens_file)
        tokens = parse(settings.tokens_file.read_text())
        sink = build(settings.sink["kind"], options)
        sink.open()
    except (OSError, BadTokens) as error:
        raise ConfigError(f"door.tokens_file: {settings.tokens_file}: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"door.sink: {explained(error)}") from error
    except (ValueError, SinkError) as error:
        raise ConfigError(f"door.sink: {error}") from error
    return Door(tokens, sink)
