"""Decides whether a name is the one somebody types at the door."""

import unicodedata


def is_meant(name: str, typed: str) -> bool:
    """Tell whether every word typed begins a word of the name; case and accents do not count."""
    words = _folded(name).split()
    wanted = _folded(typed).split()
    return bool(wanted) and all(any(word.startswith(each) for word in words) for each in wanted)


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.replace("-", " ")).casefold()
    return "".join(each for each in apart if not unicodedata.combining(each))
