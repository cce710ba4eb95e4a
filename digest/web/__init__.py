"""Pages of the program in a browser."""
