"""What readers reach: subscribing, preferences, leaving, the archive."""
