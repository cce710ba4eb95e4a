"""A clock, and an issue in mid-send."""

import pytest
from issue_steps import advance, claim, counts, freeze, sent, take

from workspaces import SetClock, add_readers


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
def sending(database, clock):
    """An issue in mid-send: six readers, of whom one is sent, two are on the wire and one is claimed."""
    add_readers(database, range(6))
    lease = claim(database, clock)
    freeze(database, lease, clock)
    taken = [delivery.id for delivery in take(database, lease, clock, 4)]
    advance(database, lease, clock, to_wire=taken[:3])
    advance(database, lease, clock, results=[sent(taken[0])])
    assert counts(database) == {"queued": 2, "claimed": 1, "wire": 2, "sent": 1}
    return lease
