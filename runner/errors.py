"""What the user can mend: the errors whose text is one sentence for the terminal."""


class BadInput(ValueError):
    """What the user wrote cannot be run; the message is one sentence for the user, or a few lines of their own code."""
