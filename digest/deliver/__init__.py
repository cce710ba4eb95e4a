"""Delivery: claims from the ledger, hands messages to a transport, and records what became of each."""
