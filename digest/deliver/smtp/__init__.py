"""The way out over SMTP; needs nothing of the house but its errors, the seam beside it and what makes words printable."""

from digest.deliver.smtp.transport import SmtpTransport

__all__ = ["SmtpTransport"]
