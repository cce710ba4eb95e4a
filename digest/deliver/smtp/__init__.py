"""The way out over SMTP; needs nothing of the house but its errors and the seam beside it."""

from digest.deliver.smtp.reply import WORDS_LIMIT
from digest.deliver.smtp.transport import SmtpTransport

__all__ = ["WORDS_LIMIT", "SmtpTransport"]
