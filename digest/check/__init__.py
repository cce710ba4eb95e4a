"""The email-safe contract: what a finished message must hold, a module for each family of rules."""
