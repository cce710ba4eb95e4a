"""The one SQLite file of a workspace: articles, views, subscribers, issues and the ledger.

Only this room speaks SQL to it. Functions take a `Database` first; those that write run in one named transaction.
"""

from digest.store.database import Database, open_database

__all__ = ["Database", "open_database"]
