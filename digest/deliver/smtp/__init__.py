"""The way out over SMTP; needs nothing of the house but errors, printable words and the seam beside it."""

from digest.deliver.smtp.transport import SmtpTransport

__all__ = ["SmtpTransport"]
