"""A Kinesis at the wire that reshards as AWS does: a closed shard ends, and names its children.

It says no more than a reader asks: ListShards, GetShardIterator, GetRecords (API reference).
"""

import base64
import json
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.gateway.sinks.wire import Reply, Request, ScriptedServer

NAME = "lots"
REGION = "eu-central-1"


@dataclass
class Shard:
    """`records` are (sequence, data)."""

    shard_id: str
    parents: list[str] = field(default_factory=list)
    records: list[tuple[int, bytes]] = field(default_factory=list)
    closed: bool = False


class Kinesis:
    """`faults` are codes with which the next calls of GetRecords fail."""

    def __init__(self, shards: int) -> None:
        self._sequences = count(1)
        self._generation = 0
        self.shards: dict[str, Shard] = {}
        for _ in range(shards):
            self._open()
        self.faults: deque[str] = deque()
        self.asked: list[str] = []
        """The shards of the calls of GetRecords."""
        self._server = ScriptedServer()
        self._server.respond = self._respond
        self.url = self._server.url

    def close(self) -> None:
        self._server.close()

    def put(self, shard_id: str, data: bytes) -> None:
        shard = self.shards[shard_id]
        assert not shard.closed
        shard.records.append((next(self._sequences), data))

    def reshard(self, *parents: str, into: int) -> list[str]:
        """Split one, merge two; the new ones."""
        for parent in parents:
            self.shards[parent].closed = True
        return [self._open(*parents) for _ in range(into)]

    def forget(self, shard_id: str) -> None:
        """As behind the retention."""
        del self.shards[shard_id]

    def expire_iterators(self) -> None:
        self._generation += 1

    def _open(self, *parents: str) -> str:
        shard_id = f"shardId-{next(self._sequences):012}"
        self.shards[shard_id] = Shard(shard_id, list(parents))
        return shard_id

    def _respond(self, request: Request) -> Reply:
        self._server.requests.clear()
        asked = json.loads(request.body)
        operation = request.headers["x-amz-target"].rpartition(".")[2]
        if operation == "ListShards":
            return self._page(asked)
        if operation == "GetShardIterator":
            shard = self.shards[asked["ShardId"]]
            after = int(asked.get("StartingSequenceNumber", 0))
            after -= {"AT_SEQUENCE_NUMBER": 1}.get(asked["ShardIteratorType"], 0)
            return Reply(200, {"ShardIterator": self._iterator(shard, after)})
        assert operation == "GetRecords"
        return self._records(asked)

    def _page(self, asked: dict[str, Any]) -> Reply:
        """Two shards. A page's token says the stream too, and AWS refuses both together."""
        if len(asked) > 1:
            return _fault("InvalidArgumentException")
        start = int(asked.get("NextToken", 0))
        described = [_described(each) for each in self.shards.values()][start:]
        more = {"NextToken": str(start + 2)} if described[2:] else {}
        return Reply(200, {"Shards": described[:2], **more})

    def _iterator(self, shard: Shard, after: int) -> str:
        return f"{self._generation}/{shard.shard_id}/{after}"

    def _records(self, asked: dict[str, Any]) -> Reply:
        generation, shard_id, after = asked["ShardIterator"].split("/")
        if self.faults:
            return _fault(self.faults.popleft())
        if int(generation) != self._generation:
            return _fault("ExpiredIteratorException")
        self.asked.append(shard_id)
        shard = self.shards[shard_id]
        waiting = [each for each in shard.records if each[0] > int(after)]
        given = waiting[: asked["Limit"]]
        rest = len(waiting) - len(given)
        last = given[-1][0] if given else int(after)
        answer: dict[str, Any] = {
            "Records": [_record(*each) for each in given],
            "MillisBehindLatest": 1000 * rest,
        }
        if rest or not shard.closed:
            answer["NextShardIterator"] = self._iterator(shard, last)
        return Reply(200, answer)


def _described(shard: Shard) -> dict[str, Any]:
    parents = zip(("ParentShardId", "AdjacentParentShardId"), shard.parents, strict=False)
    return {
        "ShardId": shard.shard_id,
        **dict(parents),
        "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"},
        "SequenceNumberRange": {"StartingSequenceNumber": "0"},
    }


def _record(sequence: int, data: bytes) -> dict[str, Any]:
    return {
        "SequenceNumber": str(sequence),
        "Data": base64.b64encode(data).decode(),
        "PartitionKey": "k",
        "ApproximateArrivalTimestamp": 1.0,
    }


def _fault(code: str) -> Reply:
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    return Reply(400, {"__type": code, "message": f"about {code}"}, headers)
