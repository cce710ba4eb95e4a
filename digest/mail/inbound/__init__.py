"""Mail that comes back: bounces, complaints, requests to leave, and answers of programs."""
