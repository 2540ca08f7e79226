"""Passwords: after a word for one (`password: x`), in a sentence, in a pair with a user's name, or in a URL.

After a colon or an equals sign nearly anything is a password. In a sentence only what looks like one is, since what
follows the word is mostly about passwords (expired, falsch, oublié).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.core.detect.finding import IS, QUOTES, Finding, Secret
from app.core.detect.password_values import (
    HAS_ALL_SIGNS,
    LOOKS_LIKE_ONE,
    QUOTED,
    is_said,
    is_stated,
    of_word,
    value_of,
)
from app.core.detect.password_words import ADJECTIVE, CHANGED, FOR, LABEL, OF_WHAT, OF_WIFI, STILL
from app.core.detect.scan import Scan

_AROUND = rf"[{QUOTES}*]{{0,2}}"
_STATED = re.compile(
    # password: x   pwd=x   "password": "x"   Passwort für VPN: x   mot de passe (nouveau) : x
    rf"(?:_?\d)?{_AROUND}\]?{ADJECTIVE}{{0,2}}(?:\s+(?:wi-?fi|wlan)\s[\w-]{{2,20}}|{OF_WHAT}){FOR}{CHANGED}?"
    rf"(?:\s+{IS})?\s*"
    rf"(?:(?<=['\"])\s*,(?=\s*['\"])|(?P<equals>:=|=>|==?|＝)|->|-->|→|⇒|[:：]|[–—-](?=\s*[{QUOTES}])"
    rf"|(?P<dash>\s[–—-]\s)|\sreg_sz\s)\s*(?!//)"
    rf"(?:(?:alt|old|ancien|vieja):?\s+)?(?P<value>{QUOTED}|[^\s\"'`]\S{{0,127}})"
)
_ATTRIBUTE = re.compile(
    # name="password" value="x"   "name": "password", "value": "x"   name: DB_PASSWORD⏎ value: x   <Password><Value>x<
    r"\d?[\"']?\s*(?:,\s*|/?>\s*|\n\s*|\s)(?:[\w-]{1,20}=[\"'][^\"'\n]{0,40}[\"']\s+)?"
    r"(?:<|[\"'])?value[\"']?\s*[=:>]\s*(?:\"(?P<double>[^\"\n]{1,128})\"|'(?P<single>[^'\n]{1,128})'"
    r"|(?P<bare>[^\s<>\"']{2,128}))"
)
_ELEMENT = re.compile(r"\w{0,20}>(?P<value>[^<\n]{1,128})</")
_SAID = re.compile(
    # password is x   Passwort lautet x   set the password to x   la contraseña es x   password x
    rf"(?P<around>{_AROUND}){ADJECTIVE}{{0,2}}{OF_WHAT}{FOR}{CHANGED}?"
    r"(?:\s+(?:temporarily|currently|now|jetzt|aktuell|maintenant|ahora))?"
    rf"(?P<verb>\s+{IS}|\s*(?:是|为|為|は))(?:\s+(?:{STILL}))?(?:\s+|(?<=[是为為は]))"
    rf"(?:\((?=[{QUOTES}]))?(?P<value>{QUOTED}|[^\s\"'`(\[]\S{{1,127}}|\([^\s)]{{1,127}}\))"
)
_BESIDE = re.compile(
    # password x   password (x)   contraseña temporal x
    rf"(?P<around>{_AROUND}){ADJECTIVE}{{0,2}}{OF_WIFI}(?P<set>{CHANGED})?(?:\s*\([^)\n]{{1,30}}\))??(?:\s+|"
    rf"(?<=[码碼令ド了为為]))"
    rf"(?:\((?=[{QUOTES}]))?(?P<value>{QUOTED}|[^\s\"'`(\[]\S{{1,127}}|\([^\s)]{{1,127}}\))"
)
_SET_TO = re.compile(
    # changed the password of jdoe to x
    rf"[^\n.:]{{0,40}}?(?P<set>\s(?:to|auf|en|à|a|na|para|in|naar|на))\s+(?P<value>{QUOTED}|\S{{1,127}})"
)
_CHANGES = re.compile(
    r"(?:chang|reset|\bset|updat|gesetzt|geändert|zurückgesetzt|setze|mis\b|cambi|pus[eo]|impost|alter|mud(?:ei|ou)"
    r"|zmieni|změni|смени|измени|gewijzigd)\w*"
)
_FROM_TO = re.compile(
    # changed the password (yesterday) from x to y
    r"[^\n.:;]{0,30}?\s(?:from|von|de|da|dal|z|ze|van|с)\s+(?P<value>\S{4,60})"
    r"(?P<set>\s(?:to|auf|à|a|em|para|na|naar|на))\s+(?P<second>\S{4,60})"
)
_BEFORE_AS = re.compile(
    r"(?:^|\s)(?P<value>\S{4,40})\s+(?:as|als|comme|como|come|jako|как|is|was|ist|war|est|es|è|é|jest|je"
    r"|это)\s+(?:(?:the|my|his|her"
    r"|your|our|a|mein\w{0,2}|das|mon|son|le|su|mi|tu|il|la|a|sua|minha|moje|mé|мой)\s)?(?:[\w-]{2,12}\s)?$"
)
_TYPED = re.compile(
    # typed x into the password field
    r"(?:typed?|typing|enter(?:ed|s)?|put|eingegeben|tippte?|tapé|saisi|escribí|puse|inserito|digitei|wpisał[ae]?m?)\s+"
    r"(?P<value>\S{4,40})\s+(?:into|in|ins|as|dans|en|nel|no|w)\s(?:\w{1,5}\s)?$"
)
_ARE = re.compile(r"\s+(?:are|sind|sont|son|sono|são)\s+\S{2,40}\s+(?:and|und|et|y|e|/)\s+(?P<value>\S{1,127})")
_AND_NOW = re.compile(
    # … is x and is now y
    r"[\s.,;]{1,3}(?:(?:and|und|et|y|e|then|neu|new|nouveau|nueva|now|jetzt|is|ist|or|oder|ou|o|->"
    r"|→)\s*:?\s+){1,4}(?P<value>[^\s=:]{1,127})"
)
_USER_AND_VALUE = r"(?P<user>[\w.@\\-]{2,40})\s*(?:/|:|\||,)\s*(?P<value>[^\s/|]\S{0,127})"
_PAIR_WORD = re.compile(
    # credentials: jdoe / x    login admin:x    Zugangsdaten: admin / x
    r"(?<!\w)(?:credentials?|creds|log-?ins?|user(?:name)?\s?[/&]\s?pass(?:word)?|un/pw|user/pw|zugangsdaten"
    r"|anmeldedaten"
    r"|logindaten|benutzer/passwort|identifiants?|accès|acceso|credenciales|usuario/contraseña|usuario y contraseña"
    r"|credenziali|credenciais|dane (?:logowania|dostępowe)|giriş bilgileri|přihlašovací údaje|уч[её]тные данные"
    r"|логин/пароль|inlog(?:gegevens)?)(?!\w)"
)
_PAIR_STATED = re.compile(rf"[^\n:=]{{0,40}}?\s*[:=]\s*{_USER_AND_VALUE}")
_PAIR_BESIDE = re.compile(rf"[^\n:=]{{0,25}}?\s*-?\s+{_USER_AND_VALUE}")
_PAIR_BEFORE = re.compile(r"(?<!\S)[\w.@\\-]{2,40}\s?/\s?(?P<value>\S{4,40})\s+\(?$")
_SSID = re.compile(
    r"(?:ssid|wlan|wi-?fi)\W{1,3}[\w. -]{1,32}[,;/|]\s*(?:key|schlüssel|clé|clave|chiave|chave|klucz|klíč"
    r"|ключ)\W{1,3}(?P<value>[^\s,;]{6,64})"
)
_PASSPHRASE = re.compile(
    r"(?:pass[-_ ]?phrase|phrase de passe|recovery phrase|seed phrase|mnemonic)(?:\s(?:for"
    r"|pour)(?: \w+){1,4}?)?\s*(?:(?:is|est)\s?[:=]?|[:=])\s*(?P<value>[^\W\d_]+(?:[ -][^\W\d_]+){2,23})(?![\w-])"
)
_APP_PASSWORD = re.compile(
    r"app(?:lication)?[- ](?:specific )?password\W{1,3}(?:is )?(?P<value>(?:[a-z]{4} ){3}[a-z]{4}(?![\w]))"
)
_ONLY_STATED: Final = frozenset({"pass", "ww"})
"""Short for a password, and words of other senses."""
_CONNECTOR = re.compile(r"[:=：＝>→⇒]|[–—-](?=[\s\"'“„‘«])|reg_sz|value")
_LONGEST_TAIL: Final = 80
_IN_URL = re.compile(r"://[^\s:/@]{0,64}:(?P<value>[^\s/]{1,128})@(?=[\w\[])")

_ASKS_FOR_A_PAIR = re.compile(
    r"(?:user(?:name)?|login|un|benutzer(?:name)?|usuario|utente|utilisateur|usuário|użytkownik|uživatel|kullanıcı"
    r"|логин)(?:\s?[/&]\s?|\s(?:and|und|et|y|e|i|a|и|ve)\s)$"
)
_JOINTS: Final = ("/", "& ", "/ ", *(f" {each} " for each in ("and", "und", "et", "y", "e", "i", "a", "и", "ve")))
_LOOK_BACK: Final = 64
_LONGEST_SENTENCE: Final = 64
_ENDS_A_SENTENCE = re.compile(r"[.!?]\s|\n")
_WITH_A_DIGIT = re.compile(r"(?<!\S)[^\s\d]{0,40}[0-9]\S{0,60}")

ANCHORS: Final = {
    "password": (
        "pass|access pass|access-pass|credential|code wi|codice wi|código wi|kod wi|kód wi|код wi|code du wi|"
        "código de wi|codice del wi|pasw|paßw|kennw|contrase|palavra|parola|wachtw|lösenord|losenord|adgangsk|"
        "jelsz|salasana|secret word|"
        "security answer|requirep|wpa|psk|preshared|pre-shared|community|networkkey|keycontent|network |wifi|wi-fi|"
        "wlan|hotspot|clé|clave|chiave|chave|klucz|klíč|ключ|pw|psw|pswd|mdp|mots de|mot de|phrase de|ww|senha|hasł|"
        "hasl|şifre|sifre|hesl|парол|密码|密碼|口令|パスワード|비밀번호|סיסמ|كلمة المرور|κωδικός"
    ).split("|"),
    "pair": (
        "cred|login|log-in|user|un/pw|zugangs|anmelded|benutzer/|identifiant|accès|acceso|usuario|dane |giriş bilgi|"
        "přihlašovací ú|учётные|учетные|логин/|inlog"
    ).split("|"),
    "ssid": "ssid|wlan|wifi|wi-fi".split("|"),
    "phrase": (
        "passphrase|pass phrase|pass-phrase|phrase de|recovery phrase|seed phrase|mnemonic|app pass|app-pass|"
        "application pass|application-specific"
    ).split("|"),
    "told": "set it to |changed it to |changed them to |set them to ".split("|"),
    "url": ("://",),
}


def passwords(scan: Scan) -> Iterator[Finding]:
    for group, pattern in (("url", _IN_URL), ("phrase", _PASSPHRASE), ("phrase", _APP_PASSWORD), ("ssid", _SSID)):
        for at, _ in scan.hits(group):
            if match := pattern.match(scan.lower, at):
                yield Finding(*match.span("value"), Secret.PASSWORD)
    for at, _ in scan.hits("pair"):
        if word := _PAIR_WORD.match(scan.lower, at):
            yield from _pair(scan, at, word.end())
    for at, _ in scan.hits("password"):
        if label := LABEL.match(scan.lower, at):
            yield from _at_label(scan, label)
    if scan.hits("password"):
        yield from _told(scan)


def _told(scan: Scan) -> Iterator[Finding]:
    """Where the word is in another sentence: "I reset it to x"."""
    for at, _ in scan.hits("told"):
        for match in _WITH_A_DIGIT.finditer(scan.text, at, at + _LONGEST_SENTENCE):
            if found := of_word(match, LOOKS_LIKE_ONE):
                yield found
            break


def _pair(scan: Scan, start: int, end: int) -> Iterator[Finding]:
    """The password beside a user's name, before or after the words *start* to *end* that announce both."""
    after = _PAIR_STATED.match(scan.lower, end) or _PAIR_BESIDE.match(scan.lower, end)
    before = _PAIR_BEFORE.search(scan.lower, max(start - _LOOK_BACK, 0), start)
    for match in (after, before):
        if match and is_said(match, scan, found := value_of(match, scan)):
            yield found
            return


def _at_label(scan: Scan, label: re.Match[str]) -> Iterator[Finding]:
    """The passwords that the word *label* gives away."""
    before = scan.lower[max(label.start() - 24, 0) : label.start()]
    if before.endswith(_JOINTS) and (pair := _ASKS_FOR_A_PAIR.search(before)):
        found = [*_pair(scan, label.start() - len(before) + pair.start(), label.end())]
        if found or "/" in pair[0]:
            yield from found
            return
    if changed := [*_from_to(scan, label)]:
        yield from changed
        return
    first = _stated(scan, label) or _said(scan, label) or _before(scan, label) or _near(scan, label)
    if first:
        yield first
        match = _AND_NOW.match(scan.lower, first.end)
        if match and is_said(match, scan, second := value_of(match, scan)):
            yield second
        elif scan.has_digit(label.start() - _LOOK_BACK, label.start()) and (old := _before_by_form(scan, label)):
            yield old  # the old one was x, the new password is y


def _from_to(scan: Scan, label: re.Match[str]) -> Iterator[Finding]:
    """Both passwords of a change, if both are ones."""
    match = _FROM_TO.match(scan.lower, label.end())
    if match is None or not _CHANGES.search(scan.lower, max(label.start() - 40, 0), match.start("value")):
        return
    found = [value_of(match, scan), value_of(match, scan, group="second")]
    if all(is_said(match, scan, each) and any(map(str.isdigit, scan.text[each.start : each.end])) for each in found):
        yield from found


def _stated(scan: Scan, label: re.Match[str]) -> Finding | None:
    if not _CONNECTOR.search(scan.lower, label.end(), label.end() + _LONGEST_TAIL):
        return None
    for pattern in (_ATTRIBUTE, _ELEMENT):
        if match := pattern.match(scan.lower, label.end()):
            found = Finding(*match.span(match.lastgroup or "value"), Secret.PASSWORD)
            if is_stated(scan.text[found.start : found.end], scan, found, equals=True):
                return found
    if (match := _STATED.match(scan.lower, label.end())) is None:
        return None
    found = value_of(match, scan, ends_at_semicolon=bool(match["equals"]))
    equals = bool(match["equals"]) and match.end("equals") == match.start("value")
    is_one = is_stated(scan.text[found.start : found.end], scan, found, equals=equals, dashes=bool(match["dash"]))
    return found if is_one else None


def _said(scan: Scan, label: re.Match[str]) -> Finding | None:
    if label[0] in _ONLY_STATED:
        return None
    for pattern in (_ARE, _SAID, _BESIDE, _SET_TO):
        match = pattern.match(scan.lower, label.end())
        if match is None or (
            pattern is _SET_TO and not _CHANGES.search(scan.lower, max(label.start() - 40, 0), match.start("value"))
        ):
            continue
        if is_said(match, scan, found := value_of(match, scan)):
            return found
        if pattern is _ARE:
            return None
    return None


def _before(scan: Scan, label: re.Match[str]) -> Finding | None:
    """A password before the word: "with x as password", "login with jdoe and x fails, the password is right"."""
    if not scan.has_digit(label.start() - _LOOK_BACK, label.start()):
        return None
    match = _BEFORE_AS.search(scan.lower, max(label.start() - _LOOK_BACK, 0), label.start())
    if match is None:
        match = _TYPED.search(scan.lower, max(label.start() - _LOOK_BACK, 0), label.start())
    if match and is_said(match, scan, found := value_of(match, scan)):
        return found
    return _before_by_form(scan, label)


def _before_by_form(scan: Scan, label: re.Match[str]) -> Finding | None:
    start = max(label.start() - _LONGEST_SENTENCE, 0)
    for match in _WITH_A_DIGIT.finditer(scan.text, start, label.start()):
        is_whole = match.start() > start or start == 0
        if is_whole and (found_word := of_word(match, HAS_ALL_SIGNS)):
            return found_word
    return None


def _near(scan: Scan, label: re.Match[str]) -> Finding | None:
    """What looks like a password and like nothing else in the same sentence: "temp password of x"."""
    if not scan.has_digit(label.end(), label.end() + _LONGEST_SENTENCE):
        return None
    stop = _ENDS_A_SENTENCE.search(scan.text, label.end(), label.end() + _LONGEST_SENTENCE)
    end = stop.start() + 1 if stop else label.end() + _LONGEST_SENTENCE
    for match in _WITH_A_DIGIT.finditer(scan.text, label.end(), end):
        if found := of_word(match, LOOKS_LIKE_ONE):
            return found
    return None
