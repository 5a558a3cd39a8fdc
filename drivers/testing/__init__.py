"""Fakes at the wire for drivers' tests, and the contract that every driver is tested against.

The fakes enforce the rules of what they stand for: an `AssertionError` from one is a driver's
bug. Needs pytest and gpiozero; no driver imports this package.
"""

from drivers.testing.clock import ManualClock
from drivers.testing.contract import DriverContract, assert_well_formed
from drivers.testing.i2c import FakeChip, FakeI2C
from drivers.testing.pins import EchoRanger, Edge
from drivers.testing.serial import AskedTerminal, PseudoTerminal

__all__ = [
    "AskedTerminal",
    "DriverContract",
    "EchoRanger",
    "Edge",
    "FakeChip",
    "FakeI2C",
    "ManualClock",
    "PseudoTerminal",
    "assert_well_formed",
]
