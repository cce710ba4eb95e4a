"""What is forgotten by itself: people who never confirmed, single mails that have ended, and who opened and clicked."""

import logging
from datetime import datetime, timedelta

from digest.app import App
from digest.store.confirmations import forget_unconfirmed
from digest.store.erase import forget_traces
from digest.store.notices import forget_old_notices
from digest.store.readings import forget_readings, forget_recent_clicks
from digest.store.returns import forget_messages

logger = logging.getLogger("digest")

EVERY = timedelta(hours=1)
UNCONFIRMED_DAYS = 30
"""So long a request that nobody confirmed is kept: the limits on mails to one address count it for a day."""
NOTICE_DAYS = 90
"""So long a single mail can be looked up after it has ended."""

RETURNED_DAYS = 730
"""So long a returned message that comes again changes nothing."""

READING_DAYS = 400
"""So long it is kept who opened and clicked in issues of a newsletter that the settings have no more."""


class Housekeeper:
    """Tidies now and then; ask it as often as you like."""

    def __init__(self) -> None:
        self._last: datetime | None = None

    def tidy(self, app: App) -> None:
        """Forget what is due to be forgotten, once an hour."""
        now = app.clock.now()
        if self._last is not None and abs(now - self._last) < EVERY:
            return
        self._last = now
        forgotten = forget_unconfirmed(app.database, before=now - timedelta(days=UNCONFIRMED_DAYS))
        forget_old_notices(app.database, now=now, days=NOTICE_DAYS)
        forget_messages(app.database, before=now - timedelta(days=RETURNED_DAYS))
        forget_recent_clicks(app.database, now=now)
        days = {newsletter.slug: newsletter.keep_readings_days for newsletter in app.settings.newsletters}
        forget_readings(app.database, days=lambda slug: days.get(slug, READING_DAYS), now=now)
        forget_traces(app.database)
        if forgotten:
            logger.info("%d people who never confirmed were forgotten", forgotten)
