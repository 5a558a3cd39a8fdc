"""Asking a running gateway over MQTT: publish a request, wait for its response."""

import threading
import uuid
from typing import Any

import paho.mqtt.client as paho

from contract.requests import Request, Response
from contract.topics import Topics
from runtime.mqtt import Handlers, Link, MqttSettings


class NoAnswer(Exception):
    """The gateway did not answer; the text says what to look at."""


def ask(
    mqtt: MqttSettings,
    lot_id: str,
    name: str,
    data: dict[str, Any],
    timeout_s: float = 5.0,
    transaction: str = "",
) -> Response:
    """The gateway's response to one request. Raises NoAnswer.

    An order of a `transaction` that was done before is answered alike, and not done again.
    """
    topics = Topics(lot_id)
    transaction = transaction or uuid.uuid4().hex
    request = Request(transaction=transaction, data=data)
    answered = threading.Event()
    found: list[Response] = []

    def take(message: paho.MQTTMessage) -> None:
        response = Response.model_validate_json(message.payload)
        if response.transaction == transaction:
            found.append(response)
            answered.set()

    def connected(session_present: bool) -> None:
        link.subscribe(topics.response(name))
        link.publish(topics.request(name), request.model_dump_json().encode())

    settings = mqtt.model_copy(update={"session_expiry_s": 0})
    client_id = f"{lot_id}.ask.{uuid.uuid4().hex[:8]}"
    link = Link(settings, client_id, Handlers(message=take, connected=connected), clean=True)
    link.start()
    try:
        if not answered.wait(timeout_s):
            reached = "the broker answers, the gateway does not: is it running?"
            where = f"no broker at {mqtt.host}:{mqtt.port}"
            raise NoAnswer(reached if link.connected else where)
    finally:
        link.stop()
    return found[0]
