"""The one exception that a user sees: a sentence that says what is wrong and what would be right."""


class UserError(ValueError):
    """Bad input. Its text is one clear sentence; the page shows it as it is, the command line exits with 2."""
