"""The one durable log: append, read from a cursor, forget behind every cursor.

The spool lives in its owner's database: it takes a connection and runs inside the owner's
transaction, so that an event and the state it made are committed together.
"""

from spool.database import Transaction, migrate, open_database
from spool.log import Depth, Entry, Row, Spool

__all__ = ["Depth", "Entry", "Row", "Spool", "Transaction", "migrate", "open_database"]
