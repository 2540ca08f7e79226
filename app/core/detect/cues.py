"""The words after or before which a password or a code may stand: "password", "Kennwort", "PIN", "code for the alarm".

Of words with a length of eight letters and more also their misspellings of one letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

from app.core.detect.hints import WORDS
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


ANCHORS: Final = {
    "code": (
        "voucher|tap|code|pin|puk|otp|tan|kombi|"
        "combinazione|combinación|combinaison|combinatie|"
        "pass code|códig|codig|codice|kod|kód|код|コード|пин|combination|host key"
        "|host-key|2fa backup|mfa backup|nummer"
        "|验证码|驗證碼|动态码|koodi"
    ).split("|"),
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
"""Of `passwords` it reads the places too; the second halves of words for a password are those of misspelt ones."""

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
)
_OF_ANY = re.compile(
    r"(?:codes?|códigos?|codigos?|codice|kod[eyu]?|koden|koodi|kodu\w{0,3}|kód|код|コード|nummer|combin(?:ation|azione|ación|aison|atie)"
    r"|kombi(?:nation)?)(?![^\W_])|コード"
)
_IN_CAPITALS: Final = frozenset({"tan", "tap"})
_GUEST = re.compile(
    r"guest|visitor|gast|gäst|invit|ospit|convidado|visitante|goś|гост|misafir|wi-?fi|wlan|hotspot|unifi"
)
"""What makes a voucher one for a guest's network, and no code for a discount."""
_GUEST_NEAR: Final = 32
_KIND = (
    r"(?:de récupération|de secours|de recuperación|de respaldo|di recupero|sblocco|de recuperação"
    r"|odzyskiwania|zapasowy"
    r"|de vérification|de sécurité|d['’]accès|confidentiel|secret|de confirmation|du portail|de la porte"
    r"|de l['’]alarme|d['’]alarme|de verificación|de seguridad|de acceso|de confirmación|de (?:la )?alarma|de "
    r"desbloqueo|de déblocage|de déverrouillage|de desbloqueio|odblokowania|de la puerta"
    r"|di verifica|di sicurezza|di accesso|di conferma|di sblocco|dell['’]allarme"
    r"|de acesso|de verificação|de segurança|de confirmação|do alarme|da porta"
    r"|weryfikacyjny|dostępu|bezpieczeństwa|autoryzacyjny|do alarmu|do bramy|do drzwi|jednorazowy"
    r"|подтверждения|доступа|безопасности|из смс|от двери|от сигнализации)"
)
_SAYS_WHAT_BEFORE = re.compile(
    r"(?<![^\W_])(?:mfa|2fa|sms|totp|otp|verification|security|one[- ]time|door|access|unlock|backup|entry|alarm|safe"
    r"|installateurs"
    r"|(?:alarm )?panel|master|installer|disarm|engineer|duress|panic"
    r"|gate|yard|keypad|garage|building|locker|vault|elevator|lift|bridge"
    r"|confirmation|pairing|activation|setup|registration|invit(?:e|ation)|login|authori[sz]ation|lock|recovery|reset|auth(?:entication)?|passkey|einmal|zugangs|tür|tor|bestätigungs"
    r"|dörr|dør|port|kapi|dogrulama|guvenlik|giris|overovaci|pristupovy|bezpecnostni|ovi|hälytys|larm|tresor"
    r"|sicherheits|entsperr|freischalt|wiederherstellungs|notfall|kopierer|abteilungs|drucker|herstel|återställnings|verificatie|toegangs|beveiligings|doğrulama|onay|güvenlik|giriş|kapı"
    r"|ověřovací|přístupový|bezpečnostní|potvrzovací)[- ]?(?:master )?$"
    r"|(?<![^\W_])(?:alarm|tür|tor|tresor|safe|door|alarme|porte|puerta|allarme)\w{0,8}\W{1,3}$"
)
_SAYS_WHAT_AFTER = re.compile(
    rf" (?:pin|puk|otp|{_KIND})|(?= (?:for the|to the|zum|zur|für die|für den) (?:yard|door|gate|safe|garage"
    rf"|building|alarm|lift|tür|tor|tresor))"
    r"|(?: \w{1,3})? (?:drzwi|bramy|dve[řr][íi]m?|двери|домофона|смс|sms)"
)
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
    r"\s(?:postal|client|erreur|d['’]erreur|de error|errore|di errore|poczt\w+|błędu|de erro|chyby|ошибки|barres"
    r"|produit"
    r"|review|base|size|is (?:in|on|at)|freeze|page)"
)
_KEY_WORD = (
    r"(?<![^\W_])(?:key|schlüssel|clé|clave|chiave|chave|klucz|klíč|ключ|sleutel|nyckel|nøgle|nøkkel|avain|kulcs|cheia)"
    r"(?![^\W_])"
)
_NETWORK_KEY = re.compile(rf"[^\n]{{0,48}}?\n?{_KEY_WORD}")
"""The word for a key after one for a network, as in "ssid Acme and key x"."""
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
_DIGIT_BEFORE: Final = 40
_DIGIT_AFTER: Final = 110


def cues(scan: Scan) -> list[Cue]:
    """The words for a password or a code in the text, in their order."""
    found, others = [], []
    for at, match in labels(scan):
        if match:
            if _is_whole(scan, at, match.end()):
                found.append(
                    Cue(at, match.end(), match[0].endswith(("code", "codes")), match[0] in _WEAK, _language(match[0]))
                )
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


def _of_networks(scan: Scan, places: Sequence[int]) -> Iterator[Cue]:
    """Keys of networks; *places* are those of words such as "network", which `LABEL` alone does not know."""
    for at in (*places, *(at for at, _ in scan.hits("ssid"))):
        if scan.lower[at] in "wsnh" and (match := _NETWORK_KEY.match(scan.lower, at)):
            start = max(match[0].rfind(" "), match[0].rfind("\n")) + 1
            yield Cue(at + start, match.end(), False, False, "network")
    for at, word in scan.hits("ssid"):
        match = _KEY_BEFORE_SSID.search(scan.lower, max(at - _DIGIT_BEFORE, 0), at) if word == "ssid" else None
        if match:
            yield Cue(match.start(), match.end(), False, False, "network")


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
    return not is_within and not (after.isalnum() and max(after, scan.lower[end - 1]) < "\u3000")


def _language(word: str) -> str:
    if word in INFLECTED:
        return ""
    if _OF_A_NETWORK.search(word):
        return "network"
    return _LANGUAGES.get(word[:8]) or _LANGUAGES.get(word[:7]) or _LANGUAGES.get(word[:3], "")


@cache
def _locks() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What has a lock, before the word for its code and after it: "bariyer kodu", "code alarme", "kód k alarmu"."""
    words = "|".join(map(re.escape, WORDS["lock"]))
    return (
        re.compile(rf"(?<![^\W_])(?:{words})\w{{0,4}} $"),
        re.compile(rf"(?: [^\W\d_]{{1,5}}){{0,2}} (?:d['’]|dell['’]|l['’])?(?:{words})\w{{0,8}}"),
    )


def _of_codes(scan: Scan) -> Iterator[Cue]:
    for at, _ in scan.hits("code"):
        if not scan.has_digit(at - _DIGIT_BEFORE, at + _DIGIT_AFTER):
            continue
        says_what = _SAYS_WHAT_BEFORE.search(scan.lower, max(at - _BACK, 0), at) or (
            scan.lower[at - 1 : at] == " " and _locks()[0].search(scan.lower, max(at - _BACK, 0), at)
        )
        if (not says_what and _is_joined(scan, at)) or scan.lower.startswith(":code:", at - 1):
            continue
        if match := _OF_ITS_OWN.match(scan.lower, at):
            if _is_meant(scan, match):
                yield Cue(at, match.end(), True, False, _language(match[0]))
        elif match := _OF_ANY.match(scan.lower, at):
            after = _SAYS_WHAT_AFTER.match(scan.lower, match.end()) or _locks()[1].match(scan.lower, match.end())
            if says_what or (after and not _OF_A_THING.search(scan.lower, max(at - _BACK, 0), at)):
                yield Cue(at, after.end() if after else match.end(), True, False, _language(match[0]))
            elif not (
                match[0] == "nummer"
                or _OF_A_THING.search(scan.lower, max(at - _BACK, 0), at)
                or _OF_A_THING_AFTER.match(scan.lower, match.end())
            ):
                yield Cue(at, match.end(), True, True, _language(match[0]))


def _is_meant(scan: Scan, match: re.Match[str]) -> bool:
    """Whether a word that is also another one stands for a code: "TAN" and "TAP", but not "tap"; a guest's voucher."""
    if match[0] in _IN_CAPITALS:
        return scan.text[match.start() : match.end()].isupper()
    is_voucher = match[0].startswith("voucher")
    return not is_voucher or bool(
        _GUEST.search(scan.lower, max(match.start() - _GUEST_NEAR, 0), match.end() + _GUEST_NEAR)
    )


def _is_joined(scan: Scan, at: int) -> bool:
    """Whether what begins at *at* is the end of another word; "Digicode" and "SuperPIN" are words for a code."""
    before = scan.text[at - 1 : at]
    is_compound = scan.text[at : at + 3] == "PIN" and before.islower()
    return before.isalnum() and before < "\u3000" and not is_compound and scan.lower[at - 4 : at] != "digi"
