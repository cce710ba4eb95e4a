"""The preview: a finished message as clients show it, from its bytes alone."""
