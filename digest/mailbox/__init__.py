"""Where returned mail arrives: Maildir, mbox, a pipe, IMAP."""
