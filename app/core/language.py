"""Whether a text is clearly written in another language than it should be.

Invariant: in doubt the answer is no. Only function words ("the", "und") count, since names and technical words are the
same in all languages; a short text has too few; and another language must have `_LEAD` times as many of them.
"""

from __future__ import annotations

import re
from typing import Final

# The most frequent function words that the languages do not share with each other.
_FUNCTION_WORDS: Final[dict[str, frozenset[str]]] = {
    "en": frozenset(
        "the and of to is that it was for with are this be have from or by not has but they which been were can will "
        "should if its there their when would could after before because".split()
    ),
    "de": frozenset(
        "der die das und ist nicht ein eine einen mit auf für von dem den des zu sich auch wird werden wurde nach bei "
        "aus wenn noch kann sind sollte oder über durch vor zum zur".split()
    ),
    "fr": frozenset(
        "le les des est une dans pour qui pas sur avec ce sont par il elle vous nous cette être peut doit aux été mais "
        "avant après lorsque afin ou".split()
    ),
    "es": frozenset(
        "el los las del una por con para está como más pero sus ser fue este esta desde cuando puede debe antes "
        "después según también y".split()
    ),
    "it": frozenset("il gli della che di è per non sono con una del nel alla anche può deve dopo prima quando".split()),
    "nl": frozenset("het een van en dat niet zijn met voor op aan ook maar wordt kan moet naar bij als nog".split()),
    "pt": frozenset(
        "os as do da em um uma para com não que foi está pode deve depois antes quando também mais".split()
    ),
}
_MIN_FUNCTION_WORDS: Final = 8
_LEAD: Final = 2.0
_WORD = re.compile(r"[^\W\d_]+")


def sounds_like_another(text: str, language: str) -> bool:
    """Whether *text* is clearly in a known language other than *language* (ISO 639-1)."""
    words = _WORD.findall(text.lower())
    counts = {code: sum(word in known for word in words) for code, known in _FUNCTION_WORDS.items()}
    expected = counts.pop(language, 0)
    strongest = max(counts.values(), default=0)
    return strongest >= _MIN_FUNCTION_WORDS and strongest > expected * _LEAD
