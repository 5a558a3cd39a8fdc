"""The front door: HTTP for lots without a gateway, and for the gateways' own `http` sink.

    POST /v1/events   [record, ...]   ->   {"results": [{"status": ..., "reason": ...}, ...]}

It checks and standardises each record and hands it on to the stream, record by record answered:
`accepted` (the stream has it), `rejected` (it will never be taken) or `retry` (offer it again).
"""
