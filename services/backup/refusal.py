"""Why no backup is made, or nothing restored: a sentence for the person who asked."""


class BackupRefused(Exception):
    """It cannot be done; everything is as it was. The text is a sentence."""
