"""Apache Kafka (and Amazon MSK), by librdkafka's idempotent producer.

A record that is answered `KEEP` must not reach the topic later by itself, behind the
forwarder's back and perhaps after its successor. So a message never times out alone in the
producer's queue: `send` waits for all reports up to `timeout_s`, and then, or after any failure,
purges the queue and drops the producer. What was already on the wire may still be written; it
then stands twice, in its order, and readers upsert by its identity.

There are no confluent-kafka wheels for 32-bit ARM: such a gateway takes another sink.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial as bind
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from gateway.sinks import (
    ACCEPTED,
    Answer,
    Outgoing,
    SinkError,
    Verdict,
    check_batch,
    hold_back,
)
from runtime.config import ConfigError
from runtime.kafka import KafkaAccess

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, KafkaException, Message, Producer

    _Note = Callable[[KafkaError | None, Message | None], None]

_ACCESS = "check `security`, and what it needs"
_CONNECT = "check the uplink, `bootstrap_servers` and `security`"
_HINTS = {
    "_AUTHENTICATION": "check `username`, the password file or the IAM role",
    "_SSL": "TLS failed: check `security`, `ca_file`, and this machine's clock",
    "_UNKNOWN_TOPIC": "create the topic, or mend `topic`",
    "UNKNOWN_TOPIC_OR_PART": "create the topic, or mend `topic`",
    "TOPIC_AUTHORIZATION_FAILED": "allow this user to write to the topic",
    "CLUSTER_AUTHORIZATION_FAILED": "allow this user IdempotentWrite on the cluster",
    "SASL_AUTHENTICATION_FAILED": "check `username`, the password file or the IAM role",
}
_REFUSED = {"MSG_SIZE_TOO_LARGE", "INVALID_RECORD"}
_PURGED = {"_PURGE_QUEUE", "_PURGE_INFLIGHT"}
_PURGE_S = 2.0  # purged records report at once; this only bounds a broken library
_logger = logging.getLogger(__name__)


class Config(KafkaAccess):
    """How to reach the brokers. `message_max_bytes` is that of the topic."""

    kind: Literal["kafka"] = "kafka"
    timeout_s: float = Field(default=20.0, gt=0, le=120)
    message_max_bytes: int = Field(default=1_000_000, ge=1000, le=100_000_000)


class Sink:
    """Produces a batch and waits for every delivery report."""

    partial = False
    max_records = 1000
    max_bytes = 4 * 1024 * 1024

    def __init__(self, config: Config) -> None:
        self._config = config
        self._producer: Producer | None = None
        self._error: KafkaError | None = None

    def open(self) -> None:
        """Make the producer, which connects by itself. Raises `SinkError`."""
        self.close()
        self._error = None
        self._producer = _producer(self._config, self._note_error)

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Produce once, in order; raises `SinkError` where no record came through."""
        check_batch(self, batch)
        if not batch:
            return []
        if self._producer is None:
            self.open()
        assert self._producer is not None
        reports = _Reports(len(batch))
        for index, record in enumerate(batch):
            self._produce(self._producer, record, bind(reports.note, index))
        if not self._flush(self._producer, self._config.timeout_s) or reports.failed:
            self.close()
        answers = reports.answers
        if all(answer.verdict is Verdict.KEEP for answer in answers):
            raise self._failure(reports)
        return hold_back(batch, answers)

    def close(self) -> None:
        """Purge what was not sent: nothing may leave after its `KEEP`."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            producer.purge()
            self._flush(producer, _PURGE_S)
            producer.close()

    def _flush(self, producer: "Producer", timeout_s: float) -> bool:
        """Serve the reports; False behind an error that is fatal to the producer.

        confluent-kafka raises such a one through whatever callback happens to run (SystemError).
        """
        from confluent_kafka import KafkaException

        try:
            producer.flush(timeout_s)
        except (KafkaException, SystemError) as error:
            fatal = error if isinstance(error, KafkaException) else error.__cause__
            if isinstance(fatal, KafkaException):
                self._note_error(_kafka_error(fatal))
            return False
        return True

    def _produce(self, producer: "Producer", record: Outgoing, note: "_Note") -> None:
        from confluent_kafka import KafkaException

        try:
            producer.produce(
                self._config.topic, key=record.key, value=record.payload, on_delivery=note
            )
        except KafkaException as error:
            note(_kafka_error(error), None)

    def _note_error(self, error: "KafkaError") -> None:
        """Keep the one that says most: others, as "all brokers down", only follow it."""
        if self._error is None or error.name() in _HINTS:
            self._error = error

    def _failure(self, reports: "_Reports") -> SinkError:
        error = self._error
        hint = _HINTS.get(error.name(), "") if error else ""
        hint = hint or next((_HINTS[name] for name in reports.errors if name in _HINTS), _CONNECT)
        reason = error.str() if error else reports.answers[0].reason
        return SinkError(f"no record reached {self._config.bootstrap_servers}: {reason}", hint=hint)


class _Reports:
    """Delivery reports of one batch. One that never comes leaves its record kept.

    The broker refuses a partition's set of records for one of them: only alone is it known which.
    """

    def __init__(self, count: int) -> None:
        self._answers = [Answer(Verdict.KEEP, "no delivery report in time")] * count
        self.errors: set[str] = set()
        self._refused: dict[int, int] = {}
        """The partition of each that was refused with its set."""

    @property
    def failed(self) -> bool:
        """Whether one was not taken: the producer must not go on behind it."""
        return bool(self._refused) or any(
            answer.verdict is Verdict.KEEP for answer in self._answers
        )

    @property
    def answers(self) -> list[Answer]:
        """As far as the reports have come."""
        in_sets = Counter(self._refused.values())
        answers = list(self._answers)
        for index, partition in self._refused.items():
            verdict = Verdict.SPLIT if in_sets[partition] > 1 else Verdict.REJECTED
            answers[index] = Answer(verdict, self._answers[index].reason)
        return answers

    def note(self, index: int, error: "KafkaError | None", message: "Message | None") -> None:
        """`message` is None where the producer itself refused the record."""
        if error is None:
            self._answers[index] = ACCEPTED
        elif error.name() in _PURGED:  # by us, for its report did not come in time
            return
        elif error.name() in _REFUSED and message is None:
            self._answers[index] = Answer(Verdict.REJECTED, error.str())
        else:
            self._answers[index] = Answer(Verdict.KEEP, error.str())
            self.errors.add(error.name())
            if error.name() in _REFUSED and message is not None:
                self._refused[index] = message.partition() or 0


def _producer(config: Config, note_error: "Callable[[KafkaError], None]") -> "Producer":
    try:
        from confluent_kafka import KafkaException, Producer
    except ImportError as error:
        raise SinkError(
            "the kafka sink needs confluent-kafka",
            hint="pip install 'lotkeeper[kafka]' (on 64-bit systems: there is no wheel for armv7)",
        ) from error
    options = {**_options(config), "error_cb": note_error}
    try:
        return Producer(options, logger=_logger)
    except KafkaException as error:
        raise SinkError(f"librdkafka refuses the options: {error}", hint=_CONNECT) from error


def _kafka_error(error: "KafkaException") -> "KafkaError":
    cause: KafkaError = error.args[0]
    return cause


def _options(config: Config) -> dict[str, Any]:
    try:
        access = config.options()
    except ConfigError as error:
        raise SinkError(str(error), hint=_ACCESS) from error
    return {
        **access,
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",  # as the Java clients place a key
        "compression.type": "lz4",
        "message.max.bytes": config.message_max_bytes,
        # longer than `send` waits: a message alone must not expire before its successors
        "message.timeout.ms": int((config.timeout_s + 60) * 1000),
    }
