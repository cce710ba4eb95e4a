"""`digest` gathers a site's articles, ranks them by views and mails the digest to its subscribers."""

__version__ = "0.1.0"
