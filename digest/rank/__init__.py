"""Ranking: which window, how many views, what is chosen and why. Pure functions; `now` is an argument."""
