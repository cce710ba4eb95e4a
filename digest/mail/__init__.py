"""Messages: headers, MIME, signed links. Knows nothing of databases, schedules or servers."""
