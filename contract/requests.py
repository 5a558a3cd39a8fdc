"""Acknowledgements, and requests to the gateway with their responses."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contract.words import Id


class Ack(BaseModel):
    """`agents/{agent}/ack`: the store `store_id` has committed every record up to `seq`.

    Only behind this may an agent forget. `resend_from` asks for all after that seq again. A
    `store_id` that the agent has not met is a new gateway: it offers all that it retains.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    store_id: Id
    epoch: Id
    seq: Annotated[int, Field(ge=0)]
    resend_from: Annotated[int, Field(ge=0)] | None = None


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
