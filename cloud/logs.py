"""What processes and functions of the cloud log: a line of JSON each, or plain text on a terminal.

    {"time": "2024-03-20T10:00:00.123+00:00", "level": "WARNING", "logger": "cloud.kafka",
     "message": "lots: broker down", "event": "%s: %s"}

`event` is the message before its values were put in: what happens again has the same one.
"""

import json
import logging
import sys
from datetime import UTC, datetime

_TEXT = "%(levelname)s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """A record as one line of JSON; `exception` holds a traceback, `request_id` Lambda's call."""

    def format(self, record: logging.LogRecord) -> str:
        """See the module."""
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "event": str(record.msg),
        }
        if request_id := getattr(record, "aws_request_id", None):
            said["request_id"] = request_id
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def start() -> None:
    """Log to standard error from INFO on."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_TEXT) if sys.stderr.isatty() else JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def start_in_lambda() -> None:
    """As JSON from INFO on, by the handler that Lambda has put there."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for handler in root.handlers:
        handler.setFormatter(JsonLines())
