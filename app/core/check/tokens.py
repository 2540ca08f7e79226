"""The one form in which texts are compared, and what a sentence consists of: operands, and words with their stems.

Invariant: `normal` is the only normalisation. Two texts are the same if their normal forms are: Unicode NFKC, no hidden
characters (zero width, bidi, tags, variation selectors), no combining marks, letters of other scripts that look Latin
as Latin ones within a word that has Latin letters, small letters, one blank between words and behind the end of a
sentence.
What is shown is never the normal form.

An operand is what a program or a person could act on: a path, host, address, URL, flag, cmdlet, id, number, contact,
amount. Its form tells it: a digit, a sign that prose does not have, a dot or a capital within a word.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from itertools import filterfalse
from typing import Final, NamedTuple

from app.core.kept import MAX_KEPT_WORDS
from app.core.reading.normal import normalized
from app.core.reading.text import without_hidden
from app.core.toml import read_toml

_LATIN = re.compile("[a-z]")
_WORDS = re.compile(r"\S+")
_LOOKALIKES: Final = str.maketrans(
    "аеорсухіјѕԁһӏвнкмтοανρτυικεηβμγ∖⧵⁄∕⧸․‐‑‒’ʼ′",
    "aeopcyxijsdhlbhkmtoavptuikenbuy\\\\///.---'''",
)
"""To Latin letters and ASCII signs, from small Cyrillic and Greek ones and from signs that NFKC leaves."""
_MAY_LOOK_ALIKE = re.compile("[\u0370-\u03ff\u0400-\u052f]")
_SIGNS: Final = str.maketrans("。｡․∖⧵⁄∕⧸‐‑‒’ʼ′ıłøđ", "...\\\\///---'''ilod")

_TO_BLANKS: Final = dict.fromkeys(
    map(ord, "\"'#$%&()*+,-./:;<=>?@[\\]^_`{|}~!“”„‘‚«»‹›–—…·•。、！？「」（），：；"), " "
)
# A flag is one token with its hyphen, so that `-User` is not the word "user".
_TOKEN = re.compile(
    r"(?<!\S)--?[a-z]\S*|(?<![^\s(])[c-z]:(?=[\s,.;)]|$)|[^\W_]+(?:'[^\W_]+)*|[.,;:!?…。！？](?=\s|$)|\n"
)
_BRACKETS_NOT = re.compile(r"\(((?:not|nicht|pas|no)\s[^()\n]{1,60})\)")
"""A clause of its own: "send Wipe (not Retire)"."""
_BREAKS: Final = frozenset(".,;:!?…。！？\n")
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts without blanks between words (and Korean, whose words end in particles): pairs of characters are compared."""

_STOP_WITHOUT_BLANK = re.compile(rf"(?<=[。！？])(?={UNSPACED.pattern})")
"""The end of a sentence in a script without blanks."""

# In this order: what ends in several of them loses the longest. The rest has at least three letters.
_ENDING = re.compile(
    r"(?<=\w\w\w)(?:aciones|ements|ations|ungen|ation|acion|ement|iendo|ierte|ieren|issez|ando|ados|adas|idos|idas|iert"
    r"|(?<=[td])ete|ing|ung|ion|ado|ada|ido|ida|(?<=[td])et|(?<=[dfhk]n)et|(?<=e[lr])n|ed|es|en|er|em|ez|ee|ar|ir|(?<!app)(?<!upp)(?<!rep)(?<!omp)(?<!tip)ly|[aeo])$"
)
# An English verb that ends as if it had an ending: enter and entered, shorten and shortened, clear and cleared.
_ENGLISH_FORM = re.compile(r"(?<=\w)(er|ear|air|en|ion|ement)r?(?:ed|ing)$")
# German participles and infinitives with "zu": gelöscht, eingeschaltet, einzuschalten.
_PARTICIPLE = re.compile(
    r"^(ein|aus|ab|an|auf|zuruck|zusammen|neu|um|weiter|mit|vor|her|herunter|hin|hinzu|hoch|frei|los|fest|nach|bei|zu|durch"
    r"|unter|wieder|)(?:ge(?=\w{3,}(?:t|en)$)|(?<=\w\w)(?<!^hin)zu(?=\w{4,}n$))"
)
_PREFIXES: Final = {
    "short": ("",),
    "en": ("", "re", "over", "under"),
    "de": tuple(
        " ein aus ab an auf zuruck zusammen hinein heraus her hin neu um weiter mit vor frei los fest nach bei zu durch"
        " unter wieder uber be ver ent er zer fort weg".split(" ")
    ),
    "fr": ("", "re", "com", "ap", "per", "de", "ad", "sur", "ob", "main", "en"),
    "es": ("", "re", "des", "dis", "com", "con", "ob", "man", "pro", "su"),
}
"""Of irregular verbs."""
_LAST_T = re.compile(r"(?<=\w{4})t$")
_MAX_STEM: Final = 12
_MAX_ELISION: Final = 2

_OUTER: Final = "\"'“”„‟‘’‚«»‹›()[]{}<>*`.,;:!?…—–•·"
_OPERAND = re.compile(
    r"\d|[\\/@=_$%~#<>|&^`{}\[\]+*:]|\.\w|^-+\w|\w\(|[^\W\d_]\?\w|[a-z][A-Z]"
    r"|(?<!\w)[^\WA-Z]*+[A-Z]\w++-[A-Z]|[\u2190-\u21ff]"
)
_DRIVE = re.compile(r"[C-Z]:(?=[.,;)]*$)")
"""A drive keeps its colon: else it would be a letter."""
_PROSE = re.compile(
    r"(?:[^\W\d_]\.)+[^\W\d_]?|[^\W\d_]+\((?:s|es|n|en|e)\)?|[^\W\d_]+[*:_]inn?en|[^\W\d_]{2,}/[^\W\d_]{2,}|&|\+"
)
"""What has such a sign and is prose all the same: e.g, driver(s), and/or."""
_GLUE = re.compile(r"[|&<>=→⇒➜]+|->|=>")
_MENU: Final = frozenset({">", "→", "->", "»", "➜", "⇒"})
_SUITES: Final = frozenset({"microsoft", "office", "dynamics"})
"""Of Microsoft 365 the number is a name."""
_MEANS: Final = frozenset({"=", "→", "⇒", "➜"})
"""Before a word, they say what is meant, or what comes of it: "-455 = missing group"."""
_FLAG = re.compile(r"--?[A-Za-z]|/[A-Za-z?]+(?::\S*)?$")
_NUMBER_OF_UNITS = re.compile(
    r"(?<!\S)(\d{1,4})-(?=(?:second|minute|hour|day|week|month|year|digit|character|user|port|page|step|person)s?\b)"
)
"""As in "the 120-day period", where a record says "120 days"."""
_HALF_OF_DAY = re.compile(
    r"(?<!\S)((?:at|by|from|to|until|till|before|after|around|and|since) )?(\d{1,2}(?:[:.]\d\d)?)"
    r" ((?(1)[ap]|p))(?:m\b|\.m\.)",
    re.IGNORECASE,
)
"""Without it "8 pm" would be the number 8. German has "Port 12 am Switch"."""


class Chunk(NamedTuple):
    """A run of characters without a blank, in its normal form and without the punctuation around it."""

    text: str
    is_operand: bool
    is_flag: bool
    is_glue: bool
    """Whether it joins what stands on both sides of it, as `|` and `>` do."""
    opens: bool
    """Whether a bracket or a quotation mark stands before it, so that it begins something."""
    closes: bool
    """Whether punctuation stands behind it."""
    words: tuple[str, ...]
    """Of its text, without marks; none of an operand."""


def normal(text: str) -> str:
    """*text* as it is compared; line breaks stay."""
    if not text.isascii():
        text = _STOP_WITHOUT_BLANK.sub(" ", text)
        text = normalized("NFKD", without_hidden(text)).casefold()
        text = "".join(filterfalse(unicodedata.combining, text))
        text = normalized("NFKC", text).translate(_SIGNS)
        return _WORDS.sub(_folded, text) if _MAY_LOOK_ALIKE.search(text) else text
    return text.lower()


def _folded(word: re.Match[str]) -> str:
    """The word with lookalike letters as Latin ones, if it has a Latin letter; else it is of another language."""
    return word[0].translate(_LOOKALIKES) if _LATIN.search(word[0]) else word[0]


def tokens(text: str) -> list[str]:
    """The words and marks of punctuation of a normal *text*, in their order."""
    return _TOKEN.findall(_BRACKETS_NOT.sub(r", \1,", text) if "(" in text else text)


def words(text: str) -> list[str]:
    """The words of a normal *text*; parts of one with an apostrophe each by itself."""
    return text.translate(_TO_BLANKS).split()


def is_break(token: str) -> bool:
    return token in _BREAKS


@lru_cache(maxsize=MAX_KEPT_WORDS)
def stems(word: str) -> tuple[str, ...]:
    """The stems of a normal *word*: one, or for a script without blanks one for each pair of characters."""
    if not word.isascii() and UNSPACED.search(word):
        return tuple(word[at : at + 2] for at in range(max(len(word) - 1, 1)))
    if "'" in word:  # of "user's" what stands before, of "l'utilisateur" what stands behind
        before, _, after = word.partition("'")
        word = after if len(before) <= _MAX_ELISION and len(after) > 1 else before
    word = irregular().get(word, word)
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):  # noqa: PLR2004 - log and logs
        word = word[:-1]
    word = _ENDING.sub("", _PARTICIPLE.sub(r"\1", _ENGLISH_FORM.sub(r"\1", word)))
    word = _once_at_end(_LAST_T.sub("", _once_at_end(word)))
    return (word[:-1] if len(word) > 3 and word[-1] in "iy" else word[:_MAX_STEM],)  # noqa: PLR2004 - copy and copied


def _once_at_end(word: str) -> str:
    """*word* without a letter that is doubled at its end: set and setting, bestellen and bestellt."""
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word  # noqa: PLR2004 - "all", "add"


@cache
def irregular() -> dict[str, str]:
    """For each form of irregular_verbs.toml its verb, also with a prefix: "eingezogen" is of "einziehen"."""
    read = read_toml(__package__, "irregular_verbs.toml")
    found: dict[str, str] = {}
    for language, lines in read.items():
        for line in lines.split("\n"):
            verb, *forms = line.split() or [""]
            if language == "de":  # "zogen"; "bezogen", "unterbrochen"
                forms += [f"{form}en" for form in forms if not form.startswith("ge") and form[-1] not in "ten"]
                forms += [form[2:] for form in forms if form.startswith("ge")]
            for prefix in _PREFIXES[language]:
                found.update((prefix + form, prefix + verb) for form in forms if (prefix + form) not in found)
    return found


def chunks(text: str) -> list[Chunk]:
    """The chunks of *text* as it was written: capitals tell operands. "Settings > Devices" is prose."""
    parts = _HALF_OF_DAY.sub(r"\1\2\3m", _NUMBER_OF_UNITS.sub(r"\1 ", text)).split()
    made = [_chunk(each) for each in parts]
    for at in range(1, len(parts)):
        if made[at].text == "365" and made[at - 1].text in _SUITES:
            made[at] = made[at]._replace(is_operand=False)
    for at in range(1, len(parts) - 1):
        one, sign, other = made[at - 1 : at + 2]
        is_menu = parts[at] in _MENU and parts[at - 1][0].isupper() and parts[at + 1][0].isupper()
        is_menu = is_menu and not one.is_operand
        if (is_menu or parts[at] in _MEANS) and not other.is_operand:
            made[at] = sign._replace(is_operand=False, is_glue=False, closes=True)
    return made


@lru_cache(maxsize=MAX_KEPT_WORDS)
def _chunk(each: str) -> Chunk:
    if _GLUE.fullmatch(each):
        return Chunk(each, is_operand=True, is_flag=False, is_glue=True, opens=False, closes=False, words=())
    left = each.lstrip(_OUTER)
    core = left.rstrip(_OUTER)
    plain = normalized("NFKC", core) if not core.isascii() else core
    if found := _DRIVE.match(left):
        core = plain = found[0]
    is_operand = _OPERAND.search(plain) is not None and not _PROSE.fullmatch(plain)
    text = normal(core)
    if is_operand:
        text = text.removesuffix("'s")
    return Chunk(
        text=text,
        is_operand=is_operand,
        is_flag=is_operand and _FLAG.match(plain) is not None,
        is_glue=False,
        opens=left != each,
        closes=core != left,
        words=() if is_operand else tuple(word for word in tokens(text) if not is_break(word)),
    )
