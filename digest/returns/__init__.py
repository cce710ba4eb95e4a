"""What follows from mail that comes back: whom it is about, what is done, and the rounds through the mailbox."""
