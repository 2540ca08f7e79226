"""Bank accounts and payment cards.

IBANs and card numbers by their check digits, other account numbers by a word before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.core.detect.finding import IS, Finding, Secret, found_value
from app.core.detect.scan import Scan

_IBAN = re.compile(
    r"[0-9]\d(?<=[A-Za-z]{2}\d\d)(?<![A-Za-z0-9][A-Za-z]{2}\d\d)(?:(?:[ -]|\n(?=\d))?[A-Za-z0-9]){11,30}"
)
_IBAN_LENGTHS: Final = {
    each[:2]: int(each[2:])
    for each in (
        "AD24 AE23 AL28 AO25 AT20 AZ28 BA20 BE16 BF28 BG22 BH22 BI27 BJ28 BR29 BY28 CF27 CG27 CH21 CI28 CM27 "
        "CR22 CV25 CY28 CZ24 DE22 DJ27 DK18 DO28 DZ26 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GA27 GB22 GE22 GI23 "
        "GL18 GQ27 GR27 GT28 GW25 HN28 HR21 HU28 IE22 IL23 IQ23 IR26 IS26 IT27 JO30 KM27 KW30 KZ20 LB28 LC32 "
        "LI21 LT20 LU20 LV21 LY25 MA28 MC27 MD24 ME22 MG27 MK19 ML28 MN20 MR27 MT31 MU30 MZ25 NE28 NI28 NL18 "
        "NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SN28 SO23 ST25 "
        "SV28 TD27 TG28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 "
    ).split()
}
"""Of each country in SWIFT's registry, and of those that use IBANs without standing there."""
_NAMED_IBAN = re.compile(
    r"iban\W{0,3}(?:\w{2,12}\W{1,2}){0,2}?(?P<value>[a-z]{2}[ -]?\d\d(?:[ -]?[a-z0-9]){11,30})(?!\w)"
)
_JOINT = rf"\.?\s*(?:\(\w{{1,12}}\))?\s*(?:[:：#=]|\s{IS}\s|是|为|は)?\s*"
_ACCOUNT = re.compile(
    r"(?:(?:bank )?(?:account|acct|a/c)\s?(?:number|no|nr|num|#)|bank account|kontonummer|konto-?nr|kto\.?-?\s?(?:nr)?"
    r"|bankkonto"
    r"|bankleitzahl|blz|bankverbindung|(?:numéro|n°|no|nº) de compte(?: bancaire)?|compte (?:bancaire|n°)|rib(?!\w)"
    r"|número de cuenta(?: bancaria)?|n[.º°]* ?de cuenta|cuenta bancaria|cuenta corriente|ccc(?!\w)|clabe|cbu(?!\w)"
    r"|conto corrente(?: n\.?| numero)?|coordinate bancarie|numero di conto|nib(?!\w)|conta (?:bancária|corrente)"
    r"|número da conta"
    r"|numer konta|nr konta|(?:nr|numer) rachunku|hesap (?:no|numarası|numaram)|číslo účtu|číslo konta|rekeningnummer"
    r"|bankrekening|расч[её]тный сч[её]т"
    r"|bankgirot?|plusgirot?|postgirot?|bg(?=:? \d{3,4}-\d{4}(?!\d))|лицевой сч[её]т|номер сч[её]та|корр?\.? ?сч[её]т"
    r"|[рк]/с(?!\w)|бик(?!\w)|银行账号|银行卡号|銀行帳號|账号|卡号|帐号|口座番号"
    rf"|routing(?: number| no)?|aba(?!\w)|sort[- ]?code|bsb(?!\w)){_JOINT}"
    r"(?P<value>\d(?:[ /-]?\d){5,30})(?![^\W\u3040-\u9fff]|\.\d)"
)
_ACCOUNT_BESIDE = re.compile(
    r"(?:account|acct?|a/c|konto)\.?\s(?P<value>\d{6,17}|\d{2,4}(?:[ -]\d{2,4}){1,4})(?!\w|[.-]\d)"
)
_SAYS_BANK = re.compile(r"routing|sort code|bsb|iban|bank")
_CZECH = re.compile(rf"(?:číslo účtu|účtu|účet|account){_JOINT}(?P<value>(?:\d{{1,6}}-)?\d{{2,10}}/\d{{4}})(?!\w)")
_BIC = re.compile(
    r"(?:BIC|SWIFT|bic|Bic(?=[ :])|swift(?=[ -]?(?:code|bic|:)))(?:[ /-]?(?:BIC|SWIFT))?(?:[ -]?(?:[Cc]ode"
    r"|CODE))?\s*(?:[:=]|\bis\b|\bist\b)?\s*"
    r"(?P<value>[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)\b"
)
_CARD = re.compile(
    r"[0-9](?<![\w.+-]\d)(?:\d{3}[ -]?\d{6}[ -]?\d{4,5}"
    r"|\d{3}[ -]?(?:\d{4}[ -]?){2}\d{1,4}(?:[ -]?\d{1,3}(?!/))?)(?![\w]"
    r"|-\d|\.\d)"
)
_BRANDS = re.compile(
    # Visa, Mastercard, Mir, American Express, Diners, JCB, Discover, UnionPay, Maestro
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|220[0-4]\d{12,15}"
    r"|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|(?:6011|64[4-9]\d|65\d\d)\d{12,15}|62\d{14,17}|(?:5[06-8]"
    r"|6[37])\d{10,17}"
)
_NOT_A_CARD = re.compile(
    r"(?<![^\W_])(?:imei|iccid|s/?n|serial\w*|serien-?nr|série|serie|seri|seryjny|sériov\w+|asset\w*|ticket|order"
    r"|tracking|sr|case"
    r"|ups|dhl|fedex|dpd|gls|sendungsnummer|barcode|ean|sid|uid|guid|id|lba|epoch|timestamp|octets|bytes|packets|vlan)(?![^\W_])[^\d\n]{0,12}$"
)
_COUNTED = re.compile(r"\s(?:bytes|packets|octets|bits|pkts)(?![^\W_])")
_SAYS_CARD = re.compile(
    r"(?:credit|kredit|bank|debit)?(?:card|karte|carte|tarjeta|carta|cartão|kart[ay]?|карт[аыу])\b[^\d\n]{0,12}$"
)
_CVV = re.compile(
    r"(?:cvv2?|cvc2?|cvn|cid|(?:karten)?prüfziffer|(?:karten)?prüfnummer|cryptogramme(?: visuel)?|código cvv)"
    r"[\"']?\s*(?:code)?\s*(?:[:=#]|is|ist|est|es)?\s*[\"']?(?P<value>\d{3,4})(?!\w|[.]\d|[ -]\d)"
)

_CODE_AFTER_CARD = re.compile(
    # 5393 7631 8212 5614 04/29 771
    r"[\s,;/|]{1,3}(?:(?:exp|valid|gültig|bis|val|scad)\w*\W{1,3}(?:thru |bis )?)?"
    r"(?:0[1-9]|1[0-2])\s?[/.-]\s?(?:20)?\d\d[\s,;/|]{1,3}(?P<value>\d{3,4})(?![\w/:-]|\.\d)"
)
_SECURITY_CODE = re.compile(
    r"(?:(?:card )?security code|sicherheitscode|code de sécurité|código de seguridad|codice di sicurezza)\W{1,3}"
    r"(?:is |ist |est |es |è )?(?P<value>\d{3,4})(?!\w|[.]\d|[ -]\d)"
)
_CARD_BEFORE = re.compile(r"(?:\d[ -]?){13,19}\D|card|karte|carte|tarjeta|carta|visa|amex")
_LONGEST_NAME: Final = 64

ANCHORS: Final = {
    "iban": ("iban",),
    "account": (
        "account|acct|acc |acc.|a/c|bank|konto|kto|blz|compte|rib|cuenta|ccc|clabe|cbu|conto c|coordinate b"
        "|numero di c|nib|"
        "conta b|conta c|numer|nr konta|nr rach|hesap|číslo|účtu|účet|rekening|расч|лицев|номер сч|кор|р/с|к/с|бик|"
        "银行|銀行|账号|卡号|帐号|口座|plusgiro|postgiro|bg |bg:|"
        "routing|aba|sort|bsb|numéro de|n° de|no de|nº de|número d|n. de|n.º de"
    ).split("|"),
    "bic": "bic|swift".split("|"),
    "cvv": (
        "cvv|cvc|cvn|cid|prüf|kartenprüf|cryptogramme|código cvv|security code|sicherheitscode|code de séc"
        "|código de seg|"
        "codice di sic"
    ).split("|"),
}


def ibans(scan: Scan) -> Iterator[Finding]:
    place = 0
    while match := _IBAN.search(scan.text, place):
        start = match.start() - 2
        end = _iban_end(scan.text[start : match.end()])
        if end is not None:
            yield Finding(start, start + end, Secret.BANK)
        place = match.start() + 2 if end is None else start + end  # what was read may hold the beginning of the next


def named_ibans(scan: Scan) -> Iterator[Finding]:
    """Those after the word "IBAN", also with a blank after the country, or with a digit mistyped."""
    for at, _ in scan.hits("iban"):
        if match := _NAMED_IBAN.match(scan.lower, at):
            start, end = match.span("value")
            country = scan.text[start : start + 2].upper()
            length = sum(map(str.isalnum, match["value"]))
            if _iban_end(match["value"]) is None and _IBAN_LENGTHS.get(country) == length:
                yield Finding(start, end, Secret.BANK)


def accounts(scan: Scan) -> Iterator[Finding]:
    for at, _ in scan.hits("account"):
        if not scan.has_digit(at, at + _LONGEST_NAME):
            continue
        if at and scan.lower[at - 1].isalpha() and scan.lower[at - 1].isascii() and scan.lower[at].isascii():
            continue
        match = _CZECH.match(scan.lower, at) or _ACCOUNT.match(scan.lower, at)
        if match is None and (match := _ACCOUNT_BESIDE.match(scan.lower, at)):
            match = match if _SAYS_BANK.search(scan.lower, max(at - 60, 0), at) else None
        if match:
            yield found_value(match, Secret.BANK)
    for at, _ in scan.hits("bic"):
        if match := _BIC.match(scan.text, at):
            yield found_value(match, Secret.BANK)


def _iban_end(text: str) -> int | None:
    """The end of the IBAN at the beginning of *text*; None when there is no valid one."""
    length = _IBAN_LENGTHS.get(text[:2].upper())
    places = [place for place, character in enumerate(text) if character.isalnum()]
    if length is None or len(places) < length:
        return None
    number = "".join(text[place] for place in places[:length]).upper()
    end = places[length - 1] + 1
    is_whole = not text[end : end + 1].isalnum()
    digits = "".join(str(int(character, 36)) for character in number[4:] + number[:4])
    return end if is_whole and int(digits) % 97 == 1 else None


def cards(scan: Scan) -> Iterator[Finding]:
    for match in _CARD.finditer(scan.text):
        digits = re.sub(r"\D", "", match[0])
        before = scan.lower[max(match.start() - 24, 0) : match.start()]
        is_one = passes_luhn(digits) or _SAYS_CARD.search(before)
        is_other = _NOT_A_CARD.search(before) or _COUNTED.match(scan.lower, match.end())
        if is_one and _BRANDS.fullmatch(digits) and not is_other:
            yield Finding(match.start(), match.end(), Secret.CARD)
            if code := _CODE_AFTER_CARD.match(scan.lower, match.end()):
                yield Finding(*code.span("value"), Secret.CARD)


def card_codes(scan: Scan) -> Iterator[Finding]:
    for at, _ in scan.hits("cvv"):
        if (match := _CVV.match(scan.lower, at)) or (
            (match := _SECURITY_CODE.match(scan.lower, at)) and _CARD_BEFORE.search(scan.lower, max(at - 64, 0), at)
        ):
            yield found_value(match, Secret.CARD)


def passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - two digits are added (Luhn)
    return total % 10 == 0
