"""Amazon Kinesis Data Streams, by PutRecords.

Limits (API reference, PutRecords): 500 records and 5 MiB a call, 1 MiB a record, keys
included. `runtime.kinesis` says how it is reached.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from gateway.sinks import ACCEPTED, Answer, Outgoing, SinkError, Verdict, check_batch
from runtime.config import ConfigError
from runtime.kinesis import CREDENTIALS, HINTS, KinesisAccess

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsResultEntryTypeDef

MAX_RECORD_BYTES = 1024 * 1024
_MAX_KEY_CHARACTERS = 256

_PERMISSION = "allow kinesis:PutRecords on the stream, and the use of its KMS key"
_HINTS = HINTS | {
    "AccessDeniedException": _PERMISSION,
    "KMSAccessDeniedException": _PERMISSION,
}
_REFUSED = {"InvalidArgumentException", "SerializationException", "ValidationException"}


class Config(KinesisAccess):
    """How to reach the stream."""

    kind: Literal["kinesis"] = "kinesis"


class Sink:
    """One PutRecords a batch. Kinesis may take a later record and not an earlier one.

    boto3 reads a credentials file once, and a role's only when they are about to expire: where
    they are refused the client is let go, and the next call looks for new ones.
    """

    partial = True
    max_records = 500
    max_bytes = 5 * 1024 * 1024

    def __init__(self, config: Config) -> None:
        self._config = config
        self._client: KinesisClient | None = None

    def open(self) -> None:
        """Make the client, which connects on the first send. Raises `SinkError` without boto3."""
        self.close()
        self._client = _client(self._config)

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """One call for the records that Kinesis could take; raises `SinkError` where it fails."""
        check_batch(self, batch)
        answers = {i: _unfit(record) for i, record in enumerate(batch)}
        fit = [i for i, answer in answers.items() if answer is None]
        if fit:
            answers.update(zip(fit, self._put([batch[i] for i in fit]), strict=True))
        return [answer or ACCEPTED for answer in answers.values()]

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _put(self, records: Sequence[Outgoing]) -> list[Answer]:
        from botocore.exceptions import BotoCoreError, ClientError

        if self._client is None:
            self.open()
        assert self._client is not None
        try:
            response = self._client.put_records(
                StreamName=self._config.stream_name,
                Records=[{"Data": r.payload, "PartitionKey": r.key} for r in records],
            )
        except ClientError as error:
            return self._refusal(error, len(records))
        except BotoCoreError as error:
            raise self._unreachable(error) from error
        entries = response.get("Records", [])
        if len(entries) != len(records):
            raise SinkError(
                f"{len(entries)} answers for {len(records)} records", hint="check `endpoint_url`"
            )
        return [_answer(entry) for entry in entries]

    def _refusal(self, error: Any, count: int) -> list[Answer]:
        """Raise for the whole call, or reject its one record."""
        code = error.response.get("Error", {}).get("Code", "")
        hint = _HINTS.get(code, "look at the stream in the AWS console")
        if hint.startswith(CREDENTIALS):
            self.close()
        if code not in _REFUSED:
            raise SinkError(str(error), hint=hint) from error
        if count > 1:
            raise SinkError(str(error), retryable=False, hint="one record is refused") from error
        return [Answer(Verdict.REJECTED, str(error))]

    def _unreachable(self, error: Exception) -> SinkError:
        from botocore.exceptions import CredentialRetrievalError, NoCredentialsError

        hint = "check the uplink, `region` and `endpoint_url`"
        if isinstance(error, NoCredentialsError | CredentialRetrievalError):
            hint = CREDENTIALS
            self.close()
        return SinkError(f"no reply from Kinesis: {error}", hint=hint)


def _client(config: Config) -> "KinesisClient":
    try:
        return config.client()
    except ConfigError as error:
        absent = isinstance(error.__cause__, ImportError)
        hint = "pip install 'lotkeeper[kinesis]'" if absent else CREDENTIALS
        raise SinkError(str(error), hint=hint) from error


def _unfit(record: Outgoing) -> Answer | None:
    """Why Kinesis will never take `record`; None where it may."""
    if record.size > MAX_RECORD_BYTES:
        reason = f"{record.size} bytes with its key; Kinesis takes {MAX_RECORD_BYTES}"
        return Answer(Verdict.REJECTED, reason)
    if not 1 <= len(record.key) <= _MAX_KEY_CHARACTERS:
        reason = f"a key of {len(record.key)} characters; Kinesis takes 1 to {_MAX_KEY_CHARACTERS}"
        return Answer(Verdict.REJECTED, reason)
    return None


def _answer(entry: "PutRecordsResultEntryTypeDef") -> Answer:
    """A record's own error is always one of the moment: pace, an internal failure, its KMS key."""
    code = entry.get("ErrorCode")
    if not code:
        return ACCEPTED
    return Answer(Verdict.KEEP, f"{code}: {entry.get('ErrorMessage', '')}")
