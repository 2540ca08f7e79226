"""Which language a text is written in, and whether it is clearly another than it should be.

Invariant: in doubt the answer is none, or no. Only function words ("the", "und") count, since names and technical words
are the same in all languages, and one language must have clearly more of them than another (`_LEAD`, `_SPOKEN_LEAD`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
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
# What tickets say besides, also short ones. A word that two languages share counts for both.
_FURTHER_WORDS: Final[dict[str, frozenset[str]]] = {
    "en": frozenset(
        "a in on at i my we our you your me no can't cannot doesn't don't isn't won't does do did please "
        "hello hi thanks thank  still again since today every all after into out up off any when while how "
        "what why who need help".split()
    ),
    "de": frozenset(
        "ich wir sie er es mein meine meinem meinen unser unsere unserem bitte hallo guten danke geht gehen "
        "hat habe haben  hatte keine keinen kein mehr seit heute wieder immer im am beim in an um wie was wer "
        "wo warum funktioniert kommt  lässt zeigt mehrere alle sehr hier dort dass weil aber nur schon etwas "
        "nichts bleibt".split()
    ),
    "fr": frozenset(
        "je j'ai nous mon ma mes notre nos un du de au en ne n'est n'ai depuis bonjour merci très plus tout "
        "toutes tous  fonctionne marche quand comme cela ça se son sa ses leur aucun aucune encore à l'écran "
        "impossible".split()
    ),
    "es": frozenset(
        "la de en un el que no se mi mis nuestro nuestra nuestros hola gracias buenos buenas desde hoy todos "
        "todas al lo  le funciona funcionan puedo puede imprime tengo tenemos hay sin muy cuando porque "
        "aparece ningún ninguna otra vez".split()
    ),
    "it": frozenset(
        "la in un i le e da al mio mia nostro buongiorno grazie salve ho abbiamo si ma come quando perché dal "
        "dalla più  nessun funziona ancora oggi".split()
    ),
    "nl": frozenset(
        "de ik we wij mijn ons onze niet geen hallo goedemorgen dank graag sinds vandaag weer steeds in te "
        "naar dit deze  hebben heeft heb werkt werken meer door uit over wanneer alle bij".split()
    ),
    "pt": frozenset(
        "o a e no na nos meu minha nosso nossa olá bom obrigado obrigada desde hoje todos se mas sem ao pela "
        "pelo quando  porque funciona consigo está novamente".split()
    ),
    "sv": frozenset(
        "och att det som är på inte för med har jag vi min vår våra kan när till av från den ett en hej tack "
        "sedan idag  igen fungerar men eller alla ingen inget går om hos".split()
    ),
    "da": frozenset(
        "og at det som er på ikke for med har jeg vi min vores kan når til af fra den et en hej tak siden "
        "igen virker men  eller alle ingen går om hos ved efter skal mit".split()
    ),
}
# Of languages that the index reads no text by, so that nothing else leaves these words out.
_WORDS_ELSEWHERE: Final[dict[str, frozenset[str]]] = {
    "cs": frozenset(
        "je se na že to jsem není ale jako pro při mi po když nám už od do jsme mám tak aby která ve si za "
        "mě můj moje můžete prosím děkuji dobrý den nejde nefunguje máme nemáme nemůžu nemohu pořád stále jen také "
        "bude byl byla který které jak co kde před nebo všichni".split()
    ),
    "fi": frozenset("on ei ja se että en ole kun oli mutta minä joka voi kanssa tämä niin myös sitten vain".split()),
    "hr": frozenset("je se na da nije sam ali što kada kako za od do smo ili ne su koji koja mi već nam bez".split()),
    "hu": frozenset("az hogy nem és egy van meg csak de ez már vagy kell volt lehet mert ha sem nincs pedig".split()),
    "no": frozenset(
        "og det som er på ikke til med jeg vi min av fra den et hei takk siden igjen men eller noe".split()
    ),
    "pl": frozenset(
        "nie się jest na to że do jak po dla od ale co już tylko przez gdy mam mogę może są był była proszę dzień "
        "dobry przy oraz czy ten ta jego mnie nam kiedy bardzo jestem za ze we mój moja moje moim mojego nasz "
        "nasza działa dziękuję mamy możecie można ciągle nadal wciąż dziś dzisiaj wszyscy wszystkich lub też jeszcze "
        "został została ma bez przed pod nad który która które które".split()
    ),
    "ro": frozenset(
        "nu este și în la cu pe de care sunt mai din că când dar pentru sau am un fost se poate fără".split()
    ),
    "ru": frozenset(
        "не на что как это при после уже но для из от до есть когда мы он она они нет только или если".split()
    ),
    "tr": frozenset(
        "bir ve bu için çok da de ile olarak değil var yok ama ne gibi daha sonra ben biz mi kadar hiç olan her şu "
        "lütfen merhaba teşekkürler oluyor olmuyor ediyor çalışmıyor sürekli şimdi bugün sabah beri yeni bizim benim "
        "misiniz mısınız musunuz istiyor veriyor gerekiyor alıyorum önce artık hâlâ hala günaydın tüm bütün veya ancak "
        "çünkü nasıl neden zaman bana bize".split()
    ),
    "uk": frozenset(
        "не на що як це при після вже але для із від до є коли ми він вона немає тільки або якщо та".split()
    ),
}
# Letters that of all these languages these alone have: a word with one of them is a word of theirs.
_LETTERS: Final = {
    **dict.fromkeys("ąęłńśźż", ("pl",)),
    **dict.fromkeys("ěřůťď", ("cs",)),
    **dict.fromkeys("ğış", ("tr",)),
    **dict.fromkeys("őű", ("hu",)),
    **dict.fromkeys("ățț", ("ro",)),
    "đ": ("hr",),
    **dict.fromkeys("æø", ("da",)),
    **dict.fromkeys("ãõ", ("pt",)),
    "ñ": ("es",),
    "ß": ("de",),
    **dict.fromkeys("ыэъё", ("ru",)),
    **dict.fromkeys("іїєґ", ("uk",)),
}
_MIN_FOREIGN_WORDS: Final = 3
_MIN_FUNCTION_WORDS: Final = 8
_MIN_SPOKEN_WORDS: Final = 2
_MAX_READ_CHARS: Final = 4_000
_LEAD: Final = 2.0
_SPOKEN_LEAD: Final = 1.5
_SPOKEN_WORDS: Final = {code: _FUNCTION_WORDS.get(code, frozenset()) | more for code, more in _FURTHER_WORDS.items()}
_ALL_WORDS: Final = _SPOKEN_WORDS | _WORDS_ELSEWHERE
# Norwegian is read as Danish, whose words it mostly has.
_TOLD: Final = {code: known for code, known in _ALL_WORDS.items() if code != "no"}
_TOLD_ELSEWHERE: Final = _TOLD.keys() - _SPOKEN_WORDS.keys()
_SPEAKERS: Final = {
    word: tuple(code for code, known in _TOLD.items() if word in known) for word in frozenset().union(*_TOLD.values())
}
"""For each word the languages that have it."""
_WORD_OR_SHORT = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_WORD = re.compile(r"[^\W\d_]+")


def spoken_language(text: str) -> str | None:
    """The language (ISO 639-1) that *text* speaks, told from two words on; None: it can't be told.

    Function words tell it, and words with a letter that only one language has.
    """
    counts = dict.fromkeys(_TOLD, 0)
    for word, times in Counter(_WORD_OR_SHORT.findall(text[:_MAX_READ_CHARS].lower())).items():
        for code in _SPEAKERS.get(word) or _spelled_in(word):
            counts[code] += times
    (most, language), (second, _) = _two_most(counts, _SPOKEN_WORDS)
    (most_elsewhere, elsewhere), (second_elsewhere, _) = _two_most(counts, _TOLD_ELSEWHERE)
    if most_elsewhere > most:
        language, most, second = elsewhere, most_elsewhere, max(most, second_elsewhere)
    return language if most >= _MIN_SPOKEN_WORDS and most >= second * _SPOKEN_LEAD else None


def _two_most(counts: dict[str, int], languages: Collection[str]) -> list[tuple[int, str]]:
    return sorted(((counts[code], code) for code in languages), reverse=True)[:2]


def _spelled_in(word: str) -> tuple[str, ...]:
    return () if word.isascii() else next((_LETTERS[letter] for letter in word if letter in _LETTERS), ())


def has_function_word(text: str) -> bool:
    """Whether any word of *text* is a function word of any language: a sentence has one, a command has none."""
    return any(word in _SPEAKERS for word in _WORD_OR_SHORT.findall(text.lower()))


def foreign_function_words(text: str, *, languages: Collection[str]) -> set[str]:
    """The function words in *text*, in lower case, of languages that it holds three of, other than *languages*.

    In a corpus of another language they are rare, and would tell much: two tickets would be alike for being in Polish.
    """
    words = set(_WORD.findall(text.lower()))
    others = (words & known for code, known in _ALL_WORDS.items() if code not in languages)
    own = frozenset().union(*(_SPOKEN_WORDS.get(code, frozenset()) for code in languages))
    return {word for found in others if len(found - own) >= _MIN_FOREIGN_WORDS for word in found - own}


def sounds_like_another(text: str, language: str) -> bool:
    """Whether *text* is clearly in a known language other than *language* (ISO 639-1)."""
    words = _WORD.findall(text.lower())
    counts = {code: sum(word in known for word in words) for code, known in _FUNCTION_WORDS.items()}
    expected = counts.pop(language, 0)
    strongest = max(counts.values(), default=0)
    return strongest >= _MIN_FUNCTION_WORDS and strongest > expected * _LEAD
