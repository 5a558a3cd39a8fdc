"""What a display is told: its lot, its broker, and one line for each zone that it shows."""

from pydantic import BaseModel, ConfigDict, Field

from contract.words import Id
from display.board import LineSettings
from runtime.clock import Trust
from runtime.mqtt import MqttSettings


class DisplaySettings(BaseModel):
    """The file of one display."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    display_id: Id
    lot_id: Id
    title: str = Field("", max_length=64)
    clock: Trust = "auto"
    mqtt: MqttSettings = MqttSettings()
    lines: list[LineSettings] = Field(min_length=1)
