"""What is forgotten by itself, and what is not."""

from digest.app import open_app
from digest.housekeeping import RETURNED_DAYS, Housekeeper
from digest.store.returns import note_message
from workspaces import SetClock, open_at


def test_a_returned_message_is_known_again_for_two_years(workspace):
    file = workspace()
    with open_app(file) as app:
        clock = SetClock(app.clock.now())
    with open_at(file, clock) as app:
        assert note_message(app.database, b"a", now=clock.now())
        clock.advance(days=RETURNED_DAYS - 1)
        Housekeeper().tidy(app)
        assert not note_message(app.database, b"a", now=clock.now())
        clock.advance(days=2)
        Housekeeper().tidy(app)
        assert note_message(app.database, b"a", now=clock.now())
