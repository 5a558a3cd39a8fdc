"""The first and only program of a user-mode Linux: real drivers on the kernel's i2c-stub.

`python i2c_stub_guest.py PLAN` reads cases from the JSON file PLAN and prints a line of JSON for
each after RESULT. i2c-stub emulates chips that keep what is written to their registers:
https://docs.kernel.org/i2c/i2c-stub.html
"""

import ctypes
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BUS = 0
FINIT_MODULE = 313  # of x86-64
POWER_OFF = 0x4321FEDC
RESULT = "RESULT "


def main(plan_file: str) -> None:
    """Load the modules, and do what the plan says."""
    plan = json.loads(Path(plan_file).read_text(encoding="utf-8"))
    modules = Path(plan["modules"])
    for name in ("i2c-core", "i2c-dev"):
        load(modules / f"{name}.ko", "")
    load(modules / "i2c-stub.ko", "chip_addr=" + ",".join(map(str, plan["addresses"])))
    for case in plan["cases"]:
        print(RESULT + json.dumps(run(case)), flush=True)


def load(module: Path, parameters: str) -> None:
    """What insmod does, which is not installed everywhere. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    with module.open("rb") as file:
        if libc.syscall(FINIT_MODULE, file.fileno(), parameters.encode(), 0):
            raise OSError(ctypes.get_errno(), f"cannot load {module.name}")


def run(case: Mapping[str, Any]) -> dict[str, Any]:
    """Fill the chip's registers, read once with the real driver, and look at the registers."""
    from smbus2 import SMBus

    from drivers import DriverError, registry

    driver = registry.build(case["kind"], {"bus": BUS, **case["options"]}, time.monotonic)
    with SMBus(BUS) as bus:
        for register in range(256) if case["registers"] else ():
            value = case["registers"].get(f"{register:02x}", 0)
            bus.write_byte_data(case["address"], register, value)
        try:
            driver.open()
            reading = driver.read()
        except DriverError as error:
            return {"error": str(error), "hint": error.hint}
        finally:
            driver.close()
        look = {at: bus.read_byte_data(case["address"], int(at, 16)) for at in case["look"]}
    return {
        "quality": reading.quality,
        "value": reading.value,
        "temperature_c": reading.temperature_c,
        "registers": look,
    }


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    finally:
        sys.stdout.flush()
        if os.getpid() == 1:  # the kernel panics where its first program ends
            ctypes.CDLL(None).reboot(POWER_OFF)
