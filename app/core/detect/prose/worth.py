"""Which candidates are weighed at all. Most are words and numbers that nothing makes a password."""

from __future__ import annotations

import re
from typing import Final

from app.core.detect.cues import NO_COPULA, Cue
from app.core.detect.finding import QUOTES
from app.core.detect.password_values import LOOKS_LIKE_ONE, WORDS_AND_NUMBER, is_label, is_strong, may_be
from app.core.detect.password_words import AND, OF_MAKERS
from app.core.detect.prose.told import GIVEN, LONGEST_AS, NEAR_LINKS, Told, words_before
from app.core.detect.prose.words import ATTRIBUTES, NOT, THINGS, fold, is_ordinary, word_lists
from app.core.detect.scan import Scan

GROUPED = re.compile(
    r"(?<!\d )(?:\d(?: \d){3,5}|\d{3,4}[ -]\d{3,4}|\d\d \d\d(?! ?\d)"
    r"|\d\d \d\d \d\d(?: \d\d)?|[a-zA-Z]-\d{6}|\*?\d{4,8}#|#\d{4,8}|[RL]?\d{1,2}(?:-[RL]?\d{1,2}){2,3})(?![\w-]| \d)"
)
_PAIR = re.compile(r"\d\d \d\d")
HEDGE: Final = (
    r"(?:glaub(?:e)? ich|i (?:think|guess|believe)|je (?:crois|pense)|creo|credo|penso|(?:eu )?acho|denk ik"
    r"|chyba|myslím|sanırım|кажется|думаю|tror jag|tror jeg)"
)
"""What says that somebody is not sure of what was told."""
HOW_WRITTEN: Final = (
    r"(?:(?:and|with|without|no|all|in|mit|ohne|alles|avec|sans|tout|en|con|sin|todo|com|sem|tudo|em|senza|tutto|met|zonder"
    r"|the|les|los|os|gli|z|bez|ze|s|с|без)\s){0,3}"
    r"(?:(?:lower|upper)[ -]?case|small letters|capitals?|spaces?|leerzeichen|klein(?:geschrieben|buchstaben)?"
    r"|groß(?:es|em|geschrieben|buchstaben)|min[uúù]scul\w*|ma[iy][uúù]scul\w*|majuscul\w*"
    r"|espaces?|espacios?|espaços?|spazi|spaties?|hoofdletters?|spacj\w+|mezer\w*|пробел\w*)(?![^\W_])"
)
"""What says of a password how it is written: "with the spaces", "todo en minúsculas"."""
FINISHES = re.compile(
    rf"\s+(?:{HEDGE}|if|wenn|falls|weil|because|parce|porque|perché|omdat|jeśli|pokud|если|om"
    r"|btw|please|bitte|merci|thanks|lowercase|with|all|for|mit|für|avec|pour|tout|todo|con|para|per|tutto"
    rf"|tudo|com|still|again|gesetzt|geändert|zurückgesetzt)(?![^\W_])|[{QUOTES})\]}}*]*(?:$"
    rf"|\s*[\n.,;!?()–—，。；\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\s+olarak|\s+[-–—(/|]|\s+(?:gesetzt|geändert"
    rf"|zurückgesetzt|setzen|vergeben|eintragen|gezet|gewijzigd|veranderd|ingesteld)|\s+(?:I|we|ich|wir|je|and|or|but|und|oder|aber|et|ou|mais|y|o|pero|e|ma|mas|en|of|maar|i|a|ale|nebo|и|а"
    rf"|но|ve|ama"
    r"|och|men|og|ja|es|si|dar|και)\s)"
)
IS_WRITTEN = re.compile(rf"[,;(\s–-]{{1,3}}{HOW_WRITTEN}")
SIGNED = re.compile(r"[^\W_][!#$%^*~+=&@?]+[^\W_]|\d[!#$%^*~+=&@]+$|[!#$%^*~&@]\w*[!#$%^*~&@]|^[!#$%^*~&]\w")
_NO_PHRASE: Final = NOT | frozenset("the a an der die das le la les el los las il lo gli het de".split())
_MOSTLY: Final = 0.75
_MOST_KNOWN: Final = 0.25
_HALF: Final = 0.5
_LONGEST_IN_QUOTES: Final = 3
_SAYS_HOW: Final = {
    language: re.compile(rf"[a-zß-ÿąćęłńóśźżčďěňřšťůžğışа-яё]+(?:{endings})[?!]?")
    for language, endings in {
        "": "ed|ing|able|ible|ful|less|ical|ous|ly",
        "de": "bar|lich|iert|haft|los",
        "fr": "ée?s?|able|ible|ique",
        "es": "[ai]d[oa]|able|ible|mente",
        "pt": "[ai]d[oa]|[áí]vel|mente",
        "it": "[aiu]t[oa]|abile|ibile|mente",
        "sv": "ats?|ade?|erats?|ig|bar",
        "da": "et|ede|ert|lig|ligt|bar",
        "fi": "ttu|tty|tunut|tynyt|ton|tön",
        "pl": "owane|ione|alne|liwe|one",
        "cs": "né|ný|ná|lé|lo|no",
        "sk": "né|ný|ná|lé|lo",
        "no": "et|ede|ert|lig|ligt|bar",
        "hu": "ott|ett|ött|t[ao]tt|t[áé]k|ította|ítette|ható|hető|[tv][ae]",
        "ro": "at[ăa]?|it[ăa]?|bil[ăa]?",
        "hr": "[ae]n[ao]|[io]vo",
        "sl": "[ae]n[ao]|[io]vo",
        "bg": "[ае]н[ао]?|ват",
        "uk": "[иі]й|[ае]но|ться|на",
        "tr": "[dt][iıuü]|m[iıuü]ş|[iıuü]yor|m[ae]z|l[iıuü]",
        "ru": "[ныёиі]й|ной|ен|ан|на|но|ется|ится|ать|ить",
    }.items()
}
"""Words in small letters that say how something is, by the language of the word for a password."""
_DENIES = re.compile(r"un|ne|nie|on|не|\w+m[ae]d[ıi]$")
_ENDS_IN_LY: Final = frozenset("butterfly family lily july italy emily dolly molly jelly".split())
_COUNTED: Final = frozenset("年月日号号桁回分秒時円件個文字年년월일자회분초")
"""What counts in Chinese, Japanese and Korean, behind its number."""
_LONG_NUMBER: Final = 6
_LONGEST_NUMBER: Final = 10
_KEY_DIGITS: Final = range(8, 64)
"""Of a wireless network's key: makers print up to twenty below a router."""
_SHORTEST: Final = 3
_COUNT = re.compile(r"\d{1,3}[-–~〜～]\d{1,3}|\d{1,2}([^\W\d_]{3,})")
"""A range, or a number and a word."""
_ADDRESS = re.compile(
    r"\S*@[\w.*-]+\.\w{2,}|(?:[a-z][\w-]*\.)+(?-i:[a-z]{2,4}|local|internal|intern|corp|home|cloud|online|example)"
    r"|(?-i:(?:[a-z][a-z\d-]*\.){2,}[a-z]{2,12})|www\..*|[a-z]+:\d[\d.]*|@\S*[:/].*"
    r"|[\w.-]+\.\w+:\d+|\S+/\S+/\S*|%[A-Z]{2,}[\w-]*-\d-\w+"
    r"|v?\d+(?:\.\d+)+\w*|(?:v|ver|version)\.?\d[\d.]*(?:[a-z]\d*)?|(?:[^\W\d_]-)?\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?:-[^\W\d_]{1,4})?"
    r"|\d{1,2}(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"|\d\d?[:h]\d\d(?::\d\d)?|\d+:\w|0[xX][0-9a-fA-F]+|#\d{6}|#(?=\d*[a-f])[0-9a-f]{3,8}|\d+(?:%|px|pt|em|esr|[kmg]"
    r"|bit|[kmg]b|(?:st|nd|rd|th)(?:-\w+)?)|[a-z]+\d+\.\d+\S*|[\w.]+@[a-z]"
    r"|[\w.-]*=.+|.*;\w+=.*|\w+\\\S+|.*\w[<>]\w.*|\w+\([^)]*\)?|(?-i:[A-Z](?:\d\d|-\d{3,4}))|(?:[\w-]+\.)+(?:7z|mp[34])|[^\W\d_]+(?:[?&/,;:]+[^\W\d_]+)+"
    r"|(?:sha|md)\d+:\S+|(?:tcp|udp)[/:-]?\d+|[oq0]?(?:auth|outh|a?uth|oath|ath)-?0?2?(?:\.0)?",
    re.IGNORECASE,
)
"""Addresses, paths, versions, dates, times, measures, settings, users of a domain, calls, and ways to sign in."""
_PORT_BEFORE = re.compile(
    r"(?<![^\W_])(?:udp|tcp|ports?|puertos?|portas?|portów|porty?|порт\w{0,2})(?:[ /]ports?)?[ /]"
    rf"(?:\d{{1,5}}(?:\s?[,/&–-]\s?|\s(?:{'|'.join(AND)}|or|oder|ou|o)\s))*$"
)
_LAST_PORT: Final = 65535
_ERROR_BEFORE = re.compile(
    r"(?<![^\W_])(?:err(?:or|eur|ore|o)?s?|fail(?:s|ed)?|fehler\w{0,6}|fout\w{0,4}|błęd\w{0,3}|błąd|chyb\w{1,3}|hata\w{0,3}|ошибк\w{1,2}|fel"
    r"|event|evt|ereignis\w{0,4}|status|http|smtp|rc|exit)\W{1,2}(?:(?:id|nr|no|code)\W{1,2})?$"
)
"""Before the number of an error or an event: "error 1326 for a bad password"."""
_BACK: Final = 48
_BEFORE_A_CODE: Final = frozenset(
    "the a my your his her our their this that new old right wrong current correct same following enter use with by"
    " type got is and or to le un mon votre son notre du ce der den dem die mein meine ihr unser neuer mit de het"
    " mijn uw met".split()
)
_WORD_BEFORE = re.compile(r"([^\W\d_]+)[ -]$")
_SHOWN: Final = frozenset(
    "screen display displays displayed shown shows showing bildschirm anzeige angezeigt zeigt ecran affiche affichage"
    " pantalla muestra schermo mostra visor tela scherm toont weergave ekran ekranie wyswietla wyswietlaczu displej"
    " displeji obrazovce ukazuje ekranda goruntuleniyor skarmen visar skaerm viser skjermen vises naytolla экран экране"
    " экрана показывает дисплее 屏幕 显示 画面 表示".split()
)
"""Where a machine says "the code on the display is E02-17", which is an error's."""
_SHOWN_BEFORE: Final = 4
YEAR = re.compile(r"(?:19|20)\d\d")
FEWEST_DIGITS: Final = 4
MOST_DIGITS: Final = 8


def ends(scan: Scan, end: int, value: str) -> bool:
    """Whether the clause ends behind *value*, or of several words is said how they are written."""
    return bool(FINISHES.match(scan.text, end) or (" " in value and IS_WRITTEN.match(scan.lower, end)))


def is_worth(
    scan: Scan, cue: Cue, span: tuple[int, int], told: Told, *, is_typed: bool, is_quoted: bool, is_beyond: bool
) -> bool:
    """Whether a candidate is weighed at all; most are words and numbers that nothing makes a password."""
    value = scan.text[slice(*span)]
    is_near = told.link in NEAR_LINKS
    letters = value.replace(" ", "").replace("-", "").rstrip("!?")
    if _says_what(value, scan, cue, span, told) or (is_quoted and (_is_a_message(value) or is_label(value))):
        return False
    if letters.isdecimal():
        is_other = scan.text[span[1] : span[1] + 1] in _COUNTED or _ERROR_BEFORE.search(
            scan.lower, max(span[0] - _BACK, 0), span[0]
        )
        is_time = _PAIR.fullmatch(value) and (cue.is_weak or told.link not in GIVEN or not ends(scan, span[1], value))
        is_key = cue.language == "network" and not cue.is_weak and span[0] == cue.end + 1
        return not (is_beyond or is_other or is_time or _is_port(value, scan, span[0])) and (
            (is_key and len(letters) in _KEY_DIGITS) or _is_number_worth(letters, cue, told)
        )
    if cue.is_weak and cue.language == "network":  # most of what stands after it is the network's name
        return is_near and value[0].islower() and any(map(str.isdigit, value)) and not is_beyond
    if is_quoted and letters.isalpha():
        is_told = not is_beyond and is_near and not (cue.is_code and told.link != "sign")
        is_attribute = not ATTRIBUTES.isdisjoint((*told.between[:1], fold(value.split()[0])))
        return is_told and not is_attribute and _may_be_in_quotes(value)
    if letters.isalpha() or (" " in value and not is_quoted):
        return _is_word_worth(scan, cue, span, told, is_typed=is_typed)
    return _is_mixed_worth(scan, value, cue, told, is_beyond=is_beyond)


def _names_a_thing(scan: Scan, cue: Cue) -> bool:
    """Whether a word before "code" says of what it is one: "line code", "CLEI code"; not "the code"."""
    before = _WORD_BEFORE.search(scan.lower, max(cue.start - _BACK, 0), cue.start)
    return bool(before and before[1] not in _BEFORE_A_CODE)


def _is_mixed_worth(scan: Scan, value: str, cue: Cue, told: Told, *, is_beyond: bool) -> bool:
    is_given, is_near = told.link in GIVEN, told.link in NEAR_LINKS
    if is_beyond:
        has_form = LOOKS_LIKE_ONE.fullmatch(value) or (
            is_given and (SIGNED.search(value) or WORDS_AND_NUMBER.fullmatch(value))
        )
        return bool(has_form)
    if told.has_clause and not (is_near or told.link == "other" or is_strong(value)):
        return False
    if cue.is_weak and not cue.is_code:
        return is_near or is_strong(value) or scan.text[cue.start].islower()
    if not cue.is_weak:
        return True
    is_shown = not _SHOWN.isdisjoint((*map(fold, told.between), *words_before(scan, cue.start)[-_SHOWN_BEFORE:]))
    is_one = is_near and told.distance <= LONGEST_AS and any(map(str.isdigit, value)) and not is_shown
    return is_one and not (scan.lower.startswith("code", cue.start) and ("." in value or _names_a_thing(scan, cue)))


def _says_what(value: str, scan: Scan, cue: Cue, span: tuple[int, int], told: Told) -> bool:
    """Whether a sign tells *value*, but as the user's name, or as what a form says: "password: [edited]"."""
    start, end = span
    is_named = told.link == "sign" and told.distance and fold(told.between[-1]) in word_lists().users
    is_user = is_named and not (cue.is_code or value.isdecimal())
    if "_" in value and value.isupper() and _ERROR_BEFORE.search(scan.lower, max(start - _BACK, 0), start):
        return True
    in_brackets = scan.text[start - 1 : start] + scan.text[end : end + 1]
    is_acronym = in_brackets == "()" and value.isupper()  # self-service password reset (SSPR)
    return bool(is_user or (value.isalpha() and (in_brackets in {"[]", "<>", "{}"} or is_acronym)))


def _is_a_message(value: str) -> bool:
    """Whether words in quotes are what a window says."""
    return value.count(" ") >= _LONGEST_IN_QUOTES and _share_known(value) >= _HALF


def _share_known(value: str) -> float:
    """Of the words of *value*, how many are ordinary."""
    words, plain = value.split(), word_lists().plain
    return sum(fold(each) in plain for each in words) / len(words)


def _may_be_in_quotes(value: str) -> bool:
    """Whether letters in quotes may be a password, and not what a window says."""
    return value.lower() in OF_MAKERS or _share_known(value) < _MOSTLY


def _is_a_clause(value: str) -> bool:
    """Whether words say something and are no phrase of its own: "through the portal", "hos Anna"."""
    words = value.lower().split()
    is_one = not _NO_PHRASE.isdisjoint(words) or fold(words[0]) in word_lists().prepositions
    return is_one or _share_known(value) > _MOST_KNOWN


def _is_word_worth(scan: Scan, cue: Cue, span: tuple[int, int], told: Told, *, is_typed: bool) -> bool:
    start, end = span
    value = scan.text[start:end]
    is_code = cue.is_code and cue.language != "network"  # the code of a wireless network is a password
    if told.link == "as_cue":
        return not (is_code or told.has_clause)
    if cue.is_weak and (is_code or " " in value):
        return False
    if " " in value and _is_a_clause(value) and not IS_WRITTEN.match(scan.lower, end):
        return False
    if value.count("-") == 1 and _share_known(value.replace("-", " ")) > _MOST_KNOWN:
        return False
    says_how = _says_how(value.split()[-1], cue.language) and value.lower() not in _ENDS_IN_LY
    is_far = (
        told.has_clause
        or told.distance > LONGEST_AS
        or not ATTRIBUTES.isdisjoint(told.between[:1])
        or not NOT.isdisjoint(told.between)
    )
    is_far = is_far or not word_lists().asks.isdisjoint(map(fold, told.between))
    is_description = says_how and (told.link != "sign" or (cue.language and _DENIES.match(value)))
    if is_far or is_description or (told.link != "sign" and is_code):
        return False
    is_maker = value.rstrip("!?").lower() in OF_MAKERS and not (value == "default" and told.link == "into")
    is_beside = told.link == "beside" and (
        is_typed or is_maker or cue.language in NO_COPULA or scan.text[start - 1] == "("
    )
    is_told = told.link in GIVEN or told.link == "dash" or is_beside
    return is_told and (is_maker or ends(scan, end, value))


def _says_how(word: str, language: str) -> bool:
    forms = _SAYS_HOW.get(language)
    return bool(_SAYS_HOW[""].fullmatch(word) or (forms and forms.fullmatch(word)))


def _is_number_worth(digits: str, cue: Cue, told: Told) -> bool:
    is_given, is_near = told.link in GIVEN, told.link in NEAR_LINKS
    is_near = (is_near or told.link == "other") and not (told.link == "into" and told.distance > LONGEST_AS)
    is_listed = told.link == "other" and not told.distance
    first, last = (told.between[0], told.between[-1]) if told.between else ("", "")
    if not is_near and (told.has_clause or last in THINGS or first in ATTRIBUTES):
        return False
    most = MOST_DIGITS if cue.is_code else _LONGEST_NUMBER
    if (
        len(digits) < FEWEST_DIGITS
        or (len(digits) > most and not (is_given or is_listed))
        or (YEAR.fullmatch(digits) and not is_near)
    ):
        return False
    if cue.is_code:
        is_any = cue.is_weak and not is_given and len(digits) != _LONG_NUMBER
        return not is_any
    is_for = told.distance <= LONGEST_AS and first in word_lists().prepositions
    return is_near or (len(digits) >= _LONG_NUMBER and is_for)


def _is_port(value: str, scan: Scan, start: int) -> bool:
    """Whether *value* stands as in "UDP 500 and 4500"."""
    is_one = value.isdecimal() and int(value) <= _LAST_PORT
    return is_one and _PORT_BEFORE.search(scan.lower, max(start - _BACK, 0), start) is not None


def may_be_secret(value: str, *, is_code: bool) -> bool:
    core = value.rstrip("!?")
    if is_code and GROUPED.fullmatch(value):
        return True
    return (
        len(core) >= _SHORTEST
        and not (core.isdecimal() and len(core) < FEWEST_DIGITS)
        and may_be(value)
        and "://" not in value
        and not value.endswith("-")
        and not value.startswith("](")
        and "><" not in value
        and "..." not in value
        and not _ADDRESS.fullmatch(core)
        and not ((count := _COUNT.fullmatch(core)) and (count[1] is None or is_ordinary(count[1])))
        and not value.startswith(("\\", "/", "_", "-", ',"', ",'"))
    )
