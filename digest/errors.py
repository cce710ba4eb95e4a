"""Everything `digest` refuses or fails at, as one tree.

A message says what was found, where, and what to do about it. The command line prints it as one line and exits
with 1; nothing else in the program prints errors.

```
DigestError
├── SettingsError            digest.toml is missing, unreadable or wrong
├── SourceError              articles or views could not be read (also ValueError)
│   └── RowError             one row of an import file is wrong: its line, column and reason
├── StoreError               the workspace's own database cannot be used
│   └── DatabaseLockedError  another program holds its write lock
├── NotFoundError            an article, issue, subscriber or newsletter that is not there (also LookupError)
├── FetchError               a page or picture of the web could not be read, or must not be
│   └── UnreachableError     not even a connection could be made: it says nothing about the page
├── MailboxError             the mailbox of returned mail cannot be read (also OSError)
├── AddressError             an e-mail address that cannot be mailed (also ValueError)
├── RenderError              a template or a placeholder is wrong
├── IssueError               an issue is not in the state the request needs
│   ├── LeaseLostError       another process took the issue over, or it was paused or cancelled
│   ├── SenderAtFaultError   mail servers blame the sender for most of the recent messages
│   └── UnsafeIssueError     the check found errors in what would go out
└── TransportError           the mail server cannot be used at all (also OSError)
```
"""


class DigestError(Exception):
    """The root: catch this to catch every expected failure of `digest`."""


class SettingsError(DigestError):
    """The settings cannot be used."""


class SourceError(DigestError, ValueError):
    """Articles or views could not be read."""


class RowError(SourceError):
    """One row of an import file is wrong.

    Attributes:
        line: 1-based line in the (decompressed) file on which the row begins.
        column: the column that is wrong, or "" where the whole row is.
        reason: what is wrong, in words.
    """

    def __init__(self, *, line: int, column: str, reason: str) -> None:
        self.line = line
        self.column = column
        self.reason = reason
        where = f"line {line}, column {column}" if column else f"line {line}"
        super().__init__(f"{where}: {reason}")


class StoreError(DigestError):
    """The workspace's own database cannot be used."""


class DatabaseLockedError(StoreError):
    """Another program holds the database's write lock for longer than one tries; nothing was written."""


class NotFoundError(DigestError, LookupError):
    """Something that was asked for by name is not there."""


class FetchError(DigestError):
    """A page or picture of the web could not be read, or must not be.

    Attributes:
        url: its address.
        reason: what is wrong, in words.
    """

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        self.reason = reason
        super().__init__(f"{url}: {reason}")


class UnreachableError(FetchError):
    """No connection could be made, so nothing is known about what lies there."""


class MailboxError(DigestError, OSError):
    """The mailbox that returned mail arrives in cannot be read."""


class AddressError(DigestError, ValueError):
    """An e-mail address cannot be mailed."""


class RenderError(DigestError):
    """A template or a placeholder is wrong."""


class IssueError(DigestError):
    """An issue is not in the state the request needs."""


class LeaseLostError(IssueError):
    """The issue is no longer this process's to send."""


class SenderAtFaultError(IssueError):
    """Mail servers refuse most of the recent messages for the sender's sake: more of them would make it worse."""


class UnsafeIssueError(IssueError):
    """The check found errors in what would go out; nobody was mailed."""


class TransportError(DigestError, OSError):
    """The mail server cannot be used at all; nothing was handed over."""
