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
    OPENS,
    QUOTED,
    TITLED_WORDS,
    WORDS_AND_NUMBER,
    is_mixed,
    is_said,
    is_stated,
    is_strong,
    may_be,
    of_word,
    value_of,
)
from app.core.detect.password_words import ADJECTIVE, CHANGED, FOR, LABEL, NO_VALUE, OF_MAKERS, OF_WHAT, OF_WIFI, STILL
from app.core.detect.scan import Scan

_AROUND = rf"[{QUOTES}*]{{0,2}}"
_STATED = re.compile(
    # password: x   pwd=x   "password": "x"   Passwort für VPN: x   mot de passe (nouveau) : x
    rf"(?:_?\d)?(?:\[\d{{0,3}}\])?{_AROUND}\]?{ADJECTIVE}{{0,2}}(?:\s+(?:wi-?fi|wlan)\s[\w-]{{2,20}}|{OF_WHAT}){FOR}{CHANGED}?"
    rf"(?:\s+{IS})?\s*"
    rf"(?:(?P<listed>(?<=['\"])\s*,(?=\s*['\"]\S+['\"]))|(?P<equals>:=|=>|==?|＝)|->|-->|→|⇒|[:：]|[–—-](?=\s*[{QUOTES}])"
    rf"|(?P<dash>\s[–—-]\s)|\sreg_sz\s)\s*(?!//)"
    rf"(?:(?:alt|old|ancien|vieja):?\s+)?{OPENS}(?P<value>{QUOTED}|[^\s\"'`]\S{{0,127}})"
)
_ATTRIBUTE = re.compile(
    # name="password" value="x"   "name": "password", "value": "x"   name: DB_PASSWORD⏎ value: x   <Password><Value>x<
    r"\d?[\"']?\s*(?:,\s*|/?>\s*|\n\s*|\s)(?:[\w-]{1,20}=[\"'][^\"'\n]{0,40}[\"']\s+)?"
    r"(?:<|[\"'])?value[\"']?\s*[=:>]\s*(?:\"(?P<double>[^\"\n]{1,128})\"|'(?P<single>[^'\n]{1,128})'"
    r"|(?P<bare>[^\s<>\"']{2,128}))"
)
_ELEMENT = re.compile(r"\w{0,20}[\"']?(?:\s[^<>\n]{1,60})?>(?P<value>[^<\n]{1,128})</")
_CALL = re.compile(r"\w{0,20}\(\s*[\"'](?P<value>[^\s\"']{3,80})[\"']\s*[),]")
_IN_BRACES = re.compile(r"=\{(?P<value>(?:[^{}\n]|\}\}){2,80})\}(?=[;\"']|$)")
_OF_ODBC = re.compile(r"driver=|uid=|dsn=")
_POINTS_BELOW = re.compile(r":|：|below|unten|folgt|ci-dessous|abajo|abaixo|sotto|poniżej|níže|ниже|下")
_ALONE_BELOW = re.compile(r"\n(?:[ \t>]*\n|```\w*\n){0,3}[ \t>`*-]{0,8}(?P<value>[^\s`*]{4,40})[ \t`*]*(?:\n|$)")
_NAMES_THE_USER = re.compile(r"(?:user|account|benutzer|konto|utilisateur|usuario|utente|usuário)\s*[:=]\s*$")
_CLOSES = re.compile(r"\s?[:?]\s?[\"']")
_IN_A_ROW = re.compile(r"\s?\*{0,2}\s?(?:\|\s?|\t)(?P<value>[^\s|]{4,60})(?=\s*(?:\||\t|\n|$))")
_HAS_ONE = re.compile(r"(?<!\w)(?:hat|tiene|heeft) (?:das |la |el |het )?$")
_DEFAULT = re.compile(rf"{ADJECTIVE}{{1,2}}{FOR}\s*\((?P<value>\S{{4,40}})\)")
_SAID = re.compile(
    # password is x   Passwort lautet x   set the password to x   la contraseña es x   password x
    rf"(?P<around>{_AROUND}){ADJECTIVE}{{0,2}}{OF_WHAT}{FOR}{CHANGED}?"
    r"(?:\s+(?:temporarily|currently|now|jetzt|aktuell|maintenant|ahora))?"
    rf"(?P<verb>\s+{IS}|\s+of(?=\s[{QUOTES}])|\s*(?:是|为|為|は))(?:\s+(?:{STILL}))?(?:\s+|(?<=[是为為は]))"
    rf"(?:\((?=[{QUOTES}]))?{OPENS}(?P<value>{QUOTED}|[^\s\"'`(\[]\S{{1,127}}|\([^\s)]{{1,127}}\))"
)
_BESIDE = re.compile(
    # password x   password (x)   contraseña temporal x
    rf"(?P<around>{_AROUND}){ADJECTIVE}{{0,2}}{OF_WIFI}(?P<set>{CHANGED})?(?:\s*\([^)\n]{{1,30}}\))??(?:\s+|"
    rf"(?<=[码碼令ド了为為]))"
    rf"(?:\((?=[{QUOTES}]))?{OPENS}(?P<value>{QUOTED}|[^\s\"'`(\[]\S{{1,127}}|\([^\s)]{{1,127}}\))"
)
_SET_TO = re.compile(
    # changed the password of jdoe to x
    rf"[^\n.:]{{0,40}}?(?P<set>\s(?:to|auf|en|à|a|na|para|in|naar|на|til|till|în))\s+(?P<value>{QUOTED}|\S{{1,127}})"
)
_CHANGES = re.compile(
    r"(?:chang|reset|\bset|updat|gesetzt|geändert|zurückgesetzt|setze|mis\b|cambi|pus[eo]|impost|alter|mud(?:ei|ou)"
    r"|zmieni|změni|смени|измени|зміни|gewijzigd|bytt|ändra|ændre|endre|vaihdo|muuto|schimb|değiştir|módosít|αλλα|άλλα)\w*"
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
    rf"(?:ssid|wlan|wi-?fi)\W{{1,3}}[\w. -]{{1,32}}[{QUOTES}]?\s?[,;/|\n]\s*(?:key|schlüssel|clé|clave|chiave"
    rf"|chave|klucz"
    rf"|klíč|ключ)\W{{1,3}}(?P<value>[^\s,;{QUOTES}]{{6,64}})"
)
_PASSPHRASE = re.compile(
    r"(?:pass[-_ ]?phrase|phrase de passe|recovery phrase|seed phrase|mnemonic)(?:\s(?:for"
    r"|pour)(?: \w+){1,4}?)?\s*(?P<joint>(?:is|est)\s?[:=]?|[:=])\s*(?P<value>[^\W_]+(?:[ -][^\W_]+){2,23})(?![\w-])"
)
_OF_A_SENTENCE: Final = frozenset(
    "a an the to by for with in on at of not no too again and or is de le la les pas".split()
)
"""Words that no phrase of random words has."""
_APP_PASSWORD = re.compile(
    r"app(?:lication)?[- ](?:specific )?password\W{1,3}(?:is )?(?P<value>(?:[a-z]{4} ){3}[a-z]{4}(?![\w]))"
)
_ONLY_STATED: Final = frozenset({"pass", "ww"})
"""Short for a password, and words of other senses."""
_CONNECTOR = re.compile(r"[:=：＝>→⇒]|[\"'],|[–—-](?=[\s\"'“„‘«])|reg_sz|value")
_LONGEST_TAIL: Final = 80
_LONGEST_ODBC: Final = 240
_LONGEST_CALL: Final = 24
_IN_URL = re.compile(r"//[^\s:/@]{0,64}:(?P<value>[^\s/]{1,128})@(?=[\w\[])")

_ASKS_FOR_A_PAIR = re.compile(
    r"(?:user(?:name)?|login|un|id|benutzer(?:name)?|usuario|utente|utilisateur|usuário|użytkownik|uživatel|kullanıcı"
    r"|логин)(?:\s?[/&]\s?|\s(?:and|und|et|y|e|i|a|и|ve)\s)$"
)
_CLAUSE = re.compile(
    # PW for the PDF is the invoice date, x    the password that you sent, x,    my password to the usual one: x
    r"(?P<words>[^\n.,:;?!]{0,60}?)(?P<joint>,|:|\s[–-])\s+(?P<it>it is |it['’]s |er ist |es lautet |c['’]est |es |è )?"
    r"(?P<value>[^\s,;()]{4,40})(?=[,.;)]*(?:\s|$))"
)
_JOINED = re.compile(
    r"(?!(?i:srv|pc|nb|lt|sw|fw|vm|db|web|nas|kb|inc|ticket|printer|version)\b)(?:[^\W\d_]{2,20}[-._!]){1,4}\d{1,8}"
)
_TELLS = re.compile(r"(?<!\w)(?:is|steht|lautet|ist|est|es|è|é|jest|je|staat|står|stoi)(?!\w)")
_LONGEST_AUXILIARY: Final = 4
_MIN_NUMBER: Final = 4
_OF_A_WINDOW = re.compile(
    r"\s+(?:field|box|dialog|window|screen|page|button|icon|option|prompt|policy|manager|feld|fenster|champ|campo)(?!\w)"
)
_OF_SOMETHING = re.compile(r"(?:default|initial|standard|temp|temporary|new)\s$")
_USED = re.compile(
    rf"(?<!\w)(?:with|mit|avec|con|met|using|typed?|tried|enter(?:ed)?)\s(?P<value>{WORDS_AND_NUMBER.pattern})(?=[\s,.;])"
)
_MAY_STAND_BEFORE = re.compile(r"[0-9!#$%^*~]")
_NAMED_USER = re.compile(
    # username "admin" and password "x"
    rf"(?:user(?:[- ]?(?:name|id))?|login|account|benutzer(?:name\w?|kennung)?|utilisateur|identifiant|usuario"
    rf"|utente|usuário"
    rf"|gebruiker(?:snaam)?|użytkownik\w{{0,2}}|uživatel\w{{0,2}}|kullanıcı(?: adı)?|логин\w{{0,2}}"
    rf"|пользовател\w{{1,3}})"
    rf"(?:\s(?:is|ist|est|es|è|é))?[\s:=]{{1,3}}[{QUOTES}*]{{0,2}}(?P<user>[\w.@\\-]{{2,40}})[{QUOTES}*]{{0,2}}"
    r"(?:\s?[,;/]\s?(?:(?:and|und|et|y|e|en|i|и)\s)?|\s(?:and|und|et|y|e|en|i|и|with|mit|avec|con)\s)"
    r"(?:(?:the|with|le|la|das|dem|mit|het|il)\s)?$"
)
_NO_USER: Final = frozenset("login user username name id account email e-mail mail address password".split())
_ITS_VALUE = re.compile(
    rf"(?:\s(?:is|ist|est|es|è|é))?[\s:=]{{1,3}}{OPENS}(?P<value>{QUOTED}|[^\s{QUOTES}(,;]{{2,60}})"
)
_BOTH_WORDS = re.compile(
    # username/password: `guest` / `x`
    rf"[{QUOTES}*)]{{0,2}}\s*[:=]\s*[{QUOTES}*]{{0,2}}[\w.@\\-]{{2,40}}[{QUOTES}*]{{0,2}}\s?[/|:]\s?[{QUOTES}*]{{0,2}}"
    rf"(?P<value>[^\s/|{QUOTES}*]{{2,60}})"
)
_USER_THEN_VALUE = re.compile(r"\s*[:=]\s*[a-z][\w.-]{1,30}\s(?P<value>[^\s/|,;:]{5,60})(?=[\s.,;]|$)")
_ENDS_A_USER: Final = (
    ", ",
    "; ",
    "/ ",
    *(f" {each} " for each in "and und et y e en i и with mit avec con le la das dem the het il".split()),
)
_JOINTS: Final = ("/", "& ", "/ ", *(f" {each} " for each in ("and", "und", "et", "y", "e", "i", "a", "и", "ve")))
_LOOK_BACK: Final = 64
_LONGEST_SENTENCE: Final = 64
_LONGEST_CLAUSE: Final = 104
_ENDS_A_SENTENCE = re.compile(r"[.!?]\s|\n")
_WITH_A_DIGIT = re.compile(r"(?<!\S)[^\s\d]{0,40}[0-9]\S{0,60}")

ANCHORS: Final = {
    "password": (
        "pass|access pass|access-pass|credential|code wi|codice wi|código wi|kod wi|kód wi|код wi|code du wi|"
        "código de wi|codice del wi|pasw|paßw|kennw|contrase|palavra|parola|wachtw|lösenord|losenord|adgangsk|"
        "jelsz|salasana|secret word|"
        "security answer|requirep|wpa|psk|preshared|pre-shared|community|networkkey|keycontent|network |wifi|wi-fi|"
        "wlan|hotspot|clé|clave|chiave|chave|klucz|klíč|ключ|pw|psw|pswd|mdp|mots de|mot de|phrase de|ww|senha|hasł|"
        "hasl|şifre|sifre|hesl|парол|密码|密碼|口令|パスワード|비밀번호|סיסמ|كلمة المرور|κωδικ|"
        "encryption key|encryption-key|decryption key|key to |shared secret|shared-secret|sharedsecret"
        "|shared_secret|wep|kodeord|lozink|geslo|gesla|slaptaž|parool|mật khẩu|kata sandi"
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
    "slashes": ("//",),
}


def passwords(scan: Scan) -> Iterator[Finding]:
    for group, pattern in (("slashes", _IN_URL), ("phrase", _PASSPHRASE), ("phrase", _APP_PASSWORD), ("ssid", _SSID)):
        for at, _ in scan.hits(group):
            match = pattern.match(scan.lower, at)
            if match and not (pattern is _PASSPHRASE and _is_a_sentence(match)):
                yield Finding(*match.span("value"), Secret.PASSWORD)
    for at, _ in scan.hits("pair"):
        if word := _PAIR_WORD.match(scan.lower, at):
            yield from _pair(scan, at, word.end())
    end = 0
    for at, _ in scan.hits("password"):
        if label := LABEL.match(scan.lower, at):
            for found in _at_label(scan, label, end):
                yield found
                end = found.end
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


def _is_a_sentence(match: re.Match[str]) -> bool:
    """Whether words after "the passphrase is" are no phrase of its own: "wrong again today"."""
    words = match["value"].split()
    return match["joint"].strip().isalpha() and (words[0] in NO_VALUE or not _OF_A_SENTENCE.isdisjoint(words))


def _at_label(scan: Scan, label: re.Match[str], after: int) -> Iterator[Finding]:
    """The passwords that the word *label* gives away; before the word only what stands *after* that place."""
    before = scan.lower[max(label.start() - 24, 0) : label.start()]
    if found_named := _of_named_user(scan, label):
        yield found_named
        return
    if before.endswith(_JOINTS) and (pair := _ASKS_FOR_A_PAIR.search(before)):
        found = [*_asked_pair(scan, label, label.start() - len(before) + pair.start())]
        if found or "/" in pair[0]:
            yield from found
            return
    if changed := [*_from_to(scan, label)]:
        yield from changed
        return
    first = _stated(scan, label) or _said(scan, label) or _around(scan, label, after)
    if first:
        yield first
        match = _AND_NOW.match(scan.lower, first.end)
        if match and is_said(match, scan, second := value_of(match, scan)):
            yield second
        elif scan.has_digit(label.start() - _LOOK_BACK, label.start()) and (old := _before_by_form(scan, label, after)):
            yield old  # the old one was x, the new password is y


def _around(scan: Scan, label: re.Match[str], after: int) -> Finding | None:
    """What looks like a password in the same sentence as the word, or on the line below."""
    has_digit = scan.has_digit(label.end(), label.end() + _LONGEST_CLAUSE)
    return (
        (_in_a_clause(scan, label) if has_digit else None)
        or _before(scan, label, after)
        or _on_next_line(scan, label)
        or (_near(scan, label) if has_digit else None)
    )


def _asked_pair(scan: Scan, label: re.Match[str], start: int) -> Iterator[Finding]:
    """The password after "username/password", which begins at *start*."""
    both, beside = (pattern.match(scan.lower, label.end()) for pattern in (_BOTH_WORDS, _USER_THEN_VALUE))
    if both is None and beside and is_mixed(beside["value"]) and may_be(beside["value"]):
        both = beside
    if both:
        yield Finding(*both.span("value"), Secret.PASSWORD)
    else:
        yield from _pair(scan, start, label.end())


def _of_named_user(scan: Scan, label: re.Match[str]) -> Finding | None:
    """A password after a user's name, where even an ordinary word is one: "user scan and password scan"."""
    start = max(label.start() - _LOOK_BACK, 0)
    if not scan.lower.endswith(_ENDS_A_USER, start, label.start()):
        return None
    user = _NAMED_USER.search(scan.lower, start, label.start())
    match = _ITS_VALUE.match(scan.lower, label.end()) if user else None
    if user is None or match is None or user["user"] in NO_VALUE or user["user"] in _NO_USER:
        return None
    found = value_of(match, scan)
    value = scan.text[found.start : found.end]
    is_quoted = match["value"][:1] in QUOTES
    is_one = is_quoted or not value.isalpha() or value.lower() == user["user"] or value.lower() in OF_MAKERS
    return (
        found
        if may_be(value) and " " not in value and (is_one or is_stated(value, scan, found, equals=False))
        else None
    )


def _from_to(scan: Scan, label: re.Match[str]) -> Iterator[Finding]:
    """Both passwords of a change, if both are ones."""
    match = _FROM_TO.match(scan.lower, label.end())
    if match is None or not _CHANGES.search(scan.lower, max(label.start() - 40, 0), match.start("value")):
        return
    found = [value_of(match, scan), value_of(match, scan, group="second")]
    if all(is_said(match, scan, each) and any(map(str.isdigit, scan.text[each.start : each.end])) for each in found):
        yield from found


def _in_code(scan: Scan, label: re.Match[str]) -> Finding | None:
    """In a row of a table, in a call, or in braces of ODBC."""
    behind = scan.lower[label.end() : label.end() + _LONGEST_CALL]
    for sign, pattern in (("|", _IN_A_ROW), ("\t", _IN_A_ROW), ("(", _CALL)):
        match = pattern.match(scan.lower, label.end()) if sign in behind else None
        if match and is_mixed(match["value"]) and may_be(match["value"]):
            return Finding(*match.span("value"), Secret.PASSWORD)
    match = _IN_BRACES.match(scan.lower, label.end()) if behind.startswith("={") else None
    is_odbc = match and _OF_ODBC.search(scan.lower, max(label.start() - _LONGEST_ODBC, 0), label.start())
    return Finding(*match.span("value"), Secret.PASSWORD) if match and is_odbc else None


def _stated(scan: Scan, label: re.Match[str]) -> Finding | None:
    if found := _in_code(scan, label):
        return found
    if not _CONNECTOR.search(scan.lower, label.end(), label.end() + _LONGEST_TAIL):
        return None
    for pattern in (_ATTRIBUTE, _ELEMENT):
        if match := pattern.match(scan.lower, label.end()):
            found = Finding(*match.span(match.lastgroup or "value"), Secret.PASSWORD)
            if pattern is _ELEMENT and match["value"].isdecimal() and found.end - found.start < _MIN_NUMBER:
                continue  # <PasswordAge>42<
            if is_stated(scan.text[found.start : found.end], scan, found, equals=True):
                return found
    match = _STATED.match(scan.lower, label.end())
    is_asked = scan.text[label.start() - 1 : label.start()] in {'"', "'"} and _CLOSES.match(scan.text, label.end())
    if match is None or is_asked or _NAMES_THE_USER.search(scan.lower, label.end(), match.start("value")):
        return None
    found = value_of(match, scan, ends_at_semicolon=bool(match["equals"]))
    equals = bool(match["equals"]) and match.end("equals") == match.start("value")
    value = scan.text[found.start : found.end]
    is_one = is_stated(value, scan, found, equals=equals, dashes=bool(match["dash"]))
    return found if is_one and (match["listed"] is None or is_mixed(value)) else None


def _said(scan: Scan, label: re.Match[str]) -> Finding | None:
    if label[0] in _ONLY_STATED and scan.lower[label.start() - 1 : label.start()] not in {"_", "-"}:
        return None
    for pattern in (_ARE, _SAID, _BESIDE, _SET_TO, _DEFAULT):
        match = pattern.match(scan.lower, label.end())
        if match is None or (
            match.groupdict().get("verb") == " of"
            and not _OF_SOMETHING.search(scan.lower, max(label.start() - 12, 0), label.start())
        ):
            continue
        word = match["value"].rstrip(".,:;!?")
        if word in NO_VALUE and pattern is not _ARE:
            continue
        if pattern is _BESIDE and match["set"] is None and word.isalpha():
            if found_word := _word_of_its_own(match, scan, label):
                return found_word
            continue
        if pattern is _SET_TO and not _CHANGES.search(scan.lower, max(label.start() - 40, 0), match.start("value")):
            continue
        if is_said(match, scan, found := value_of(match, scan)):
            return found
        if pattern is _ARE:
            return None
    return None


def _word_of_its_own(match: re.Match[str], scan: Scan, label: re.Match[str]) -> Finding | None:
    """A plain word that something has for a password: "das WLAN hat das Kennwort willkommen"."""
    if not _HAS_ONE.search(scan.lower, max(label.start() - 12, 0), label.start()):
        return None
    found = value_of(match, scan)
    value = scan.text[found.start : found.end]
    return found if may_be(value) and is_stated(value, scan, found, equals=False) else None


def _in_a_clause(scan: Scan, label: re.Match[str]) -> Finding | None:
    """A password that stands apart after words about it: "the password that you sent, x, is rejected"."""
    match = _CLAUSE.match(scan.lower, label.end())
    if match is None or any(_is_status(word) for word in match["words"].split()):
        return None
    found = value_of(match, scan)
    value = scan.text[found.start : found.end]
    is_number = value.isdecimal() and (match["it"] or (len(value) >= _MIN_NUMBER and _TELLS.search(match["words"])))
    is_joined = match["joint"] == ":" and _JOINED.fullmatch(value) and value != value.lower()
    return found if (is_number or is_joined or is_strong(value)) and may_be(value) else None


def _on_next_line(scan: Scan, label: re.Match[str]) -> Finding | None:
    """A password alone on the line that follows: "password: see below"."""
    line_end = scan.text.find("\n", label.end(), label.end() + _LONGEST_SENTENCE)
    match = _ALONE_BELOW.match(scan.text, line_end) if line_end > 0 else None
    if match is None or not _POINTS_BELOW.search(scan.lower, label.end(), line_end):
        return None
    found = value_of(match, scan)
    value = scan.text[found.start : found.end]
    return found if is_strong(value) and may_be(value) else None


def _is_status(word: str) -> bool:
    return word in NO_VALUE and len(word) > _LONGEST_AUXILIARY and not _TELLS.fullmatch(word)


def _before(scan: Scan, label: re.Match[str], after: int) -> Finding | None:
    """A password before the word: "with x as password", "login with jdoe and x fails, the password is right"."""
    start = max(label.start() - _LOOK_BACK, after)
    if not _MAY_STAND_BEFORE.search(scan.text, start, label.start()):
        return None
    match = _BEFORE_AS.search(scan.lower, start, label.start()) or _TYPED.search(scan.lower, start, label.start())
    if match and is_said(match, scan, found := value_of(match, scan)):
        return found
    left = scan.text[start : label.start()].rstrip(" (")
    word = left[left.rfind(" ") + 1 :]
    if word[-1:].isdigit() and WORDS_AND_NUMBER.fullmatch(word) and may_be(word):  # X (password)
        return Finding(start + len(left) - len(word), start + len(left), Secret.PASSWORD)
    if (match := _USED.search(scan.text, start, label.start())) and may_be(match["value"]):
        return Finding(*match.span("value"), Secret.PASSWORD)
    return _before_by_form(scan, label, after)


def _before_by_form(scan: Scan, label: re.Match[str], after: int) -> Finding | None:
    start = max(label.start() - _LONGEST_SENTENCE, after)
    for match in _WITH_A_DIGIT.finditer(scan.text, start, label.start()):
        is_whole = match.start() > start or start in {0, after}
        if is_whole and (found_word := of_word(match, HAS_ALL_SIGNS)):
            return found_word
    return None


def _near(scan: Scan, label: re.Match[str]) -> Finding | None:
    """What looks like a password and like nothing else in the same sentence: "temp password of x"."""
    if _OF_A_WINDOW.match(scan.lower, label.end()):
        return None
    stop = _ENDS_A_SENTENCE.search(scan.text, label.end(), label.end() + _LONGEST_SENTENCE)
    end = stop.start() + 1 if stop else label.end() + _LONGEST_SENTENCE
    for match in _WITH_A_DIGIT.finditer(scan.text, label.end(), end):
        if found := of_word(match, LOOKS_LIKE_ONE) or of_word(match, TITLED_WORDS, is_sure=True):
            return found
    return None
