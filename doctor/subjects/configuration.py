"""Is there a configuration, and can it be used?"""

from agent.tools.findings import Finding
from doctor.finding import bad, note, ok
from doctor.machine import Machine
from doctor.wants import Role, Wants

EXAMPLES = "/usr/share/doc/lotkeeper-common/examples"


def probe(machine: Machine, wants: Wants) -> tuple[Role, ...]:
    """The roles that are configured."""
    return wants.roles


def usable(roles: tuple[Role, ...]) -> list[Finding]:
    """Each file loads."""
    if not roles:
        copy = f"sudo install -m 644 {EXAMPLES}/agent.toml /etc/lotkeeper/agent.toml"
        return [note("configuration", "there is none: no role is set up here", copy)]
    return [_judged(role) for role in roles]


def _judged(role: Role) -> Finding:
    if not role.problem:
        return ok(str(role.config), "can be used")
    return bad(str(role.config), role.problem, f"sudo editor {role.config}")


CHECKS = (usable,)
