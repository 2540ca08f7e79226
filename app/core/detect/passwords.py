"""Passwords: after a word for one (`password: x`), in a sentence, in a pair with a user's name, or in a URL.

After a colon or an equals sign nearly anything is a password. In a sentence only what looks like one is, since what
follows the word is mostly about passwords (expired, falsch, oublié).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.core.detect.finding import IS, QUOTES, Finding, Secret
from app.core.detect.password_pairs import ACCOUNTS
from app.core.detect.password_values import (
    OPENS,
    QUOTED,
    is_mixed,
    is_of_another,
    is_said,
    is_stated,
    is_strong,
    may_be,
    value_of,
)
from app.core.detect.password_words import (
    ADJECTIVE,
    AND,
    ASKS_FOR_BOTH,
    CHANGED,
    FOR,
    NO_VALUE,
    OF_MAKERS,
    OF_WHAT,
    USER,
    labels,
)
from app.core.detect.prose.words import fold, is_ordinary, word_lists
from app.core.detect.prose.worth import FINISHES
from app.core.detect.scan import Scan

_AROUND = rf"[\\{QUOTES}*]{{0,3}}"
_STATED = re.compile(
    # password: x   pwd=x   "password": "x"   Passwort für VPN: x   mot de passe (nouveau) : x
    rf"(?:_?\d)?(?:\[\w{{0,20}}\])?{_AROUND}[\]}}]?{ADJECTIVE}{{0,2}}(?:\s+(?:wi-?fi|wlan)\s[\w-]{{2,20}}"
    rf"|{OF_WHAT}){FOR}{CHANGED}?"
    rf"(?:\s+{IS})?\s*"
    rf"(?:(?P<listed>(?<=['\"])\s*,(?=\s*['\"]\S+['\"]))|(?P<equals>:=|=>|==?|＝)|->|-->|→|⇒|[:：]"
    rf"|[–—-](?=\s*[{QUOTES}])"
    rf"|(?P<dash>\s[–—-]\s)|\sreg_sz\s)\s*(?!//)"
    rf"(?:(?:alt|old|ancien|vieja):?\s+)?{OPENS}(?:\\(?=\"))?(?P<value>{QUOTED}|[\"'][^\s\"']{{81,4096}}|[^\s\"'`]\S{{0,4096}})"
)
_ATTRIBUTE = re.compile(
    # name="password" value="x"   "name": "password", "value": "x"   name: DB_PASSWORD⏎ value: x   <Password><Value>x<
    r"\d?[\"']?(?:\s[\w-]{1,20}=[\"'][^\"'\n]{0,40}[\"'](?=>))?(?:</\w{2,12})?\s*"
    r"(?:,\s*|/?>\s*|\{\s*(?:[a-z_]{1,20} = \S{1,40}\s+){0,3}?|\n\s*|\s)(?:[\w-]{1,20}=[\"'][^\"'\n]{0,40}[\"']\s+)?"
    r"(?:<|[\"'])?(?:value|default(?=\s=))[\"']?\s*[=:>]\s*(?:\"(?P<double>[^\"\n]{1,128})\"|'(?P<single>[^'\n]{1,128})'"
    r"|(?P<bare>[^\s<>\"']{2,128}))"
)
_ELEMENT = re.compile(r"\w{0,20}[\"']?(?:\s[^<>\n]{1,60})?>(?P<value>[^<\n]{1,128})</")
_LINES = re.compile(r">\s*\n\s*\S{1,64}\n\s*(?P<value>\S{2,80})\s*</")
"""<auth-user-pass>, with the user's name on a line and the password on the next."""
_OF_MARKUP: Final = (_ATTRIBUTE, _ELEMENT, _LINES)
_CALL = re.compile(r"\w{0,20}\(\s*[\"'](?P<value>[^\s\"']{3,80})[\"']\s*[),]")
_IN_BRACES = re.compile(r"=\{(?P<value>(?:[^{}\n]|\}\}){2,80})\}(?=[;\"']|$)")
_OF_ODBC = re.compile(r"driver=|uid=|dsn=")
_NAMES_THE_USER = re.compile(r"(?:user|account|benutzer|konto|utilisateur|usuario|utente|usuário)\s*[:=]\s*$")
_SEVERAL_WORDS = re.compile(r"(?P<value>[^\W\d_]+(?: [^\W\d_]+){1,5})[ \t]*(?=[\r\n]|$)")
_FEWEST_WORDS: Final = 3
_NEXT_SETTING = re.compile(r"[\w.-]+[=:]")
_BEFORE_A_SETTING = re.compile(r"[\n{;]")
_AFTER_A_SETTING = re.compile(r"\s*(?:[\r\n};]|$)")
_CLOSES = re.compile(r"\s?[:?]\s?[\"']")
_IN_A_ROW = re.compile(r"\s?\*{0,2}\s?(?:\|\s?|\t)(?P<value>[^\s|]{4,60})(?=\s*(?:\||\t|\n|$))")
_USER_AND_VALUE = r"(?P<user>[\w.@\\-]{2,40})\s*(?://?|:|\||,)\s*(?P<value>[^\s/|]\S{0,127})"
_PAIR_WORD = re.compile(
    # credentials: jdoe / x    login admin:x    Zugangsdaten: admin / x
    r"(?<!\w)(?:credentials?|creds|log-?ins?|user(?:name)?\s?[/&]\s?pass(?:word)?|un/pw|user/pw|zugangsdaten"
    r"|anmeldedaten"
    r"|logindaten|benutzer/passwort|identifiants?|(?:mes|vos|ses) codes|codes d['’]accès|accès|acceso"
    r"|credenciales|usuario/contraseña|usuario y contraseña"
    r"|credenziali|credenciais|dane (?:logowania|dostępowe)|giriş bilgileri|přihlašovací údaje|уч[её]тные данные"
    r"|логин/пароль|inlog(?:gegevens)?)(?!\w)"
)
_OF_BOTH: Final = ("cred", "zugangsdaten", "anmeldedaten", "logindaten", "identifiants", "inloggegevens", "dane ")
"""Words for a user's name and a password together."""
_PAIR_STATED = re.compile(rf"[^\n:=]{{0,40}}?\s*[:=]\s*{_USER_AND_VALUE}")
_PAIR_BESIDE = re.compile(rf"[^\n:=]{{0,25}}?\s*-?\s+{_USER_AND_VALUE}")
_PAIR_BEFORE = re.compile(r"(?<!\S)[\w.@\\-]{2,40}\s?/\s?(?P<value>\S{4,40})\s+\(?$")
_SSID = re.compile(
    rf"(?:ssid|wlan|wi-?fi|network)\W{{1,3}}[\w. :-]{{1,32}}[{QUOTES}]?\s?[,;/|\n]\s*(?:key|psk|schlüssel|clé|clave"
    rf"|chiave|chave|klucz|klíč|ключ)\W{{1,3}}(?!content)(?P<value>[^\s,;{QUOTES}]{{6,64}})"
)
_PHRASE_WORD = (
    r"(?:pass[-_ ]?phrase|(?:recovery|seed|secret) phrase|mnemonic|passwortsatz|phrase (?:de passe|secr[èe]te)"
    r"|frase (?:de (?:contrase(?:ñ|n)a|paso|acceso|acesso|seguridad)|d['’]accesso|secreta|segreta)|frase[- ]passe"
    r"|wacht(?:woord)?zin|lösen(?:ords)?fras|adgangssætning|salalause|has\w+ frazowe|fraza has\w+|heslov\w fráze"
    r"|парольн\w{2} фраз\w)(?:\s(?:for|pour|für|para|per|voor|of|zum|zur|vom|von|de|del|della|van)(?: \w+){1,5}?)?\s*"
)
_JOINT = (
    r"(?P<joint>(?:lautet|luidt|brzmi|zní|is|was|ist|war|est|était|es|era|è|é|to|je|är|är|er|это)(?:\s?[:=]\s?|\s)"
    r"|[:=]\s*)"
)
_PASSPHRASE = re.compile(rf"{_PHRASE_WORD}{_JOINT}(?P<value>[^\W_]+(?:[ -][^\W_]+){{2,23}})(?![\w-])")
_PASSPHRASE_QUOTED = re.compile(
    rf"{_PHRASE_WORD}{_JOINT}?[{QUOTES}]\s?(?P<value>[^\W_]+(?:,?[ -][^\W_]+){{2,23}})\s?[{QUOTES}]"
)
_PHRASES: Final = frozenset({_PASSPHRASE, _PASSPHRASE_QUOTED})
_OF_A_SENTENCE: Final = frozenset(
    "a an the to by for with in on at of not no too than again and or is de le la les pas im am auf bei mit"
    " nicht niet non nie zu dans du en el na no v".split()
)
"""Words that no phrase of random words has."""
_SAYS_WRONG: Final = frozenset("not no nicht pas non nie ne is was ist est".split())
_LONGEST_ARTICLE: Final = 3
_TELLS_A_VALUE: Final = frozenset("lautet luidt brzmi zní".split())
"""Verbs after which nothing else than the value stands."""
_APP_PASSWORD = re.compile(
    r"app(?:lication)?[- ](?:specific )?password\W{1,3}(?:is )?(?P<value>(?:[a-z]{4} ){3}[a-z]{4}(?![\w]))"
)
_CONNECTOR = re.compile(
    # What one search for a set of characters finds is found in half the time of one for words.
    r"[:=：＝>→⇒\"'–—rv-](?:(?<=[:=：＝>→⇒])|(?<=[\"']),|(?<=[–—-])(?=[\s\"'“„‘«])|(?<=r)eg_sz|(?<=v)alue)"
)
_LONGEST_TAIL: Final = 80
_LONGEST_ODBC: Final = 240
_LONGEST_CALL: Final = 24
_OF_A_ROUTER = re.compile(
    r"(?:[^\n\d(]|\((?:\d{1,2} [^\W\d_]{1,16}\))?){0,60}+(?P<value>\d{4}(?:(?: \d{4}){3,4}|(?:-\d{4}){3,4}))(?![ -]?\d)"
)
"""The key of a wireless network as a router's maker prints it below the router: digits in fours."""
_IN_URL = re.compile(r"//[^\s:/@]{0,64}:(?P<value>[^\s/]{1,128})@(?=[\w\[])")

_MIN_NUMBER: Final = 4
_LONG: Final = 256
"""Within such a value no other is looked for: "pw:pw:pw:…" would be read as often as it has words."""
_NAMED_USER = re.compile(
    # username "admin" and password "x"
    rf"(?:{USER}|ssid|network|netzwerk|wi-?fi|wlan|réseau|red|rete|rede|netwerk|sieć|síť|сеть)"
    rf"(?:\s(?:is|ist|est|es|è|é))?[\s:=]{{1,3}}[{QUOTES}*]{{0,2}}\s?(?P<user>[\w.@\\-]{{2,40}})\s?[{QUOTES}*]{{0,2}}"
    r"(?:\s?[,;/]\s?(?:(?:and|und|et|y|e|en|i|и)\s)?|\s(?:and|und|et|y|e|en|i|и|with|mit|avec|con)\s)"
    r"(?:(?:the|with|le|la|das|dem|mit|het|il)\s)?$"
)
_NO_USER: Final = frozenset("login user username name id account email e-mail mail address password".split())
_ITS_VALUE = re.compile(
    rf"(?:\s(?:is|ist|est|es|è|é))?[\s:=]{{1,3}}{OPENS}(?P<value>{QUOTED}|[^\s{QUOTES}(,;]{{2,60}})"
)
_AND: Final = rf"\s?(?://|[/|:,&])\s?|,?\s(?:{'|'.join(AND)}|और)\s"
_ARE: Final = (
    r"is|are|was|were|being|sind|ist|lauten|lautet|waren|sont|est|étaient|son|es|sono|è|são|é|eram|zijn|waren|to|są"
    r"|jsou|byly|är|er|on|ovat|sunt|είναι|как|это|было|были"
)
_BOTH_SAID = re.compile(
    # username and password are "admin" and "x"    user/pass for the camera are root and x
    rf"(?:\s[\w.-]+){{0,5}}?(?:\s(?:{_ARE})(?:\s(?:now|still|both|set to|jetzt|toujours|ahora))?\s?:?|\s?:)\s"
    rf"(?P<user>[{QUOTES}*]{{0,2}}[\w.@\\-]{{2,40}}[{QUOTES}*]{{0,2}})(?:{_AND})"
    rf"\*{{0,2}}(?P<value>{QUOTED}|[^\s{QUOTES}*,;]{{2,60}})"
)
_PAIR_SAID = re.compile(
    # credentials are admin and x    Zugangsdaten der Kamera: admin / x
    rf"(?:\s[\w.-]+){{0,7}}?(?:\s(?:{_ARE})|\s?[:=])(?:\s(?:now|still))?\s"
    rf"(?P<user>[{QUOTES}]?[\w.@\\-]{{2,40}}[{QUOTES}]?)(?:{_AND})(?P<value>{QUOTED}|[^\s{QUOTES},;]{{2,60}})"
)
_PAIR_ON_LINES = re.compile(
    rf"[^\n:=]{{0,40}}?(?:\s(?:{_ARE})|\s?[:=])\s*\n\s*(?P<user>[\w.@\\-]{{2,40}})\n\s*(?P<value>\S{{4,60}})(?=\s*(?:\n|$))"
)
_MAY_BE_A_PAIR = re.compile(rf"[0-9/{QUOTES}](?<!\w['’])|(?:admin|root|demo|guest)(?![^\W_])")
_LONGEST_PAIR: Final = 90
_ENDS_A_USER: Final = (
    ", ",
    "; ",
    "/ ",
    *(f" {each} " for each in "and und et y e en i и with mit avec con le la das dem the het il".split()),
)
_JOINTS: Final = (
    *("/", "& ", "/ "),
    *(f" {each} " for each in AND),
    *(f" {each} " for each in "the das het la el le il".split()),
)
_AROUND_BOTH: Final = QUOTES + "* "
_LOOK_BACK: Final = 64
ANCHORS: Final = {
    "password": (
        "pass|access pass|access-pass|credential|code wi|codice wi|código wi|kod wi|kód wi|код wi|code du wi|"
        "código de wi|codice del wi|pasw|paßw|kennw|contrase|palavra|parola|parolă|parole|paroli|"
        "wachtw|lösenord|losenord|adgangsk|"
        "jelsz|salasan|secret word|"
        "laps|security answer|requirep|masterauth|authtok|"
        "wpa|psk|preshared|pre-shared|community|networkkey|keycontent|network |wifi|wi-fi|"
        "wlan|hotspot|keymaterial|sharedkey|shared-key|shared_key|shared key|key content"
        "|schlüsselinhalt|contenu de la|contenido de la|contenuto|conteúdo da|sleutelinh|inhoud van sl|zawartość kl"
        "|obsah kl|содержимое к|вміст кл|anahtar iç"
        "|nyckelinn|nøgleind|nøkkelinn|avaimen s|kulcstart|kulcs tart|conținut ch|ključni s|sadržaj k|vsebina k"
        "|съдържание на к|περιεχόμενο κλ|关键内容|密钥内容|主要なコンテンツ|키 콘텐츠"
        "|kw:|kw =|contra:|lösen:|losen:|lösen?|secret|"
        "kode:|koden:|phrase secr|clé|clave|chiave"
        "|chave|klucz|klíč|ključ za|šifr|шифр|ключ|pw|psw|mdp|mots de|mot de|phrase de|ww|senha|hasł|"
        "hasl|şifre|sifre|hesl|парол|密码|密碼|口令|パスワード|비밀번호|סיסמ|كلمة المرور|كلمة مرور|كلمة سر|κωδικ|"
        "暗証番号|비번|패스워드|암호|パスコード|"
        "kenncod|รหัสผ่าน|पासवर्ड|лозинк|fjalëkalim|pasahitz|wagwoord|lykilorð|kata laluan|گذرواژه|"
        "رمز عبور|كلمة السر|vpn sec|vpn-sec|ipsec sec|l2tp sec|radius sec|tunnel sec|netzwerkschl|netzwerksich|"
        "sip sec|trunk sec|comunidad|communaut|comunit|kommunit|сообщество|"
        "encryption key|encryption-key|encryption_key|encryptionkey|decryption key|"
        "key to |shared secret|shared-secret|sharedsecret"
        "|shared_secret|wep|kodeord|lozink|geslo|gesla|slaptaž|parool|mật khẩu|kata sandi"
    ).split("|"),
    "pair": (
        "cred|login|log-in|user|un/pw|mes codes|vos codes|ses codes|codes d|zugangs|anmelded|benutzer/|"
        "identifiant|accès|acceso|usuario|dane |giriş bilgi|"
        "přihlašovací ú|учётные|учетные|логин/|inlog"
    ).split("|"),
    "ssid": "ssid|wlan|wifi|wi-fi|network: ".split("|"),
    "phrase": (
        "passphrase|pass phrase|pass-phrase|pass_phrase|phrase de|phrase se|phrase sé|passwortsatz|frase de |frase d'|"
        "frase d’|frase se|frase-p|frase p|wachtzin|wachtwoordzin|lösenfras|lösenordsfras|adgangssæt|salalause|"
        "hasło fraz|fraza has|heslová fr|парольн|recovery phrase|seed phrase|secret phrase|mnemonic|app pass|app-pass|"
        "application pass|application-specific"
    ).split("|"),
    "slashes": ("//",),
}


def passwords(scan: Scan) -> Iterator[Finding]:
    for group, pattern in (
        ("slashes", _IN_URL),
        ("phrase", _PASSPHRASE),
        ("phrase", _PASSPHRASE_QUOTED),
        ("phrase", _APP_PASSWORD),
        ("ssid", _SSID),
    ):
        for at, _ in scan.hits(group):
            match = pattern.match(scan.lower, at)
            is_talk = match and (
                _is_a_sentence(match) if pattern in _PHRASES else pattern is _SSID and is_ordinary(match["value"])
            )
            is_variable = pattern is _IN_URL and match and match["value"].startswith(("$", "{", "<", "%"))
            if match and not (is_talk or is_variable):
                yield Finding(*match.span("value"), Secret.PASSWORD)
    for at, _ in scan.hits("pair"):
        if word := _PAIR_WORD.match(scan.lower, at):
            yield from _pair(scan, at, word.end(), is_asked=word[0].startswith(_OF_BOTH))
    read = 0
    for at, label in labels(scan):
        for found in _at_label(scan, label) if label and at >= read else ():
            yield found
            if found.end - found.start > _LONG:
                read = found.end


def _pair(scan: Scan, start: int, end: int, *, is_asked: bool = False) -> Iterator[Finding]:
    """The password beside a user's name, before or after the words *start* to *end* that announce both."""
    may_be_said = _MAY_BE_A_PAIR.search(scan.lower, end, end + _LONGEST_PAIR)
    for pattern in (_PAIR_SAID, _PAIR_ON_LINES) if may_be_said else ():
        if (told := pattern.match(scan.lower, end)) and (both := _of_both(told, scan, is_asked=is_asked)):
            yield both
            return
    after = _PAIR_STATED.match(scan.lower, end) or _PAIR_BESIDE.match(scan.lower, end)
    before = _PAIR_BEFORE.search(scan.lower, max(start - _LOOK_BACK, 0), start)
    for match in (after, before):
        is_user = match and not (match.re is _PAIR_BESIDE and is_ordinary(match["user"]))  # not "login fails: a001"
        if match and is_user and is_said(match, scan, found := value_of(match, scan)):
            yield found
            return


def _of_both(match: re.Match[str], scan: Scan, *, is_asked: bool = False) -> Finding | None:
    """The value of a user's name and a password that one sentence tells; a word only where both can be nothing else.

    *is_asked*: the words before ask for both by name, "username and password".
    """
    user, found = match["user"].strip(_AROUND_BOTH), value_of(match, scan)
    value = scan.text[found.start : found.end]
    if not may_be(value) or user in NO_VALUE or user in _NO_USER:
        return None
    if match["user"][0] in QUOTES and match["value"][0] in QUOTES:
        return found
    is_account = user in ACCOUNTS
    if is_mixed(value) and not value.isdecimal():
        return found if is_account or is_strong(value) or not is_ordinary(user) else None
    ends = FINISHES.match(scan.text, match.end()) or match["value"][0] in QUOTES
    is_slash = "/" in match.string[match.end("user") : match.start("value")]
    is_user = is_account or (is_asked and is_slash and not is_ordinary(user))
    return found if is_user and ends and (value.lower() in OF_MAKERS or not is_ordinary(value)) else None


def _is_a_sentence(match: re.Match[str]) -> bool:
    """Whether words after "the passphrase is" are no phrase of its own: "wrong again today"."""
    words = match["value"].split()
    if match.re is _PASSPHRASE_QUOTED:
        is_no_value = words[0] in NO_VALUE and len(words[0]) > _LONGEST_ARTICLE
        return is_no_value or not _SAYS_WRONG.isdisjoint(words)
    joint = match["joint"].strip()
    is_said = joint.isalpha() and joint not in _TELLS_A_VALUE
    if words[0] in NO_VALUE:  # a sentence, but for "hidden river stone lamp"
        return len(words) <= _FEWEST_WORDS or any(map(is_ordinary, words[1:]))
    return is_said and not _OF_A_SENTENCE.isdisjoint(words)


def _at_label(scan: Scan, label: re.Match[str]) -> Iterator[Finding]:
    """The passwords that the word *label* gives away by its place alone."""
    before = scan.lower[max(label.start() - 24, 0) : label.start()]
    if printed := _OF_A_ROUTER.match(scan.text, label.end()):
        yield Finding(*printed.span("value"), Secret.PASSWORD)
        return
    if found_named := _of_named_user(scan, label):
        yield found_named
        return
    if before.endswith(_JOINTS) and (pair := ASKS_FOR_BOTH.search(before)):
        found = [*_asked_pair(scan, label, label.start() - len(before) + pair.start())]
        if found or "/" in pair[0]:
            yield from found
            return
    if stated := _stated(scan, label):
        yield stated


def _asked_pair(scan: Scan, label: re.Match[str], start: int) -> Iterator[Finding]:
    """The password after "username/password", which begins at *start*."""
    said = _BOTH_SAID.match(scan.lower, label.end())
    if said and (found_both := _of_both(said, scan, is_asked=True)):
        yield found_both
        return
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


def _in_code(scan: Scan, label: re.Match[str]) -> Finding | None:
    """In a row of a table, in a call, or in braces of ODBC."""
    behind = scan.lower[label.end() : label.end() + _LONGEST_CALL]
    for sign, pattern in (("|", _IN_A_ROW), ("\t", _IN_A_ROW), ("(", _CALL)):
        match = pattern.match(scan.lower, label.end()) if sign in behind else None
        if match and is_mixed(match["value"]) and may_be(match["value"]) and not is_of_another(match["value"]):
            return Finding(*match.span("value"), Secret.PASSWORD)
    match = _IN_BRACES.match(scan.lower, label.end()) if behind.startswith("={") else None
    is_odbc = match and _OF_ODBC.search(scan.lower, max(label.start() - _LONGEST_ODBC, 0), label.start())
    return Finding(*match.span("value"), Secret.PASSWORD) if match and is_odbc else None


def _several_words(scan: Scan, at: int, *, is_setting: bool) -> Finding | None:
    """The words from *at* to the end of the line, where they are a name and no sentence: "= Winter Garden Lane"."""
    if (match := _SEVERAL_WORDS.match(scan.text, at)) is None:
        return None
    words = match["value"].split()
    folded = {fold(word) for word in words}
    is_name, are_enough = match["value"].istitle(), len(words) >= _FEWEST_WORDS
    is_told = (is_name or are_enough) if is_setting else (is_name and are_enough)
    known = word_lists()
    is_sentence = not folded.isdisjoint(NO_VALUE | _OF_A_SENTENCE | known.technical | known.soft | known.verb["any"])
    is_plain = folded <= known.plain and not (is_setting and is_name)
    return Finding(*match.span("value"), Secret.PASSWORD) if is_told and not (is_sentence or is_plain) else None


def _is_a_setting(scan: Scan, label: re.Match[str], found: Finding) -> bool:
    """Whether a line is nothing but `name = value`, as in a file of settings."""
    head = _BEFORE_A_SETTING.split(scan.text[max(label.start() - _LONGEST_TAIL, 0) : label.start()])[-1]
    return " " not in head.strip() and found.end > found.start and bool(_AFTER_A_SETTING.match(scan.text, found.end))


def _stated(scan: Scan, label: re.Match[str]) -> Finding | None:
    if found := _in_code(scan, label):
        return found
    if not _CONNECTOR.search(scan.lower, label.end(), label.end() + _LONGEST_TAIL):
        return None
    for pattern in _OF_MARKUP if scan.text.startswith(">", label.end()) else _OF_MARKUP[:-1]:
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
    at = match.start("value")
    is_defined = (
        bool(match["listed"]) and "define(" in scan.lower[max(label.start() - _LONGEST_CALL, 0) : label.start()]
    )
    is_setting = match["equals"] and (match.end("equals") == at or _is_a_setting(scan, label, found))
    equals = is_defined or bool(is_setting)
    value = scan.text[found.start : found.end]
    is_next = "\n" in scan.text[label.end() : found.start] and _NEXT_SETTING.match(value)
    several = _several_words(scan, at, is_setting=bool(match["equals"])) if value.isalpha() else None
    if several or is_next or (not equals and value.isalpha()):
        return several  # else a word in a sentence, which `prose` weighs
    is_one = is_stated(value, scan, found, equals=equals, dashes=bool(match["dash"]))
    return found if is_one and (match["listed"] is None or is_defined or is_mixed(value)) else None
