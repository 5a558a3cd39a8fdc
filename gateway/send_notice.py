"""Sends one message to one target: a process of its own, so that the gateway's memory and its other
work do not depend on a library for a hundred services, nor on how long a server takes.

    {"url", "title", "body", "type"} on standard input -> exit status 0, or 1 and the reason on
    standard error

The address never stands in an argument: others may read those.
"""

import json
import logging
import sys

MASK = "***"


def main() -> int:
    """Send what standard input says."""
    asked = json.load(sys.stdin)
    told: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("apprise").addHandler(handler)
    from apprise import Apprise, AppriseAsset, NotifyFormat

    sender = Apprise(asset=AppriseAsset(app_id="Lotkeeper", app_desc="Lotkeeper"))
    if not sender.add(asked["url"]):
        print("the address is none that apprise knows: see its list of services", file=sys.stderr)
        return 1
    done = sender.notify(
        title=asked["title"],
        body=asked["body"],
        notify_type=asked["type"],
        body_format=NotifyFormat.TEXT,
    )
    if not done:
        print(_masked("; ".join(told) or "refused without a word", asked["url"]), file=sys.stderr)
    return 0 if done else 1


def _masked(text: str, url: str) -> str:
    """The text without what the address holds besides the server's name."""
    from urllib.parse import parse_qsl, unquote, urlsplit

    parts = urlsplit(url)
    secrets = [url, parts.password, parts.username, *(value for _, value in parse_qsl(parts.query))]
    for secret in secrets:
        if secret and len(secret) > 3:
            text = text.replace(secret, MASK).replace(unquote(secret), MASK)
    return text


if __name__ == "__main__":
    sys.exit(main())
