"""Bank accounts and payment cards.

IBANs and card numbers by their check digits, other account numbers by a word before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.core.detect.finding import IS, Finding, Secret, found_value

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}", re.IGNORECASE)
_IBAN_LENGTHS: Final = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
    "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GI": 23, "GR": 27, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18,
    "NO": 15, "PL": 28, "PT": 25, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "TR": 26, "UA": 29,
}  # fmt: skip
_ACCOUNT = re.compile(
    r"(?:\b(?:bank )?(?:account|acct|a/c)\s?(?:number|no|nr|num|#)\b|\bbank account\b|\bkontonummer|\bkonto-?nr"
    r"|\bkto\.?-?\s?(?:nr)?|\bbankkonto|\bbankleitzahl|\bblz|\bbankverbindung"
    r"|\b(?:numéro|n°|no|nº) de compte(?: bancaire)?|\bcompte bancaire|\brib\b|\bnúmero de cuenta(?: bancaria)?"
    r"|\bn[.º°]* ?de cuenta|\bcuenta bancaria|\bcuenta corriente"
    rf"|\brouting(?: number| no)?|\baba\b|\bsort[- ]?code)\.?\s*(?:\(\w+\))?\s*(?:[:#=]"
    rf"|\s{IS})?\s*(?P<value>\d[\d -]{{4,28}}\d)(?!\w|\.\d)",
    re.IGNORECASE,
)
_BIC = re.compile(
    r"\b(?:BIC|SWIFT)(?:[ /-]?(?:BIC|SWIFT))?(?:[ -]?code)?\s*(?:[:=]|\bis\b"
    r"|\bist\b)?\s*(?P<value>[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)\b"
)
_CARD = re.compile(
    r"(?<![\w.+-])(?:\d{4}[ -]?\d{6}[ -]?\d{4,5}|(?:\d{4}[ -]?){3}\d{1,4}(?:[ -]?\d{1,3})?)(?![\w]|-\d|\.\d)"
)
_CARD_FIRST = re.compile(r"^(?:4|5[0-8]|2[2-7]|6|3[4-9])")
_CVV = re.compile(
    r"\b(?:cvv2?|cvc2?|cvn|prüfziffer|prüfnummer|cryptogramme|código cvv)\s*(?:code)?\s*(?:[:=#]|is|ist|est"
    r"|es)?\s*(?P<value>\d{3,4})\b",
    re.IGNORECASE,
)
_CARD_LENGTHS: Final = range(13, 20)
_AMEX_DIGITS: Final = 15


def banks(text: str) -> Iterator[Finding]:
    for match in _IBAN.finditer(text):
        if (end := _iban_end(match[0])) is not None:
            yield Finding(match.start(), match.start() + end, Secret.BANK)
    for pattern in (_ACCOUNT, _BIC):
        for match in pattern.finditer(text):
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


def cards(text: str) -> Iterator[Finding]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        before = text[max(match.start() - 24, 0) : match.start()]
        if (
            len(digits) in _CARD_LENGTHS
            and _CARD_FIRST.match(digits)
            and (len(digits) != _AMEX_DIGITS or digits[:2] in {"34", "37"})
            and _passes_luhn(digits)
            and not _NOT_A_CARD.search(before)
        ):
            yield Finding(match.start(), match.end(), Secret.CARD)
    for match in _CVV.finditer(text):
        yield found_value(match, Secret.CARD)


_NOT_A_CARD = re.compile(
    r"\b(?:imei|iccid|s/?n|serial\w*|seriennummer|serien-?nr|série|serie|asset\w*|ticket|order|tracking"
    r"|sendungsnummer|barcode|ean|sid|uid|guid)\b[^\d\n]{0,12}$",
    re.IGNORECASE,
)


def _passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - two digits are added (Luhn)
    return total % 10 == 0
