"""Conditions on the rows of the ledger that are those of its indexes.

An index serves a query only where its own condition stands in it word for word (SQLite, "Partial Indexes", 3.1), so
each query that is to be quick names one of these. No index holds the rows that were sent, which are nearly all: a
message that goes the usual way costs two small changes of an index instead of three large ones.
"""

WAITING = "(delivery.state = 'queued' OR delivery.state = 'deferred')"
"""Of `delivery_waiting`, by issue, state and next attempt."""
IN_FLIGHT = "(delivery.state = 'claimed' OR delivery.state = 'wire')"
"""Of `delivery_in_flight`, by issue: the few rows that a sender has at hand."""
UNSENT = "(delivery.state = 'failed' OR delivery.state = 'uncertain' OR delivery.state = 'cancelled')"
"""Of `delivery_unsent`, by issue and state."""
