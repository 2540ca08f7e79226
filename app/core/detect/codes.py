"""Codes that let somebody in: PINs, one-time codes, the code of a door or an alarm, in twelve languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.core.detect.finding import IS, QUOTES, Finding, Secret, found_value
from app.core.detect.password_words import CHANGED
from app.core.detect.scan import Scan

_OF_WHAT = (
    r"(?:mfa|2fa|sms|totp|otp|verification|security|one[- ]time|door|access|unlock|backup|entry|alarm|safe"
    r"|(?:alarm )?panel|master|installer|disarm|gate|yard|keypad|garage|building|locker|vault|elevator|lift|bridge"
    r"|confirmation|pairing|lock|recovery|reset|auth(?:entication)?|passkey|einmal|zugangs|tür|tor|bestätigungs"
    r"|sicherheits|entsperr|freischalt|alarm|verificatie|toegangs|beveiligings)"
)
_KIND = (
    r"(?:de vérification|de sécurité|d['’]accès|confidentiel|secret|de confirmation|du portail|de la porte"
    r"|de l['’]alarme|d['’]alarme|de verificación|de seguridad|de acceso|de confirmación|de (?:la )?alarma|de "
    r"desbloqueo|de déblocage|de déverrouillage|de desbloqueio|odblokowania|de la puerta"
    r"|di verifica|di sicurezza|di accesso|di conferma|di sblocco|dell['’]allarme"
    r"|de acesso|de verificação|de segurança|de confirmação|do alarme|da porta"
    r"|weryfikacyjny|dostępu|bezpieczeństwa|autoryzacyjny|do alarmu|do bramy|do drzwi|jednorazowy"
    r"|подтверждения|доступа|безопасности|из смс|от двери|от сигнализации)"
)
CODE = re.compile(
    r"(?<![^\W_])(?:pass[- ]?code|pin(?:[- ]?(?:code|codes|kód|kodu|码))?|sim-pin|puk(?:[- ]?code)?|otp|tan"
    rf"|{_OF_WHAT}[- ]?(?:master )?(?:codes?|pin|passcode|nummer)|(?:zoom|webex|meeting) host[- ]?key|digicode"
    rf"|(?:2fa|mfa) backup"
    r"|code(?= for the (?:yard|door|gate|safe|garage|building|alarm|lift))"
    rf"|(?:codes?|códigos?|codice|código|kody?|код) (?:pin|puk|otp|{_KIND})"
    r"|(?:kod|kód|код|code|código|codice)(?: \w{1,3})? (?:drzwi|dveřím|двери|домофона|смс|sms|porte|porta|puerta"
    r"|garage|garagem)"
    r"|(?:voicemail|handy|sim|geräte)-?pin|pincode|sms kodu\w{0,3}|sms kód|(?:doğrulama|onay|güvenlik|giriş|kapı"
    r"|alarm) (?:kodu\w{0,3}|şifresi)|pin kodu"
    r"|(?:ověřovací|přístupový|bezpečnostní|potvrzovací) kód|пин(?:-?код)?|pin码)|验证码|驗證碼|动态码"
)
_TAIL = (
    rf"[{QUOTES}]?(?:\s+sim)?"
    r"(?:\s+(?:for|für|pour|para|per|of|von|der|de|del|della|do|da|dla|от|na|k)(?:\s+[^\s:=]{1,30}){1,4}?)?"
)
_OF_PLACE = r"(?:\s(?:alarm|safe|door|handy|phone|sim|tablet|tür|tor|kluis|deur|card|karte|vpn|token|voicemail))?"
_APART = re.compile(r",\s(?P<value>\d{4,8}#?)(?=[,.;)]|\s*$)")
_TOLD = re.compile(
    # the code that I got by text was x
    r"(?:code|código|codice|kode[nt]?|koden|koodi|kod|kód|код)\s(?P<words>(?:[\w'’]{1,12}\s){0,7}?)(?:was|is|war|ist|lautet|était"
    r"|est|era|es|è|é|to|był|byl|er|är|on|jest|je)\s(?P<value>g-\d{6}|\d{3}[ -]?\d{3}|\d{4,8}#?)(?![\w.-]|\s[a-z]+s\b)"
)
_SHOWN = re.compile(
    r"authenticator(?: app)? (?:shows?|says|gives?|displays?|zeigt|affiche|muestra)\s(?P<value>\d{3} ?\d{3})(?![\w.-])"
)
_ARTICLE = r"(?:\s+(?:the|le|la|el|il|o))?"
_STATED = re.compile(
    rf"{_TAIL}(?:\s(?:eingeben|enter|requested|demandé|pedido|richiesto))?(?:\s+{IS}|是|为)?\s*[:=#：]\s*[{QUOTES}]?"
    r"(?P<value>#\d{4,8}|(?=[a-z-]{0,8}\d)[a-z0-9]{3,8}(?:(?P<by>[ -])(?=[a-z]{0,4}\d)[a-z0-9]{2,5}"
    r"(?:(?P=by)(?=[a-z]{0,4}\d)[a-z0-9]{2,5})?)?#?"
    r"|[a-z]-\d{6}|(?:\d[ -]?){3,9}\d#?)(?!\w|\.\d)"
)
_SAID = re.compile(
    rf"{_TAIL}{_OF_PLACE}{CHANGED}?(?:\s+{IS}{_ARTICLE}|是|为)?\s*[{QUOTES}]?"
    r"(?P<value>[a-z]-\d{6}|(?=[a-z-]*\d)(?=[\d-]*[a-z])[a-z0-9]{3,5}(?:-[a-z0-9]{3,5}){1,5}|(?:\d\d ){2}\d\d"
    r"|\d{3,4}[ -]\d{3,4}|\d{4,8}#?|\d{3,5}[a-z]|\d{2}[a-z]\d{2})(?![\w%]"
    r"|[-/:.]\d)"
)
_SIX_DIGITS = re.compile(
    # Of any code, if nothing says that it is one of an error, a place or a thing.
    r"(?:codes?|código|codice|kodu?|kód|код"
    r"|コード)(?P<words>(?:\s\w{1,12}){0,2}?)\s*[:：=]\s*(?P<value>\d{3}[ -]?\d{3})(?!\w|[.-]\d)"
)
_OF_A_LOCK = re.compile(r"(?:alarm|tür|tor|tresor|safe|door|alarme|porte|puerta|allarme)\w{0,8}\W{1,3}$")
_CODE_BESIDE = re.compile(r"code\s(?P<value>\d{4,8})(?![\w.-])")
_OF_A_THING = re.compile(
    r"err|fehler|bł[ęą]d|hata|chyb|ошиб|exit|return|status|stop|zip|post|area|country|product|reason|cost|event|item"
    r"|art|custom|bar|colo|model|part|kunde|client|sku|result|response|qr|source|http|currency|tariff|review|discount|voucher|promo|coupon|状|错"
)
_BEFORE = re.compile(
    r"(?<![\w.-])(?P<value>\d{3}[ -]?\d{3,5}|\d{4,8})\s+(?:as|is|als|ist)\s+(?:your|the|my|dein|ihr"
    r"|mein)\s+(?:\w+\s+){0,2}$"
)

_NEXT = re.compile(
    r"[\s,;]{1,3}(?:(?:and|und|et|y|e|i|и)\s)?(?P<value>(?=[a-z-]{0,8}\d)[a-z0-9]{3,8}(?:[ -][a-z0-9]{2,8})?)(?![\w-])"
)
_AND_OF_ANOTHER = re.compile(
    # the code of the safe is x and alarm y
    r"[\s,;]{1,3}(?:(?:and|und|et|y|e|i|и)\s+)(?:(?:the|der|die|das|le|la|el)\s+)?(?:alarm|safe|door|gate|tür|tor|tresor|alarme|coffre|porte"
    rf"|puerta|alarma)(?:[- ]?codes?)?(?:\s+{IS})?[\s:]+(?P<value>\d{{4,8}}#?)(?![\w.])"
)
_LONGEST: Final = 64
_OF_ANY_CODE: Final = frozenset(("code", "コード", "códig", "codice", "kod", "kód", "код", "auth"))

ANCHORS: Final = {
    "code": (
        "passcode|pass code|pass-code|pin|puk|otp|tan|code|mfa|2fa|sms|totp|verif|secur|one-time|one time|door|"
        "access|unlock|backup|entry|alarm|safe|confirm|pairing|lock|recovery|reset|auth|einmal|zugangs|tür|bestätig|"
        "sicher|entsperr|freischalt|toegangs|beveilig|panel|master|installer|disarm|gate|yard|keypad|garage|building|locker|vault|elevator|lift|bridge|zoom|"
        "webex|meeting|digicode|sim|コード|códig|codice|kod|kód|код|voicemail|handy|gerät|doğrul|"
        "onay|güvenl|giriş|kapı|ověř|přístup|bezpeč|potvrz|пин|验证码|驗證碼|动态码"
    ).split("|"),
}


def codes(scan: Scan) -> Iterator[Finding]:
    for at, anchor in scan.hits("code"):
        if not scan.has_digit(at - _LONGEST, at + _LONGEST):
            continue
        word = CODE.match(scan.lower, at)
        if word is None:
            if anchor in _OF_ANY_CODE:
                yield from _of_six_digits(scan, at)
            continue
        if word[0] == "tan" and scan.text[at : at + 3] != "TAN":
            continue
        match = (
            _STATED.match(scan.lower, word.end())
            or _SAID.match(scan.lower, word.end())
            or _APART.match(scan.lower, word.end())
            or _BEFORE.search(scan.lower, max(at - _LONGEST, 0), at)
        )
        if match is None:
            yield from _of_six_digits(scan, at)
        else:
            yield (found := found_value(match, Secret.PASSWORD))
            yield from _others(scan, found)


def _others(scan: Scan, first: Finding) -> Iterator[Finding]:
    """The codes of a list after its *first*, which have its form; or the one of another lock."""
    form = _form(scan.lower[first.start : first.end])
    end = first.end
    while (match := _NEXT.match(scan.lower, end)) and _form(match["value"]) == form:
        yield Finding(*match.span("value"), Secret.PASSWORD)
        end = match.end()
    if match := _AND_OF_ANOTHER.match(scan.lower, end):
        yield Finding(*match.span("value"), Secret.PASSWORD)


def _form(code: str) -> str:
    return re.sub(r"[a-z0-9]", "x", code)


def _of_six_digits(scan: Scan, at: int) -> Iterator[Finding]:
    match = _SIX_DIGITS.match(scan.lower, at) or _TOLD.match(scan.lower, at) or _SHOWN.match(scan.lower, at)
    if match is None and _OF_A_LOCK.search(scan.lower, max(at - 24, 0), at):
        match = _CODE_BESIDE.match(scan.lower, at)
    words = match.groupdict().get("words", "") if match else ""
    if match and not _OF_A_THING.search(scan.lower[max(at - 16, 0) : at] + words):
        yield found_value(match, Secret.PASSWORD)
