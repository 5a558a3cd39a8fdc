"""Acknowledgements, and requests to the gateway with their responses."""

import zlib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contract.words import Id


class Ack(BaseModel):
    """`agents/{agent}/ack`: the store `store_id` has committed every record up to `seq`.

    Only behind this may an agent forget. `resend_from` asks for all after that seq again. A
    `store_id` that the agent has not met is a new gateway: it offers all that it retains.
    `mark` is the `mark_of` the record `seq` as it was committed: an agent that has another there
    goes on from a copy of the store that gave it, and begins an epoch of its own.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    store_id: Id
    epoch: Id
    seq: Annotated[int, Field(ge=0)]
    resend_from: Annotated[int, Field(ge=0)] | None = None
    mark: str | None = None


def mark_of(boot_id: str, monotonic_ms: int) -> str:
    """What tells two records with one identity apart: when their machine had been up how long.

    >>> mark_of("5e1f0c8a-6a1f-4f0e-9d0f-2b7c1d9e4a55", 14420000)
    '7539ae00'
    """
    return f"{zlib.crc32(f'{boot_id} {monotonic_ms}'.encode()):08x}"


class Request(BaseModel):
    """`gateway/request/{name}`. The same `transaction` gets the same answer, done once."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    transaction: Annotated[str, Field(min_length=1, max_length=64)]
    data: dict[str, Any] = {}


class Response(BaseModel):
    """`gateway/response/{name}`: `data` with status ok, or `error` in words."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    transaction: str
    status: Literal["ok", "error"]
    data: dict[str, Any] | None = None
    error: str | None = None
