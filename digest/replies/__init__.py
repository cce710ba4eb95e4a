"""What mail servers say: in their replies, and in the logs they keep. Used by what sends and by what reads bounces."""
