"""How long ago each lot's gateway was heard: asked of the database whenever Prometheus asks.

So a gateway that is away is seen by each consumer, also by one that was started since.
"""

import logging
from collections.abc import Iterator

import psycopg
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from runtime.postgres import PostgresAccess, connect_to_read

log = logging.getLogger(__name__)

TIMEOUT_S = 4.0
"""Prometheus waits 10 s for all the metrics of a process, by default."""
_AGES = """
SELECT lot_id, extract(epoch FROM now() - last_at)::float8 FROM current_gateways ORDER BY lot_id
"""


class GatewayAges(Collector):
    """`lotkeeper_gateway_age_seconds` by lot; nothing while the database is away or slow."""

    def __init__(self, access: PostgresAccess, timeout_s: float = TIMEOUT_S) -> None:
        self._access, self._timeout_s = access, timeout_s

    def describe(self) -> list[GaugeMetricFamily]:
        """The metric without its values: to register it asks nothing."""
        return [_family()]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metric now."""
        family = _family()
        try:
            with connect_to_read(self._access, self._timeout_s) as conn:
                for lot_id, age_s in conn.execute(_AGES):
                    family.add_metric([lot_id], max(age_s, 0.0))
        except psycopg.Error as error:
            log.warning("how old the gateways' heartbeats are is not known: %s", error)
            return
        yield family


def _family() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "lotkeeper_gateway_age_seconds",
        "How long ago the lot's gateway said how it is.",
        labels=["lot"],
    )
