"""The detector: (state, reading, now) -> (state, what it says). Pure.

`machine` is the whole, `state` what it remembers; the rest is one part of it a module.
"""

from agent.detector.changes import Change, HealthChange, Passage, Said
from agent.detector.fused import FusedSettings
from agent.detector.machine import Detector, DetectorSettings
from agent.detector.magnetic import MagneticSettings
from agent.detector.passage import PassageSettings
from agent.detector.ranging import RangingSettings
from agent.detector.state import Saved, State, unknown

__all__ = [
    "Change",
    "Detector",
    "DetectorSettings",
    "FusedSettings",
    "HealthChange",
    "MagneticSettings",
    "Passage",
    "PassageSettings",
    "RangingSettings",
    "Said",
    "Saved",
    "State",
    "unknown",
]
