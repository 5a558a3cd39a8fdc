"""`alerts/{id}`: what a person should look at, retained until it ends."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from contract.words import Id


class Alert(BaseModel):
    """An open alert. It ends with an empty message on its topic."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    alert_id: Id
    kind: Literal["clone_suspected"]
    """`clone_suspected`: two processes speak for one agent and take turns."""
    agent_id: Id
    text: str
    since: AwareDatetime
