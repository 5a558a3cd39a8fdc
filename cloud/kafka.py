"""Kafka as a stream: one member of a consumer group, whose places the broker keeps."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cloud.present import Delivered
from cloud.stream import StreamError
from cloud.watching import Lag
from runtime.kafka import KafkaAccess

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message, TopicPartition

log = logging.getLogger(__name__)


class KafkaStream:
    """Reads `access.topic` as a member of `group`."""

    def __init__(self, access: KafkaAccess, group: str) -> None:
        from confluent_kafka import Consumer

        self._topic = access.topic
        self._give_away: Callable[[], bool] = lambda: True
        self._forget: Callable[[], None] = lambda: None
        self._fatal: str | None = None
        self._next: dict[int, int] = {}
        self._consumer: Consumer = Consumer(
            {
                **access.options(),
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_uncommitted",  # nobody writes in transactions
                "session.timeout.ms": 10_000,
                "max.poll.interval.ms": 300_000,
                "error_cb": self._note,
            },
            logger=log,
        )
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._lost
        )

    def poll(self, limit: int, wait_s: float) -> Sequence[Delivered]:
        """See `Stream`."""
        messages = self._consumer.consume(limit, wait_s)
        if self._fatal:
            raise StreamError(self._fatal)
        return [delivered for each in messages if (delivered := self._delivered(each))]

    def commit(self) -> None:
        """See `Stream`."""
        from confluent_kafka import KafkaException

        offsets = [self._place(*each) for each in self._next.items()]
        if not offsets:
            return
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            # Also where the partitions are another's by now: it reads from the place before.
            log.warning("the places of %s were not taken: %s", self._topic, error)
            return
        self._next.clear()

    def on_revoked(self, give_away: Callable[[], bool], forget: Callable[[], None]) -> None:
        """See `Stream`."""
        self._give_away, self._forget = give_away, forget

    def lag(self) -> Lag:
        """Behind the high watermarks that came with the last fetches."""
        behind = 0
        assigned = self._consumer.assignment()
        for place in self._consumer.position(assigned):
            _, high = self._consumer.get_watermark_offsets(place, cached=True)
            if high < 0 or place.offset < 0:
                return Lag()
            behind += max(0, high - place.offset)
        return Lag(records=behind)

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
        self._consumer.close()

    def _delivered(self, message: "Message") -> Delivered | None:
        if error := message.error():
            if error.fatal() or not error.retriable():
                raise StreamError(f"{self._topic}: {error.str()}")
            return None
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        self._next[partition] = offset + 1
        return Delivered(f"{self._topic}/{partition}/{offset}", message.value() or b"")

    def _place(self, partition: int, offset: int) -> "TopicPartition":
        from confluent_kafka import TopicPartition

        return TopicPartition(self._topic, partition, offset)

    def _on_assign(self, _: "Consumer", partitions: list["TopicPartition"]) -> None:
        log.info("%s: partitions %s", self._topic, [each.partition for each in partitions])

    def _on_revoke(self, _: "Consumer", partitions: list["TopicPartition"]) -> None:
        if self._next and self._give_away():
            self.commit()
        self._next.clear()

    def _lost(self, _: "Consumer", partitions: list["TopicPartition"]) -> None:
        self._forget()
        self._next.clear()

    def _note(self, error: Any) -> None:
        if error.fatal():
            self._fatal = error.str()
        else:
            log.warning("%s: %s", self._topic, error.str())
