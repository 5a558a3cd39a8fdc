"""Kinesis as a stream: one of several processes that share its shards, by `cloud.leases`.

A shard is read from its first record to its end; its children begin once all of it is durable:

    free --leased--> [read AFTER the last] --records--> polled --durable--> committed --end--> ended
      ^                 |        ^                         |
      |                 +-expired+                         |
      +---- given away, or lapsed: whoever is next begins behind what was committed

Limits (Kinesis Data Streams, "Quotas and limits"; API reference, GetRecords): 5 calls and 2 MB a
second and shard for all readers together, 10 MB a call; an iterator is good for 5 minutes. A shard
takes in 1,000 records a second.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
)

from cloud.leases import Leases, Listed, Place
from cloud.present import Delivered
from cloud.stream import StreamError
from cloud.watching import Lag
from runtime.kinesis import CREDENTIALS, HINTS, KinesisAccess

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import ShardTypeDef

log = logging.getLogger(__name__)

BUSY_S = 0.25
"""Between two calls for a shard that has more: 2,000 records a second, twice what it takes in."""
IDLE_S = 1.0
_BACKOFF_S = (0.5, 10.0)
"""The first pause behind a failure, and the longest."""

_PERMISSION = (
    "allow kinesis:ListShards, kinesis:GetShardIterator and kinesis:GetRecords on the stream, and "
    "the use of its KMS key"
)
_HINTS = HINTS | {
    "AccessDeniedException": _PERMISSION,
    "KMSAccessDeniedException": _PERMISSION,
    "InvalidArgumentException": "if the stream was made anew, delete its rows of stream_leases",
}
_PASSING = {
    "KMSThrottlingException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
}


@dataclass(slots=True)
class _Shard:
    """A shard that is ours. Seconds are monotonic."""

    shard_id: str
    committed: Place
    polled: Place
    iterator: str | None = None
    due_s: float = 0.0
    failures: int = 0
    read_s: float = 0.0
    behind_s: float | None = None

    def rewind(self) -> None:
        """What was polled and not committed is read again."""
        self.polled, self.iterator = self.committed, None


class KinesisStream:
    """Reads `access.stream_name`. Not for two threads at once."""

    def __init__(
        self,
        access: KinesisAccess,
        leases: Leases,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._name = access.stream_name
        self._client = access.client()
        self._leases = leases
        self._clock = clock
        self._wait = wait
        self._listed: list[Listed] = []
        self._shards: dict[str, _Shard] = {}
        self._tend_s = 0.0
        self._lapse_s = 0.0
        self._give_away: Callable[[], bool] = lambda: True
        self._forget: Callable[[], None] = lambda: None

    def poll(self, limit: int, wait_s: float) -> Sequence[Delivered]:
        """See `Stream`. Records of one shard: of that which is due."""
        if any(shard.polled.ended for shard in self._shards.values()):
            self._make_durable()  # its children wait for it
            self._tend_s = 0.0
        if self._clock() >= self._tend_s:
            self._tend()
        going = [each for each in self._shards.values() if not each.polled.ended]
        shard = min(going, key=lambda each: each.due_s, default=None)
        pause_s = wait_s if shard is None else min(wait_s, shard.due_s - self._clock())
        if pause_s > 0:
            self._wait(pause_s)
        if shard is None or shard.due_s > self._clock():
            return []
        return self._read(shard, limit)

    def commit(self) -> None:
        """See `Stream`. Where a shard is another's by now its place stays: that one reads on."""
        moved = {s.shard_id: s.polled for s in self._shards.values() if s.polled != s.committed}
        if not moved:
            return
        try:
            kept = self._leases.commit(moved)
        except psycopg.OperationalError as error:
            log.warning(
                "the places in %s are not kept, the database is away: %s", self._name, error
            )
            return
        for shard_id, place in moved.items():
            if shard_id in kept and not place.ended:
                self._shards[shard_id].committed = place
            else:
                del self._shards[shard_id]

    def on_revoked(self, give_away: Callable[[], bool], forget: Callable[[], None]) -> None:
        """See `Stream`."""
        self._give_away, self._forget = give_away, forget

    def lag(self) -> Lag:
        """How old what was not read may be at most, of the shard that is furthest behind."""
        now_s = self._clock()
        behind = [
            each.behind_s + now_s - each.read_s
            for each in self._shards.values()
            if each.behind_s is not None
        ]
        return Lag(seconds=max(behind, default=None))

    def close(self) -> None:
        """Give all up, so that others take over at once."""
        self._leases.leave()
        self._client.close()

    def _tend(self) -> None:
        """Say that we live, and see which shards are ours."""
        self._list()
        now_s = self._clock()
        if not self._listed:
            self._tend_s = now_s + IDLE_S
            return
        try:
            held = self._leases.hold(self._listed)
        except psycopg.OperationalError as error:
            log.warning("the leases on %s are not renewed: %s", self._name, error)
            if now_s > self._lapse_s:
                self._let_go(list(self._shards))  # by now they may be another's
            self._tend_s = now_s + IDLE_S
            return
        self._tend_s, self._lapse_s = now_s + held.again_s, now_s + self._leases.lease_s
        self._let_go(
            [i for i, each in self._shards.items() if held.places.get(i) != each.committed]
        )
        for shard_id in held.places.keys() - self._shards.keys():
            place = held.places[shard_id]
            self._shards[shard_id] = _Shard(shard_id, place, place)
            log.info("%s: %s is ours", self._name, shard_id)
        if held.surplus:
            self._give_up(held.surplus)

    def _give_up(self, surplus: Sequence[str]) -> None:
        """To those who have less."""
        self._make_durable()
        try:
            self._leases.release(surplus)
        except psycopg.OperationalError as error:
            log.warning("the database is away, none of %s is given away: %s", self._name, error)
            return
        for shard_id in surplus:
            self._shards.pop(shard_id, None)
        log.info("%s: given away: %s", self._name, ", ".join(surplus))

    def _let_go(self, lost: Sequence[str]) -> None:
        """These were another's: what is not durable is let go, and of all others read again."""
        if not lost:
            return
        log.warning("%s: %s are no longer ours", self._name, ", ".join(lost))
        self._forget()
        for shard_id in lost:
            del self._shards[shard_id]
        for shard in self._shards.values():
            shard.rewind()

    def _make_durable(self) -> None:
        if self._give_away():
            self.commit()
        else:
            for shard in self._shards.values():
                shard.rewind()

    def _list(self) -> None:
        """The shards that the stream has; those of the last time where it does not say."""
        found: list[ShardTypeDef] = []
        try:
            page = self._client.list_shards(StreamName=self._name)
            found += page["Shards"]
            while token := page.get("NextToken"):  # it says the stream too, and AWS wants it alone
                page = self._client.list_shards(NextToken=token)
                found += page["Shards"]
        except (BotoCoreError, ClientError) as error:
            self._judge(error)
            log.warning("the shards of %s are not told: %s", self._name, error)
            return
        self._listed = [
            Listed(each["ShardId"], each.get("ParentShardId"), each.get("AdjacentParentShardId"))
            for each in found
        ]

    def _read(self, shard: _Shard, limit: int) -> list[Delivered]:
        try:
            if shard.iterator is None:
                shard.iterator = self._iterator(shard)
            page = self._client.get_records(ShardIterator=shard.iterator, Limit=limit)
        except (BotoCoreError, ClientError) as error:
            self._failed(shard, error)
            return []
        records, now_s = page["Records"], self._clock()
        shard.iterator = page.get("NextShardIterator")
        last = records[-1]["SequenceNumber"] if records else shard.polled.sequence
        shard.polled = Place(last, ended=shard.iterator is None)
        shard.failures, shard.read_s = 0, now_s
        shard.behind_s = page.get("MillisBehindLatest", 0) / 1000
        more = shard.behind_s > 0 or len(records) == limit
        shard.due_s = now_s + (BUSY_S if more else IDLE_S)
        place = f"{self._name}/{shard.shard_id}"
        return [Delivered(f"{place}/{each['SequenceNumber']}", each["Data"]) for each in records]

    def _iterator(self, shard: _Shard) -> str:
        """What stood before the first that the stream still has is passed over by Kinesis."""
        sequence = shard.polled.sequence
        if sequence is None:
            found = self._client.get_shard_iterator(
                StreamName=self._name, ShardId=shard.shard_id, ShardIteratorType="TRIM_HORIZON"
            )
        else:
            found = self._client.get_shard_iterator(
                StreamName=self._name,
                ShardId=shard.shard_id,
                ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                StartingSequenceNumber=sequence,
            )
        return found["ShardIterator"]

    def _failed(self, shard: _Shard, error: BotoCoreError | ClientError) -> None:
        """Read on after a pause. Raises StreamError where that would not help."""
        if _code(error) == "ExpiredIteratorException":
            shard.iterator = None
            shard.due_s = self._clock() + BUSY_S
            return
        self._judge(error)
        shard.failures += 1
        first, longest = _BACKOFF_S
        pause_s = min(longest, first * 2 ** min(shard.failures, 10)) * random.uniform(0.5, 1)
        shard.due_s = self._clock() + pause_s
        log.warning("%s waits for %.1f s: %s", shard.shard_id, pause_s, error)

    def _judge(self, error: BotoCoreError | ClientError) -> None:
        """Raises StreamError where `error` does not pass by itself."""
        hint = None
        if isinstance(error, NoCredentialsError | CredentialRetrievalError):
            hint = CREDENTIALS
        elif isinstance(error, ClientError) and not _passes(error):
            hint = _HINTS.get(_code(error), "look at the stream in the AWS console")
        if hint:
            raise StreamError(f"{self._name}: {error}: {hint}") from error


def _listed(shard: "ShardTypeDef") -> Listed:
    return Listed(shard["ShardId"], shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))


def _code(error: BotoCoreError | ClientError) -> str:
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def _passes(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return _code(error) in _PASSING or status >= 500
