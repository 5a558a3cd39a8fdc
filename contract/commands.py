"""What a gateway tells its agents to do, and their answers.

`agents/{agent}/command` holds the desired configuration, retained, so that an agent that comes
back reads it; the other commands pass by there unretained. `agents/{agent}/response` has the
answers: the same `transaction` is done once and answered alike.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from contract.words import Id

Transaction = Annotated[str, Field(min_length=1, max_length=64)]
Seconds = Annotated[float, Field(ge=1, le=60)]

SECTIONS = ("spots", "lanes", "publish")
"""What of agent.toml is changed from afar. A section that is given takes the place of the one in
the file; one that is not stays as the file has it."""
NEVER = {
    "agent_id": "the broker's rights and the certificate hang on it",
    "lot_id": "the broker's rights and the certificate hang on it",
    "mqtt": "a wrong broker, password or key would cut the way by which it is mended",
    "enrolment_port": "a wrong one would end with the certificate, long after the trial",
    "spool": "the store is never moved nor made anew",
    "clock": "whether a machine's clock can be trusted is seen at the machine",
    "air_temperature": "it names a file of the machine",
}
"""What is changed at the machine alone, and why."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Configure(_Message):
    """The desired configuration: sections of agent.toml, none of them for the file alone.

    It is on trial until each spot has given a reading and the gateway an acknowledgement, for at
    most `trial_s`; else the agent goes back to what it had.
    """

    command: Literal["config"] = "config"
    transaction: Transaction
    revision: Id
    config: dict[str, Any]
    trial_s: Annotated[float, Field(ge=5, le=3600)] = 120.0


class _Now(_Message):
    """Meant for one session of an agent, to begin before its own monotonic time `expires_ms`:
    what a broker kept for an agent that was away is not to be done."""

    transaction: Transaction
    session_id: Id
    expires_ms: Annotated[int, Field(ge=0)]


class Identify(_Now):
    """Which spot is it? Mark it as the hardware can, and tell whether its sensor reacts."""

    command: Literal["identify"] = "identify"
    spot_id: Id
    seconds: Seconds = 10.0


class Recalibrate(_Now):
    """Learn the empty bay anew: the floor or the baseline, from the readings of `seconds`."""

    command: Literal["recalibrate"] = "recalibrate"
    spot_id: Id
    seconds: Seconds = 10.0


class Report(_Now):
    """Say now how the agent is: its heartbeat."""

    command: Literal["report"] = "report"


Command = Configure | Identify | Recalibrate | Report
agent_command: TypeAdapter[Command] = TypeAdapter(
    Annotated[Command, Field(discriminator="command")]
)
"""Reads any command. Raises pydantic's ValidationError."""


class CommandResponse(_Message):
    """`agents/{agent}/response`. `accepted` is not the end: `ok` or `error` follows.

    Of a configuration `accepted` says that it is on trial, `ok` that it is applied, `error` that
    it was refused or rolled back, and why.
    """

    transaction: Transaction
    command: str
    status: Literal["accepted", "ok", "error"]
    revision: Id | None = None
    data: dict[str, Any] | None = None
    error: str | None = None
