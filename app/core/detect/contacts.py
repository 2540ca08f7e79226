"""E-mail addresses and phone numbers.

A run of digits counts as a phone number if it begins with a country code, if a word before it says so ("call"), or if
it has the form of some country's numbers (by the library `phonenumbers`) and no word before it says that it is
something else ("invoice").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import phonenumbers

from app.core.detect.finding import Finding, Secret
from app.core.detect.networks import BLOT, DOTTED_PHONE, without_networks

_EMAIL = re.compile(
    r"(?<![\w.+@/\\-])[\w][\w.+'’-]{0,63}(?:@|\s?[\[(](?:at|@)[\])]\s?)"
    r"(?:[\w-]{1,63}(?:\.|\s?[\[(](?:dot|\.|punkt)[\])]\s?)){1,5}[A-Za-z][A-Za-z-]{0,22}[A-Za-z](?![\w@-]|:[\w/~])",
    re.IGNORECASE,
)
_PHONE_WORD = re.compile(
    r"(?:\b(?:tel|telephone|phone|ph|mobile|cell|cellphone|call(?:ed)?(?: (?:me|him|her|us|back|at|on"
    r"|under)){0,3}|fax|dial|ring"
    r"|callback|reach\w*(?: \w+){0,2}|hotline|contact(?: \w+)? (?:at|on)|extension|ext|telefon(?:nummer|isch)?"
    r"|tel\.?-?nr|rufnummer"
    r"|handy(?:nummer)?|mobil(?:nummer|funk)?|durchwahl|anrufen|rückruf|erreichbar|téléphone|portable|tél|joindre"
    r"|joignable"
    r"|appele[rz]|rappele[rz]|poste|teléfono|móvil|telf|tfno|llam(?:ar|e|ame|en)|extensión|sms|whatsapp)\b|☎|📞"
    r"|✆)[^\d+\n(]{0,24}[(+]?$",
    re.IGNORECASE,
)
_NUMBER_WORD = re.compile(r"\b(?:number|nummer|numéro|número)(?: (?:is|ist|lautet|est|es))?\W{0,3}$", re.IGNORECASE)
_NOT_A_PHONE = re.compile(
    r"(?:\b(?:imei|iccid|s/?n|serial|seriennummer|serien-?nr|serie|série|asset|inventar\w*|inventario|order"
    r"|bestell\w*|po|rma|ticket|incident|request|vorgang|fall|case|kunden\w*|"
    r"customer|rechnung\w*|invoice|facture|factura|build|version|firmware|ports?|vlans?|metric|ttl|mtu|asn|id|pid|event|ereignis|kb"
    r"|error|fehler\w*|erreur|code|código|uuid|guid|mac|sku|part|artikel\w*|"
    r"model|modell|licence|license|lizenz|commande|pedido|zip|plz|postal|bios|sid|job|batch|charge|lot|dossier"
    r"|expediente|barcode|tracking|sendung\w*|ean|counter|zähler\w*|"
    r"contract|vertrag\w*|contrat|contrato|nr|no|n°|nº|num|ref|referenz|référence|referencia|bytes|sector|sektor"
    r"|block|line|zeile|row|offset|size|größe|timestamp|epoch|time|os|release)"
    r"\b|#)[^\d\n]{0,14}$",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![\w.:/+,#-])(?:\+|00|\(\+?)?\d(?:[ \u00a0./()–-]{0,3}\d){4,16}"
    r"(?:\s?(?:x|ext\.?|extension|durchwahl|dw|poste|-)\s?\d{1,5})?(?![\w]|[.:,]\d|/\d|-\w)",
    re.IGNORECASE,
)
_TIME_OR_VERSION = re.compile(
    r"^(?:(?:19|20)\d\d[-./ ][01]?\d[-./ ][0-3]?\d(?:\D.*)?|[0-3]?\d[-./][01]?\d[-./](?:19|20)?\d\d(?: .*)?"
    r"|[0-3]?\d [01]\d (?:19|20)\d\d"
    r"|(?:19|20)\d{12}|(?:19|20)\d\d[-/ ]\d{3,})$"
)
_DOTTED = re.compile(r"^\d+(?:\.\d+)+$")
_HARDWARE = re.compile(r"(?!00)\d\d(?: \d\d){5}|(?!0[1-9])\d{4}-\d{4}-\d{4}|\d{6}-\d{6}")
"""A MAC address of decimal digits only. It is taken for one unless a word says that it is a phone number."""
_AFTER_AN_ADDRESS = re.compile(rf"{BLOT}(?:/\d{{1,2}})?[\s:,;]{{0,3}}$")
_PORTS = re.compile(r"(?=.*\d{4})(?!\d{3} \d{3} \d{4}$)[1-9]\d{0,4}(?: [1-9]\d{0,4})*")
_REGIONS: Final = ("DE", "FR", "ES", "US", "GB", "AT", "CH")
_PHONE_DIGITS: Final = range(7, 16)
_MIN_IN_CONTEXT: Final = 5
_TRUNK_DIGITS: Final = range(10, 15)
_MIN_WITHOUT_TRUNK: Final = 9
_LONGEST_CONTEXT: Final = 44


def emails(text: str) -> Iterator[Finding]:
    if "@" in text or "at" in text:
        for match in _EMAIL.finditer(text):
            yield Finding(match.start(), match.end(), Secret.EMAIL)


def phones(text: str) -> Iterator[Finding]:
    rest = without_networks(text)
    for match in _PHONE.finditer(rest):
        before = text[max(match.start() - _LONGEST_CONTEXT, 0) : match.start()]
        number = match[0].strip()
        are_ports = _PORTS.fullmatch(number) and _AFTER_AN_ADDRESS.search(
            rest[max(match.start() - 8, 0) : match.start()]
        )
        if not are_ports and _is_phone(number, before):
            yield Finding(match.start(), match.end(), Secret.PHONE)


def _is_phone(number: str, before: str) -> bool:
    digits = sum(map(str.isdigit, number))
    if digits >= _PHONE_DIGITS.stop or _TIME_OR_VERSION.match(number):
        return False
    if _DOTTED.match(number) and not DOTTED_PHONE.fullmatch(number):
        return False
    if number.startswith(("+", "(+")):
        return digits in _PHONE_DIGITS
    says_so, denies = _PHONE_WORD.search(before), _NOT_A_PHONE.search(before)
    if says_so and not (denies and denies.start() > says_so.start()):
        return digits >= _MIN_IN_CONTEXT
    return (
        not denies
        and not _HARDWARE.fullmatch(number)
        and ((digits in _PHONE_DIGITS and bool(_NUMBER_WORD.search(before))) or _is_written_as_a_phone(number))
    )


def _is_written_as_a_phone(number: str) -> bool:
    """Whether *number* has the form of some country's numbers. For numbers without a word before them that decides."""
    digits = sum(map(str.isdigit, number))
    if number.isdigit() and not (number.startswith("0") and digits in _TRUNK_DIGITS):
        return False
    if digits < (_PHONE_DIGITS.start if number.startswith(("0", "(")) else _MIN_WITHOUT_TRUNK):
        return False
    return any(_is_valid(number, region) for region in _REGIONS)


def _is_valid(number: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False
