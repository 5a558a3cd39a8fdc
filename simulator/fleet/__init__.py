"""A fleet of lots and the cloud behind them, on one machine.

    what happens at the bays -> agents' records -> gateways' ingest, store, forwarder, sink
        -> a broker -> consumers -> Postgres and a lake -> the named queries

Bays, agents and MQTT are left out: the records say what is so. From a gateway's ingest on all is
the code that runs, and consumers are processes of their own.
"""
