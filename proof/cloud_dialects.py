"""How Kinesis and an HTTP API tell of records, and the faults that only they have."""

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from proof.fault_proxy import Call, Exchange, Fault, Reply, passes, refuses

Record = dict[str, Any]
_JSON_1_1 = "application/x-amz-json-1.1"


class Dialect(Protocol):
    """Reads what was asked and told.

    `offered` gives the records of a request's body, in order; `accepted` of each, whether the
    reply says that it was taken.
    """

    def offered(self, body: bytes) -> list[Record]: ...
    def accepted(self, count: int, reply: Reply) -> list[bool]: ...


class Kinesis:
    """PutRecords in JSON 1.1."""

    def offered(self, body: bytes) -> list[Record]:
        """The cloud records of a PutRecords."""
        entries = json.loads(body)["Records"] if body else []
        return [json.loads(base64.b64decode(entry["Data"])) for entry in entries]

    def accepted(self, count: int, reply: Reply) -> list[bool]:
        """Those without an ErrorCode."""
        if reply.status != 200:
            return [False] * count
        return ["ErrorCode" not in entry for entry in json.loads(reply.body)["Records"]]


class HttpApi:
    """An array, answered as a whole or record by record."""

    def offered(self, body: bytes) -> list[Record]:
        """The cloud records of a POST."""
        records: list[Record] = json.loads(body) if body else []
        return records

    def accepted(self, count: int, reply: Reply) -> list[bool]:
        """All of a 2xx, but for those that its `results` except."""
        if not 200 <= reply.status < 300:
            return [False] * count
        results = json.loads(reply.body or b"{}").get("results")
        return [each["status"] == "accepted" for each in results] if results else [True] * count


KINESIS, HTTP_API = Kinesis(), HttpApi()


def untold(dialect: Dialect, exchanges: Iterable[Exchange]) -> set[str]:
    """The event_ids that the upstream took while its answer never came: these may come twice."""
    found: set[str] = set()
    for each in exchanges:
        if each.passed is None or each.answer is None:
            continue
        records = dialect.offered(each.passed)
        taken = dialect.accepted(len(records), each.answer)
        told = _told(dialect, each)
        found |= {
            record["event_id"]
            for record, is_taken in zip(records, taken, strict=True)
            if is_taken and record["event_id"] not in told
        }
    return found


def _told(dialect: Dialect, exchange: Exchange) -> set[str]:
    """The event_ids that the caller was told are taken."""
    if exchange.told is None:
        return set()
    records = dialect.offered(exchange.body)
    accepted = dialect.accepted(len(records), exchange.told)
    return {record["event_id"] for record, yes in zip(records, accepted, strict=True) if yes}


def resent_for_nothing(dialect: Dialect, exchanges: Iterable[Exchange]) -> list[str]:
    """The event_ids that were offered again though the caller knew that they are taken.

    Snapshots go again by right: behind each failure the present is owed anew.
    """
    known: set[str] = set()
    found = []
    for each in exchanges:
        found += [
            record["event_id"]
            for record in dialect.offered(each.body)
            if record["event_id"] in known and record["event_type"] != "SNAPSHOT"
        ]
        known |= _told(dialect, each)
    return found


# Faults of Kinesis ------------------------------------------------------------------------------


def aws_error(code: str, status: int = 400) -> Fault:
    """The whole call is refused, as by the Kinesis API reference, PutRecords, Errors."""
    body = json.dumps({"__type": code, "message": f"about {code}"}).encode()
    return refuses(status, body, Content_Type=_JSON_1_1)


def takes_parts(fails: Callable[[Record], bool], code: str) -> Fault:
    """Records for which `fails` get an ErrorCode; the others go on to the stream."""

    def partial(call: Call) -> Reply:
        asked = json.loads(call.read())
        failed = [fails(record) for record in KINESIS.offered(call.read())]
        kept = [entry for entry, fail in zip(asked["Records"], failed, strict=True) if not fail]
        entries = []
        if kept:
            reply = call.forward(json.dumps({**asked, "Records": kept}).encode())
            entries = json.loads(reply.body)["Records"]
        refusal = {"ErrorCode": code, "ErrorMessage": f"about {code}"}
        answers = [refusal if fail else entries.pop(0) for fail in failed]
        told = {"FailedRecordCount": sum(failed), "Records": answers}
        return Reply(200, json.dumps(told).encode(), (("Content-Type", _JSON_1_1),))

    return partial


def knows_key(key_id: str) -> Fault:
    """Takes calls that are signed with one access key; all others' token has expired."""
    expired = aws_error("ExpiredTokenException")

    def known(call: Call) -> Reply:
        signed = f"Credential={key_id}/" in call.headers.get("authorization", "")
        return passes(call) if signed else expired(call)

    return known


def refuses_holding(dialect: Dialect, is_poison: Callable[[Record], bool], fault: Fault) -> Fault:
    """A call that holds one such record meets `fault` as a whole; others pass."""

    def refusing(call: Call) -> Reply:
        poisoned = any(map(is_poison, dialect.offered(call.read())))
        return fault(call) if poisoned else passes(call)

    return refusing


# Faults of an HTTP API --------------------------------------------------------------------------


def knows_token(token: str) -> Fault:
    """Takes calls with one bearer token; all others' has expired."""
    expired = refuses(401, b'{"error": "expired"}')

    def known(call: Call) -> Reply:
        bears = call.headers.get("authorization") == f"Bearer {token}"
        return passes(call) if bears else expired(call)

    return known


def answers_each(fails: Callable[[Record], bool]) -> Fault:
    """Answers record by record; those for which `fails` are to come again, the others are taken.

    As a partition in DynamoDB or a row lock would have it: a later one of a spot may be taken.
    """

    def partial(call: Call) -> Reply:
        records = HTTP_API.offered(call.read())
        failed = [fails(record) for record in records]
        kept = [record for record, fail in zip(records, failed, strict=True) if not fail]
        if kept:
            call.forward(json.dumps(kept).encode())
        results = [{"status": "retry" if fail else "accepted"} for fail in failed]
        return Reply(200, json.dumps({"results": results}).encode())

    return partial
