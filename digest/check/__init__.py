"""The email-safe contract: what a finished message must hold. So far its essentials, on the final bytes."""
