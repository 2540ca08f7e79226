"""The words beside which a password or a code may stand: "password", "Kennwort", "PIN", "code for the alarm"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

from app.core.detect.hints import BY_LANGUAGE, WORDS
from app.core.detect.password_words import labels
from app.core.detect.scan import Scan


class Cue(NamedTuple):
    """A word for a password: *text[start:end]*."""

    start: int
    end: int
    is_code: bool
    is_weak: bool
    """The word also has another sense."""
    language: str
    """Of the word, ISO 639-1, or ""."""


def _shortest(words: Iterable[str]) -> Iterator[str]:
    """Those of *words* that begin with no other of them: what finds one finds the longer ones."""
    return (word for word in words if not any(word != each and word.startswith(each) for each in words))


ANCHORS: Final = {
    "code": (
        *(
            "voucher|tap|pin|puk|otp|tan|pass code|пин|host key|host-key|2fa backup|mfa backup|验证码|驗證碼|动态码"
            "|key safe|keysafe|lockbox|lock box|keybox|key box|padlock|schlüsselkasten|schlüsselbox|schlüsselsafe"
            "|schlüsseltresor|vorhängeschloss|sleutelkluis|nøgleboks|nøkkelboks|nyckelskåp|nyckelbox|avainsäil"
            "|boîte à clé|cadenas|candado|lucchetto|cadeado"
        ).split("|"),
        *_shortest(WORDS["code"]),
    ),
    "question": (
        "security question|secret question|sicherheitsfrage|question secrète|question de sécurité"
        "|pregunta de seguridad|pregunta secreta|domanda di sicurezza|domanda segreta|pergunta de segurança"
        "|pergunta secreta|beveiligingsvraag|controlevraag|pytanie bezpieczeństwa|pytanie kontrolne"
        "|kontrolní otázka|bezpečnostní otázka|kontrolné otázky|контрольный вопрос|секретный вопрос"
        "|säkerhetsfråga|güvenlik sorusu"
    ).split("|"),
    "secret word": (
        "respuesta de seguridad|maiden name|mädchenname|memorable word|secret answer|code word|codeword|losungswort"
        "|codewort|кодовое слово"
    ).split("|"),
}
"""It also reads the places of `passwords`' words: those for a password (by `labels`), and those for a network."""

_WEAK: Final = frozenset({"pass", "ww", "clave", "parola"})
NO_COPULA: Final = frozenset({"ru", "uk", "tr", "hu", "network"})
"""Languages that have no word between "the password" and the password; and keys of networks, in any: "wifi key x"."""
_LANGUAGES: Final = {
    "passwort": "de", "passord": "no", "passorde": "no", "kode": "da", "kodeord": "da", "kodeorde": "da",
    "парола": "bg", "паролата": "bg", "лоз": "sr", "parool": "et", "parola": "ro", "codice": "it", "koden": "sv",
    "pinkode": "da",
    "mot": "fr", "mdp": "fr", "phr": "fr", "con": "es", "cla": "es", "sen": "pt", "pal": "pt", "wac": "nl", "ww": "nl",
    "has": "pl", "hes": "cs", "пар": "ru", "şif": "tr", "sif": "tr", "lös": "sv", "los": "sv", "adg": "da", "sal": "fi",
    "jel": "hu", "κωδ": "el", "ken": "de", "loz": "hr", "ges": "sl", "cód": "es", "kod": "pl", "kód": "cs", "код": "ru",
    "пин": "ru", "sla": "lt", "koo": "fi",
    "密码": "zh", "密碼": "zh", "口令": "zh", "パスワード": "ja", "비밀번호": "ko", "비번": "ko",
    "كلم": "ar", "סיס": "he", "parole": "lv", "paroli": "lv", "parolă": "ro", "parolei": "ro",
}  # fmt: skip
"""The language of a word for a password, by itself or its first letters."""

_OF_ITS_OWN = re.compile(
    r"(?:pass[- ]?codes?|vouchers?(?:[- ]?codes?)?|tap(?=\s?[:=]| (?:for|is|für|pour|code)(?![^\W_]))"
    r"|pin(?:[12]|[- ]?(?:codes?|kód|kodu\w{0,3}|kode[nrt]?|码))?|puk(?:[12]|[- ]?codes?)?|otp|tan"
    r"|пин(?:-?код\w{0,2})?|(?:(?<=zoom )|(?<=webex )|(?<=meeting ))host[ -]key|(?:2fa|mfa) backup"
    r"|(?<=digi)code)(?![^\W_])|验证码|驗證碼|动态码"
    # What is made for a code alone.
    r"|(?P<safe>key ?safe|lock ?box|key ?box|padlock|schlüssel(?:kasten|box|safe|tresor)|vorhängeschloss|sleutelkluis"
    r"|nøgleboks|nøkkelboks|nyckelskåp|nyckelbox|avainsäiliö\w?|boîte à clés?|cadenas|candado|lucchetto"
    r"|cadeado)(?![^\W_])"
)
_OF_ANY = re.compile(rf"(?:{'|'.join(WORDS['code'])}|kodu\w{{1,3}})(?![^\W_])|コード|코드|代码")
_NUMBER_BEFORE = re.compile(r"\d[ -]?$")
_IN_CAPITALS: Final = frozenset({"tan", "tap"})
_GUEST = re.compile(
    r"guest|visitor|gast|gäst|invit|ospit|convidado|visitante|goś|гост|misafir|wi-?fi|wlan|hotspot|unifi"
)
"""What makes a voucher one for a guest's network, and no code for a discount."""
_GUEST_NEAR: Final = 32
_KIND = (
    r"(?:de récupération|de secours|de recuperación|de respaldo|di recupero|sblocco|de recuperação"
    r"|odzyskiwania|zapasowy"
    r"|de vérification|de sécurité|d['’]accès|confidentiel|secret|de confirmation"
    r"|de verificación|de seguridad|de acceso|de confirmación|de desbloqueo|de déblocage|de déverrouillage"
    r"|de desbloqueio|odblokowania|di verifica|di sicurezza|di accesso|di conferma|di sblocco"
    r"|de acesso|de verificação|de segurança|de confirmação"
    r"|weryfikacyjny|dostępu|bezpieczeństwa|autoryzacyjny|jednorazowy|подтверждения|доступа|безопасности)"
)
_SAYS_WHAT_BEFORE = re.compile(
    r"(?<![^\W_])(?:mfa|2fa|sms|totp|otp|verification|security|one[- ]time|access|unlock|backup|entry"
    r"|installateurs|master|installer|disarm|engineer|duress|panic|bridge|swipe|override|till|cashier|supervisor|manager|staff"
    r"|confirmation|pairing|activation|setup|registration|invit(?:e|ation)|login|authori[sz]ation|recovery|reset|auth(?:entication)?|passkey|einmal|zugangs|bestätigungs"
    r"|dogrulama|guvenlik|giris|overovaci|pristupovy|bezpecnostni|sicherheits|entsperr|sperr|freischalt|wiederherstellungs|notfall|abteilungs|drucker|herstel|återställnings|verificatie|toegangs|beveiligings|doğrulama|onay|güvenlik|giriş"
    r"|ověřovací|přístupový|bezpečnostní|potvrzovací|해제|解除)[- ]?(?:master )?$"
)
_SAYS_WHAT_AFTER = re.compile(rf" (?:pin|puk|otp|{_KIND})|(?: \w{{1,3}})? (?:смс|sms)")
_OF_A_THING = re.compile(
    r"(?:exception|date|err\w*|fehler\w*|exit|return|status|stop|zip|post\w*|area|country|product\w*|reason|cost"
    r"|event|item|art\w*"
    r"|custom\w*|bar|model|part|kunden?|client|sku|result|response|qr|source|quell|http|currency|tariff|review"
    r"|discount"
    r"|voucher|promo|coupon|bł\w+d\w*|hata|chyb\w*|ошиб\w*|write|clean|morse|color|colour|bug|vs|dress|unit"
    r"|vendor|job|project"
    r"|office|support|reference|company|feature|failure|short|plan)[- ]?$"
)
_OF_A_THING_AFTER = re.compile(
    r"\s(?:po[sș]tal|client|erreur|d['’]erreur|de error|errore|di errore|poczt\w+|błędu|de erro|chyby|ошибки|barres"
    r"|produit|prodotto|producto|produto|articolo|artículo|artigo|article|artyku\w+|cliente|klienta"
    r"|review|base|size|is (?:in|on|at)|freeze|page)"
)
_KEY_NAMES: Final = "key|schlüssel|clé|clave|chiave|chave|klucz|klíč|ключ|sleutel|nyckel|nøgle|nøkkel|avain|kulcs|cheia"
_KEY_WORD = rf"(?<![^\W_])(?:{_KEY_NAMES})(?![^\W_])"
_NETWORK_KEY = re.compile(rf"[^\n]{{0,48}}?\n?{_KEY_WORD}")
"""The word for a key after one for a network, as in "ssid Acme and key x"."""
_KEY_OF_A_NETWORK = re.compile(
    rf"(?<![^\W_])(?:\w{{0,12}}(?:codes?|kod|koden|kode)|código|codice|kodu|kód|код|{_KEY_NAMES})"
    r"(?: [^\W\d_]{1,8}){1,3}[ -]?$"
)
"""Before a word for a network: "the code for the guest" (wifi)."""
_IS_TOLD = re.compile(
    r"\s?[:=(]|\s(?:is|was|ist|war|lautet|est|était|es|era|è|é|to|jest|je|byl|är|er|var|on|це|это|был)\s|\s\S{0,40}\d"
)
_KEY_BEFORE_SSID = re.compile(rf"{_KEY_WORD}(?=\s?[:=]\s?\S{{6,64}}?[\s,;/|]{{1,3}}$)")
_OF_A_NETWORK = re.compile(r"wi-?fi|wlan|wpa|wep|hotspot")
_ANSWER = re.compile(
    r"[^\n]{0,100}?\n?(?<![^\W_])(?P<answer>answer|antwort|réponse|respuesta|risposta|resposta|antwoord|odpowiedź|odpověď"
    r"|odpoveď|ответ|svar|cevap)(?![^\W_])"
)
_NETWORKS: Final = frozenset({"wlan", "wifi", "wi-fi"})
_BACK: Final = 20
INFLECTED: Final = frozenset(
    "jelszót jelszavát jelszavamat parolayı parolamı"
    " паролю пароля паролем пароле паролей паролям şifreyi şifremi şifrenizi sifremi kodu".split()
)
"""Objects of a sentence, after which no password stands without a word between."""

_LETS_THROUGH = re.compile(r"[- ]thr(?:ough|u)(?![^\W_])")
_SHORT_WORD: Final = 5
_LONGEST_LIST: Final = 56
_DIGIT_BEFORE: Final = 40
_DIGIT_AFTER: Final = 110


def cues(scan: Scan) -> list[Cue]:
    """The words for a password or a code in the text, in their order."""
    found, others = [], []
    for at, match in labels(scan):
        if match:
            if _is_whole(scan, at, match.end()):
                found.append(_of_label(scan, match))
        else:
            others.append(at)
    groups = scan.groups
    if others or "ssid" in groups:
        found += _of_networks(scan, others)
    if "code" in groups:
        found += _of_codes(scan)
    if "question" in groups or "secret word" in groups:
        found += _of_questions(scan)
    if "ssid" in groups:
        found += _networks(scan, [cue.start for cue in found])
    found.sort(key=_by_place)
    return [cue for at, cue in enumerate(found) if not at or cue.start >= found[at - 1].end]


_DIVIDES: Final = frozenset(",;:/|")
_ACCOUNTS_AFTER: Final = (" admin", " root", " user")
_OF_ACCOUNT = re.compile(r" (?:admin\w*|root|user)(?= (?=\S*[\d!#$%^*~_.-])\S)")
_ITALIAN = re.compile(r"(?<![^\W_])(?:la|una|della|alla|sua|mia|tua|nuova|vecchia)\s$")
_IN_A_LIST = re.compile(
    r"(?:ssid|wlan|wi-?fi|hotspot|netwo?[er]r?k|netz|nät|net|nett|réseau|rete|red|rede|sieć)(?![^\W_])"
    r"[^\n]{0,40}[,;:/|]\s?$"
)
"""A network before the word for its password: "wifi guests: ACME, password x"."""


def _of_label(scan: Scan, label: re.Match[str]) -> Cue:
    (start, end), word, text = label.span(), label[0], scan.lower
    language = _language(word)
    last = text[start - 2 : start].strip() if start > 1 else ""
    if last in _DIVIDES and _IN_A_LIST.search(text, max(start - _LONGEST_LIST, 0), start):
        language = "network"
    elif last == "a" and word == "password" and _ITALIAN.search(text, max(start - _BACK, 0), start):
        language = "it"
    if text.startswith(_ACCOUNTS_AFTER, end) and (account := _OF_ACCOUNT.match(text, end)):
        end = account.end()
    return Cue(start, end, word.endswith(("code", "codes")), word in _WEAK, language)


_OF_NETWORKS: Final = ("w", "ssid", "n", "h")


def _of_networks(scan: Scan, places: Sequence[int]) -> Iterator[Cue]:
    """Keys of networks; *places* are those of words such as "network", which `LABEL` alone does not know."""
    for at in (*places, *(at for at, _ in scan.hits("ssid"))):
        if scan.lower.startswith(_OF_NETWORKS, at) and (match := _NETWORK_KEY.match(scan.lower, at)):
            start = max(match[0].rfind(" "), match[0].rfind("\n")) + 1
            yield Cue(at + start, match.end(), False, False, "network")
    for at, word in scan.hits("ssid"):
        form = _KEY_BEFORE_SSID if word == "ssid" else _KEY_OF_A_NETWORK
        match = form.search(scan.lower, max(at - _DIGIT_BEFORE, 0), at)
        if match and word == "ssid":
            yield Cue(match.start(), match.end(), False, False, "network")
        elif match and word in _NETWORKS and _IS_TOLD.match(scan.lower, at + len(word)):
            yield Cue(match.start(), at + len(word), False, False, "network")


def _of_questions(scan: Scan) -> Iterator[Cue]:
    """The word for the answer to a security question, and words that ask for a word: "maiden name", "codeword"."""
    for at, word in scan.hits("question"):
        if match := _ANSWER.match(scan.lower, at + len(word)):
            yield Cue(*match.span("answer"), is_code=False, is_weak=False, language="")
    for at, word in scan.hits("secret word"):
        yield Cue(at, at + len(word), is_code=False, is_weak=False, language="")


def _networks(scan: Scan, starts: Sequence[int]) -> Iterator[Cue]:
    """A network itself, where no word for its key stands: "WLAN Gäste: x", "the wifi? - it's x"."""
    for at, word in scan.hits("ssid"):
        end = at + len(word)
        is_one = word in _NETWORKS and scan.has_digit(end, end + _DIGIT_AFTER) and _is_whole(scan, at, end)
        if is_one and not any(-_DIGIT_BEFORE < start - at < _DIGIT_AFTER for start in starts):
            yield Cue(at, end, is_code=False, is_weak=True, language="network")


def _by_place(cue: Cue) -> tuple[int, int]:
    return cue.start, -cue.end


def _is_whole(scan: Scan, start: int, end: int) -> bool:
    """Whether the word ends where it should: no "passwordCleartext", and no "pw" within a password."""
    before, after = scan.lower[max(start - 1, 0) : start], scan.lower[end : end + 1]
    if scan.text[end : end + 1] in {".", "?", "/"} and scan.text[end + 1 : end + 2].isalnum():
        return False  # resetpassword.xhtml
    if scan.lower[start:end] == "pass" and _LETS_THROUGH.match(scan.lower, end):
        return False  # VPN pass-through
    if before == after == ":":
        return False  # :password of a translation, :code:`x` of reST
    if "\ufffd" in scan.text[max(start - 1, 0) : end + 1]:
        return False
    if before == "=" and end - start < _SHORT_WORD:
        return False  # spf=pass
    is_within = before and before in "0123456789!#$@" and end - start < _SHORT_WORD
    is_thai = "\u0e00" <= scan.lower[end - 1] <= "\u0eff"  # which has no blanks between words either
    return not is_within and not (after.isalnum() and max(after, scan.lower[end - 1]) < "\u3000" and not is_thai)


def _language(word: str) -> str:
    if word in INFLECTED:
        return ""
    if _OF_A_NETWORK.search(word):
        return "network"
    return _LANGUAGES.get(word[:8]) or _LANGUAGES.get(word[:7]) or _LANGUAGES.get(word[:3], "")


class _Locks(NamedTuple):
    before: re.Pattern[str]
    """What has a lock, before the word for its code: "bariyer kodu", "Haustürcode"."""
    after: re.Pattern[str]
    """The same after it: "code alarme", "kód k alarmu"."""
    others: re.Pattern[str]
    """What else has one, where a code was told: "door code 2407, the alarm 8815"."""


_COMPOUNDING: Final = "de nl sv da no fi hu et".split()
_AS_PART: Final = 4
_NUMBERED: Final = frozenset("room raum local panel rack box drawer locker port garage".split())
"""What a number may name as well: "room 2041"."""


@cache
def _locks() -> _Locks:
    words, parts = (
        "|".join(map(re.escape, WORDS["lock"])),
        "|".join(
            re.escape(word)
            for language in _COMPOUNDING
            for word in BY_LANGUAGE["lock"][language]
            if (len(word) >= _AS_PART or not word.isascii()) and word not in _NUMBERED
        ),
    )
    alone = "|".join(re.escape(word) for word in WORDS["lock"] if word not in _NUMBERED)
    return _Locks(
        re.compile(rf"(?:(?<![^\W_])(?:{words})(?:\w{{0,4}}\W{{1,3}})?|(?:{parts})[^\W\d_]{{0,14}}\W{{0,3}})$"),
        re.compile(rf"(?: [^\W\d_]{{1,5}}){{0,2}} (?:d['’]|dell['’]|l['’])?(?:{words})\w{{0,8}}"),
        re.compile(rf"(?<![^\W_])(?:{alone})[^\W\d_]{{0,8}}"),
    )


def _of_codes(scan: Scan) -> Iterator[Cue]:
    read = 0
    for at, _ in scan.hits("code"):
        if not scan.has_digit(at - _DIGIT_BEFORE, at + _DIGIT_AFTER):
            continue
        cue, is_of_lock = _code(scan, at)
        if cue:
            yield cue
        if cue and is_of_lock and cue.end > read:
            end = scan.text.find("\n", cue.end)
            read = end if end > 0 else len(scan.text)
            for other in _locks().others.finditer(scan.lower, cue.end, read):
                yield Cue(*other.span(), is_code=True, is_weak=False, language="")


def _code(scan: Scan, at: int) -> tuple[Cue | None, bool]:
    """The word for a code at *at*, and whether the code is one of a lock."""
    own = _OF_ITS_OWN.match(scan.lower, at)
    if (match := own or _OF_ANY.match(scan.lower, at)) is None:
        return None, False
    start = max(at - _BACK, 0)
    of_lock = bool(_locks().before.search(scan.lower, start, at))
    says_what = of_lock or _SAYS_WHAT_BEFORE.search(scan.lower, start, at)
    if (not says_what and _is_joined(scan, at)) or scan.lower.startswith(":code:", at - 1):
        return None, False
    if own:
        cue = Cue(at, match.end(), is_code=True, is_weak=False, language=_language(match[0]))
        return (cue if _is_meant(scan, match) else None), own["safe"] is not None
    is_of_thing = not says_what and _OF_A_THING.search(scan.lower, start, at)
    lock = None if is_of_thing else _locks().after.match(scan.lower, match.end())
    after = lock or (None if is_of_thing else _SAYS_WHAT_AFTER.match(scan.lower, match.end()))
    is_weak = not (says_what or after)
    if is_weak and (match[0] == "nummer" or is_of_thing or _OF_A_THING_AFTER.match(scan.lower, match.end())):
        return None, False
    end = (after or match).end()
    return Cue(at, end, is_code=True, is_weak=is_weak, language=_language(match[0])), of_lock or lock is not None


def _is_meant(scan: Scan, match: re.Match[str]) -> bool:
    """Whether a word that is also another one stands for a code: "TAN" and "TAP", but not "tap"; a guest's voucher."""
    if match[0] in _IN_CAPITALS:
        return scan.text[match.start() : match.end()].isupper()
    if match[0] == "pin" and _NUMBER_BEFORE.search(scan.text, max(match.start() - 2, 0), match.start()):
        return False  # a plug of 24 pins
    is_voucher = match[0].startswith("voucher")
    return not is_voucher or bool(
        _GUEST.search(scan.lower, max(match.start() - _GUEST_NEAR, 0), match.end() + _GUEST_NEAR)
    )


def _is_joined(scan: Scan, at: int) -> bool:
    """Whether what begins at *at* is the end of another word; "Digicode" and "SuperPIN" are words for a code."""
    before = scan.text[at - 1 : at]
    is_compound = scan.text[at : at + 3] == "PIN" and before.islower()
    return before.isalnum() and before < "\u3000" and not is_compound and scan.lower[at - 4 : at] != "digi"
