"""Passwords and codes: after a label (`password: x`), in a sentence, in a command, or in a URL.

A word that describes a password (expired, falsch, oublié) is not taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.core.detect.finding import IS, QUOTES, Finding, Secret, found_value

_WORD = (
    r"(?:pass[-_ ]?words?|passwd|pass[-_ ]?phrases?|pass[-_ ]?codes?|pswd|pwd|pw|psk|pre-?shared[-_ ]?key|userpass"
    r"|dbpass"
    r"|passw[oö]rt(?:er)?|paßwort|kennw[oö]rt|initialpasswort|zugangscode|wlan-?(?:schlüssel|passwort|kennwort|key)"
    r"|mots? de passe|mdp|code secret|clé (?:wi-?fi|wlan|de sécurité)"
    r"|contrase(?:ñ|n)as?|clave(?: de acceso| wi-?fi| de la wi-?fi| del wi-?fi)?|wi-?fi[-_ ]?(?:key|pass)"
    r"|network (?:security )?key"
    r"|community(?:[- _]?string)?|snmp community|wachtwoord|senha)"
)
_QUOTED = (
    r"\"[^\"\n]{3,80}\"|'[^'\n]{3,80}'|`[^`\n]{3,80}`"
    # Mail programs change straight quotes to those of some language, so any of them may open or close.
    r"|[“”„‟«»″「『][^“”„‟«»″「」『』\n]{3,80}[“”„‟«»″」』]"
    r"|['‘’‚‛‹›](?:[^'‘’‚‛‹›\n]|(?<=\w)’(?=\w)){3,80}[‘’‛‹›](?!\w)"
)
_AROUND = rf"[{QUOTES}*]{{0,2}}"
_BEFORE = r"(?<![A-Za-z])(?:[A-Za-z0-9]{1,20}[_.-]){0,3}"
_FOR = (
    rf"(?:\s*\((?![{QUOTES}])[^)\n]{{1,30}}\)"
    r"|\s+(?:for|für|fuer|pour|para|of|von|vom|zum|des|der|de|du|del|on|am|im|sur|en|at)"
    r"\s+(?:[\w.@\\-]+\s?){1,4})?"
)
_ADJECTIVE = r"(?:\s+(?:provisoire|temporaire|initial|actuel|nouveau|temporal|provisional|inicial|actual|nuev[ao]))?"
_STATED = re.compile(
    # password: x   pwd=x   "password": "x"   Passwort für VPN: x   mot de passe (nouveau) : x
    rf"{_BEFORE}(?:{_WORD}|pass)\d?{_AROUND}{_ADJECTIVE}{_FOR}(?:\s+{IS})?\s*(?::=|=>|->|→|⇒|=|:"
    rf"|：|[–—-](?=\s*[{QUOTES}]))\s*(?!//)(?P<value>{_QUOTED}|[^\s\"'`]\S*)",
    re.IGNORECASE,
)
_SAID = re.compile(
    # password is x   Passwort lautet x   set the password to x   la contraseña es x   password x
    rf"{_BEFORE}{_WORD}(?P<around>{_AROUND}){_FOR}(?:\s+(?:has been |have been |was |were |wurde "
    rf"|habe ich |a été |ha sido |fue )?"
    rf"(?:set|reset|changed|gesetzt|geändert|zurückgesetzt|changé|réinitialisé|cambiad[ao]|restablecid[ao])?)?"
    rf"(?:\s+(?:temporarily|currently|now|jetzt|aktuell|maintenant|ahora))?"
    rf"(?P<verb>\s+{IS})?\s+(?:\((?=[{QUOTES}]))?(?P<value>{_QUOTED}|[^\s\"'`(\[]\S+)",
    re.IGNORECASE,
)
_SET_TO = re.compile(
    # changed the password of jdoe to x
    rf"{_WORD}[^\n.:]{{1,40}}?\s(?:to|auf|en|à|a)\s+(?P<value>{_QUOTED}|\S+)",
    re.IGNORECASE,
)
_PASSPHRASE = re.compile(
    r"(?:pass[-_ ]?phrase|recovery phrase|seed phrase)\s*(?:is|:|=)\s*(?P<value>[a-z]+(?:[ -][a-z]+){2,23})",
    re.IGNORECASE,
)
_PAIR = re.compile(
    # credentials: jdoe / x    login admin:x    Zugangsdaten: admin / x
    r"\b(?:credentials?|creds|log-?ins?|user(?:name)?\s?/\s?pass(?:word)?|user/pw|zugangsdaten|anmeldedaten"
    r"|logindaten|benutzer/passwort"
    r"|identifiants?|accès|acceso|credenciales|usuario/contraseña|usuario y contraseña)\b[^\n:=]{0,25}?\s*[:=]?\s+"
    r"(?P<user>[\w.@\\-]{2,40})\s*(?:/|:|\||,)\s*(?P<value>[^\s/|]\S*)",
    re.IGNORECASE,
)
_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:/@]{0,64}:(?P<value>[^\s/]{1,128})@(?=[\w\[])")
_COMMAND = re.compile(
    r"(?:(?:^|\s)(?:--?password|--?passwd|--?pass|-pw|--admin-pass)[ =]+|\bsshpass\s+-p\s*"
    r"|\bpsexec\S*\s.{0,80}?-p\s+|\bcurl\s.{0,80}?-u\s+[\w.@\\-]+:"
    r"|\bmysql(?:dump)?\s.{0,60}?-p(?=\S)|\bnet\s+user\s+[\w.-]+\s+(?!/)|\bnet\s+use\s.{0,80}?/user:\S+\s+(?!/)"
    r"|ConvertTo-SecureString\s+(?:-String\s+)?|/p:|/pass(?:word)?:|IDENTIFIED BY\s+)"
    rf"(?P<value>{_QUOTED}|[^\s\"'`-][^\s\"'`]{{2,}})",
    re.IGNORECASE,
)
_ELEMENT = re.compile(r"<(?P<tag>\w*(?:password|passwd|pwd)\w*)>(?P<value>[^<\n]{1,128})</", re.IGNORECASE)
_CODE = re.compile(
    r"\b(?:pin(?:[- ]?code)?|puk|otp|tan|(?:mfa|2fa|sms|totp|verification|security|one[- ]time|door|access|unlock"
    r"|backup|entry|alarm|einmal|zugangs|tür|"
    r"bestätigungs|sicherheits)[- ]?(?:code|pin|passcode)|code (?:pin|de vérification|de sécurité|d'accès)"
    r"|código (?:pin|de verificación|de seguridad|de acceso)|"
    r"(?:voicemail|handy|sim|geräte)-?pin)"
    rf"\s*(?:{_FOR}(?:\s+{IS})?\s*[:=#]|\s+{IS})?\s*[{QUOTES}]?(?P<value>\d[\d -]{{2,8}}\d\b#?)(?![\d.])",
    re.IGNORECASE,
)
_NO_VALUE: Final = frozenset(
    "expired expires expiring reset resets wrong incorrect invalid unknown none null nil n/a na tbd yes no ok true "
    "false required missing "
    "forgotten forgot lost locked unlock unlocked changed change rejected refused denied accepted blank empty "
    "hidden masked redacted secret "
    "not never again same different correct same as see sent and or the a an user users cannot can't doesn't fails "
    "failed does is was "
    "policy prompt manager request requests sync synchronisation issue issues problem problems help please "
    "abgelaufen falsch vergessen gesperrt ungültig unbekannt leer geändert zurückgesetzt zurücksetzen nicht kein "
    "keine siehe bitte läuft wird "
    "wurde ändern und oder der die das fehlt "
    "expiré expire oublié incorrect invalide inconnu vide perdu non oui voir et ou le la les un une réinitialisé "
    "bloqué à refusé erroné "
    "caducada caducado expirada expirado olvidada olvidado incorrecta incorrecto inválida desconocida vacía "
    "bloqueada cambiada ver y o el "
    "los las restablecer sí "
    "string str password passwort kennwort text int bool value *** **** ***** ******** xxx xxxx xxxxx ... … "
    "<hidden> <redacted> "
    "vergeten verlopen onjuist esquecida expirou public-key authentication-failed access-denied "
    "field box dialog window screen page tab link button menu icon option feld fenster seite knopf schaltfläche taste "
    "champ fenêtre écran lien onglet bouton campo ventana pantalla enlace botón".split()
)
_NO_PASSWORD = re.compile(
    r"^(?:\w+://.*|0x[0-9a-f]+|(?:KB|INC|CVE|ID|AADSTS|ORA|RFC|SRV|PC|NB|CHG|REQ|SR|PRB|TASK|EVT)-?\d[\d-]*"
    r"|v?\d+(?:[.:,/-]\d+)*|\d{1,2}(?:st|nd|rd|th)"
    r"|[A-Z][\w]*_[A-Z_]+|#\d+|\d+(?:x|h|min|s|d|days?|tage?n?|jours?|d[ií]as?)|\d+(?:\.|%))[.,;:!?)]*$",
    re.IGNORECASE,
)
_MIN_WORD: Final = 4
_SAYS_HOW = re.compile(
    r"(?:ed|ing|able|ible|ory|ary|t|en|é|ée|ado|ada|ido|ida|bar|ig|lich|ong|short|weak|fine|okay|same|old|new|less)$"
)
"""Endings of words that describe a password: changed, expiring, mandatory, gesperrt, oublié."""
_AFTER_COLON_IN_PAIRS = re.compile(r"[;&]")


def passwords(text: str) -> Iterator[Finding]:
    yield from (Finding(*match.span("value"), Secret.PASSWORD) for match in _IN_URL.finditer(text))
    for pattern in (_COMMAND, _ELEMENT):
        yield from (_password(match) for match in pattern.finditer(text))
    for pattern in (_CODE, _PASSPHRASE):
        yield from (found_value(match, Secret.PASSWORD) for match in pattern.finditer(text))
    for match in _STATED.finditer(text):
        finding = _password(match, ends_at_semicolon="=" in text[match.start() : match.start("value")])
        if _may_be_stated(text[finding.start : finding.end]):
            yield finding
    for pattern in (_SAID, _SET_TO, _PAIR):
        for match in pattern.finditer(text):
            finding = _password(match)
            if _is_said(match, text, finding):
                yield finding


def _is_said(match: re.Match[str], text: str, finding: Finding) -> bool:
    """Whether *finding*, which follows the word "password" in a sentence, is a password and not an ordinary word."""
    value = text[finding.start : finding.end]
    verb = (match.groupdict().get("verb") or "").strip().lower()
    if not _may_be_stated(value) or _NO_PASSWORD.match(value) or len(value) < _MIN_WORD:
        return False
    if (word := value.rstrip("!?")).isalpha() and word != value and _SAYS_HOW.search(word.lower()):
        return False
    if _is_quoted(match["value"]) or verb.startswith(("laut", "hei")):
        return True
    if value.isalpha():
        ends = re.match(r"[^\w\n]*(?:\n|$)", text[finding.end :])
        is_word_itself = bool(match.groupdict().get("around"))  # “Password” in quotes: the name of a field
        return bool(verb and ends) and not is_word_itself and not _SAYS_HOW.search(value.lower())
    has_digit = any(each.isdigit() for each in value)
    has_letter = any(each.isalpha() for each in value)
    has_sign = any(not each.isalnum() and each not in _SIGNS_OF_PROSE for each in value)
    return (has_digit and has_letter) or (has_sign and (has_digit or has_letter))


_SIGNS_OF_PROSE: Final = frozenset("-‐‑–—./:,()[]\\_…" + QUOTES)
"""Signs that ordinary sentences have between words, so they don't make a value look like a password."""


def _is_quoted(value: str) -> bool:
    return len(value) > 2 and value[0] in QUOTES and value[-1] in QUOTES  # noqa: PLR2004 - two quotes and a character between


def _password(match: re.Match[str], *, ends_at_semicolon: bool = False) -> Finding:
    """The password that *match* found, without quotes around it and the sentence's punctuation."""
    start, end = match.span("value")
    value = match["value"]
    if _is_quoted(value):
        inner = value[1:-1]
        return Finding(end - 1 - len(inner.lstrip()), start + 1 + len(inner.rstrip()), Secret.PASSWORD)
    if ends_at_semicolon and (cut := _AFTER_COLON_IN_PAIRS.search(value)):
        value = value[: cut.start()]
    if quote := _ENDS_A_QUOTATION.search(value, 1):  # “Forgot password”-link
        value = value[: quote.start()]
    kept = value.lstrip(QUOTES)
    start += len(value) - len(kept)
    while (shorter := _without_an_end(kept)) != kept:
        kept = shorter
    return Finding(start, start + len(kept), Secret.PASSWORD)


_ENDS_A_QUOTATION = re.compile(r"[“”„‟«»″‘’‛‹›」』](?!\w)")


def _without_an_end(value: str) -> str:
    value = value.rstrip(".,;:" + QUOTES)
    return value[:-1] if value.endswith((")", "]", "}")) and not any(each in value for each in "([{") else value


def _may_be_stated(value: str) -> bool:
    """Whether *value* after `password:` may be a password: anything but a word that describes one."""
    return len(value) > 1 and value.lower().strip("()[]{}<>*_!?…") not in _NO_VALUE and any(map(str.isalnum, value))
