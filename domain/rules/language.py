"""Which language a text is written in, by its most frequent short words."""

from __future__ import annotations

from domain.rules.words import fold

_READ_WORDS = 1_500
_LEAST_SHARE = 0.08
_DEFAULT = "en"


class LanguageDetector:
    """Counts each language's stop words; English when in doubt, because that is the language of replies by default."""

    def __init__(self, stop_words: dict[str, tuple[str, ...]]) -> None:
        """`stop_words`: ISO 639-1 code -> words."""
        self._stop_words = {code: frozenset(fold(word) for word in words) for code, words in stop_words.items()}

    def detect(self, words: list[str]) -> str:
        """The language of folded words, as ISO 639-1 code.

        A word that two languages share counts for both, so only the words that tell them apart decide. A tie, or
        a text in which stop words are rare (a list of product names, one word), is taken for English.
        """
        sample = words[:_READ_WORDS]
        counts = {code: sum(word in listed for word in sample) for code, listed in self._stop_words.items()}
        best = max(counts, key=lambda code: (counts[code], code == _DEFAULT))
        if counts[best] == 0 or counts[best] < _LEAST_SHARE * len(sample):
            return _DEFAULT
        return best
