"""A reply text, made comparable: one case, no diacritics, nobody's address, no id. Mask first, cut
afterwards.

Pure. Everything after this module (unwrapping, rules, the memo) sees only the folded text, so a memo
keyed by it cannot give another answer than no memo: bytes that were taken out here cannot decide. Names
of hosts beside their address, addresses and anything in angle brackets go out as well; who owns
``greylist.example`` or the mailbox ``quota@`` must not choose the class.

Folding works word by word and words repeat, so each is folded once and remembered; ids and addresses,
which do not repeat, are not. Bytes need not be UTF-8: a word that is not is taken as Latin-1.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_TEXT = 4096
"""Bytes of a text that are looked at."""
LONGEST_FOLDED = 1400
"""Characters of a folded text that count."""
_LONGEST_WORD = 300
_MOST_WORDS = 40_000
_MOST_SENTENCES, _LONGEST_SENTENCE = 4096, 400
_SHORT = 12
"""A code of a provider shorter than this comes again: "(S3140).", "[TSS04]"."""

_MARKS = re.compile("(?<=[a-z])[\u0300-\u036f]")
_LETTERS = str.maketrans({
    "ł": "l", "ø": "o", "ß": "ss", "đ": "d", "æ": "ae", "œ": "oe",
    "\u0131": "i", "\u2019": "'", "\u00b4": "'",  # dotless i of Turkish, typographic apostrophe, acute accent
})
_PEER = re.compile(r"(?<![\w.-])[\w.-]{1,300}+\[(?:[\da-f:.]{2,45}|[\w.-]{0,40}/[^\]]{0,100})\](?::\d{1,5})?")
_MAY_BE_PEER = re.compile(r"\[(?:(?:ipv6:)?[\da-f:.]{2,45}\]|[\w.-]{0,40}/)")
"""What is in each word that the two around this one change; most brackets hold something else."""
_BRACKETED = re.compile(r"\[(?:ipv6:)?[\da-f:.]{3,45}\](?::\d{1,5})?")
_ANGLE = re.compile(r"<[^<>]{0,300}>")
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:=]{0,64}@[^\s<>()\[\]\"',;:]{0,255}")
_IPV4 = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}")
_IPV6 = re.compile(r"[\da-f]{1,4}:[\da-f]{0,4}:[\da-f:]{0,32}")
_LONGEST_CODE = 18
"""What _CODES matches is not longer."""
_CODES = re.compile(r"[(\[#]{0,2}(?:[245]\d\d[-:;,]?)?(?:#?[245]\.\d{1,3}\.\d{1,3})?[)\]:;,.]{0,2}")
_KEPT = re.compile(
    r"lpn_?\d|ofr_?\d|s(?<!\ws)_?\d|i(?<!\wi)b_?\d|bl_?\d|tss_?\d|ph_?\d|cs_?\d|hme?_?\d|rp-_?\d|rep-_?\d|int-_?\d|"
    r"rly:_?\d|hvu:_?\d|dyn:_?\d|aup#"
)
"""Each begins with a letter and looks back after it: the engine then skips to such letters by itself."""
_HEX = re.compile(r"(?<![\w.])[a-f]{0,30}\d[\da-f]{4,63}(?![\w.-])")
_NUMBER = re.compile(r"(?!100(?:5[134]|6[015])(?!\d))\d{5,}")
_DIGITS = re.compile(r"\d+")
_LETTER = re.compile(r"[a-z]")
_LONG_NAME = re.compile(r"[a-z]{4}")
_GLUED = re.compile(r"(?<=[a-z,])([245]\.\d\.\d{1,3})(?![\d.])")


def plain(text: str) -> str:
    """Return text in lower case, Latin letters without diacritics: what phrases are written in."""
    text = text.lower()
    if text.isascii():
        return text
    text = _MARKS.sub("", unicodedata.normalize("NFKD", text.translate(_LETTERS)))
    return unicodedata.normalize("NFC", text)


def _decode(word: bytes) -> str:
    try:
        return word.decode()
    except UnicodeDecodeError:
        return word.decode("latin-1")


def _masked(word: str, cased: str) -> tuple[str, bool]:
    """Return the word without what is private or particular, and whether it is worth remembering."""
    if "..." in word:
        word = word.replace("...", "... ")
    if "[" in word and _MAY_BE_PEER.search(word):
        word = _BRACKETED.sub("[ip]", _PEER.sub("peer[]", word))
    if "<" in word:
        word = _ANGLE.sub("<>", word)
    if "@" in word:
        return _ADDRESS.sub("@", word), False
    raw = word.encode("utf-8", "surrogatepass")
    digits = len(raw) - len(raw.translate(None, b"0123456789"))
    if not digits or (len(word) <= _LONGEST_CODE and _CODES.fullmatch(word)):
        return word, True
    if ":" in word:
        word = _IPV6.sub("ip", word)
    if "." in word:
        word = _GLUED.sub(r" \1", _IPV4.sub("ip", word))
    if _KEPT.search(word):
        return word, len(word) < _SHORT
    if "://" in word:
        return _DIGITS.sub("0", word.replace("ip=", "")), False
    if digits >= 4 and len(word) >= 10 and _LETTER.search(word):
        mixed = cased.upper() != cased != cased.lower() and len(word) >= 16 and "." not in word
        if mixed or not _LONG_NAME.search(word):
            return "#", False
    if digits > 1 and len(word) > 7:
        word = _HEX.sub("#", word)
    if word.isdigit() and len(word) != 3 and not word.startswith("100"):
        return "0", False
    if "." in word and _LONG_NAME.search(word):
        return _DIGITS.sub("0", word), False
    return _NUMBER.sub("0", word), len(word) < 24


class _Words(dict[bytes, str]):
    """Word -> folded word, remembered within bounds."""

    def __missing__(self, word: bytes) -> str:
        cased = _decode(word[:_LONGEST_WORD])
        folded, keep = _masked(plain(cased), cased)
        if keep:
            if len(self) >= _MOST_WORDS:
                self.clear()
            self[word] = folded
        return folded


class Folder:
    """Folds texts; holds the words and the sentences seen so far."""

    def __init__(self) -> None:
        self._word = _Words().__getitem__
        self._sentences: dict[bytes, str] = {}
        """Sentence, or words in brackets -> the same folded. Of a text that no other text equals all but one of them
        have mostly been seen before.
        """

    def fold(self, text: bytes) -> str:
        r"""Return the folded text, words parted by one blank; a literal \n and #012 are blanks."""
        text = text[:LONGEST_TEXT].replace(b"\\n", b" ")
        if b"#01" in text:
            text = text.replace(b"#012", b" ").replace(b"#015", b" ")
        front, sign, rest = text.partition(b" - gsmtp")
        if sign:  # the word before it is Google's id of the session
            cut = front.rfind(b" ") + 1
            if b"/" not in front[cut:]:
                text = front[:cut] + b"#" + sign + rest
        known = self._sentences.get  # one look only: another thread may forget them all in between
        sentences = text.replace(b". ", b".\n").replace(b" (", b"\n(").split(b"\n")
        folded = " ".join(filter(None, [known(sentence) or self._sentence(sentence) for sentence in sentences]))
        return folded[:LONGEST_FOLDED]

    def _sentence(self, sentence: bytes) -> str:
        folded = " ".join(map(self._word, sentence.split()))
        if len(sentence) < _LONGEST_SENTENCE:
            if len(self._sentences) >= _MOST_SENTENCES:
                self._sentences.clear()
            self._sentences[sentence] = folded
        return folded
