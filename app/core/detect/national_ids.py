"""Numbers by which a state knows a person: tax and social security numbers, identity cards, passports.

After a word that names them ("PESEL: …") their form decides. Alone they count if their form is their own and the check
digit is right; where a form is that of any number (eleven digits), the word is needed.

Sources: each authority's description of its number; the checks agree with python-stdnum (LGPL, so not used here).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Final

from app.core.detect.finding import Finding, Secret
from app.core.detect.scan import Scan


def _digits(count: int, most: int = 0) -> str:
    """*count* digits (to *most*), which may be in groups."""
    return rf"\d(?:[ ./-]?\d){{{count - 1},{max(count, most) - 1}}}"


_DOCUMENT = r"(?:(?=(?:[a-z]*\d){5})[a-z0-9]{8,18}|[a-z]\d{2,4}(?:-\d{2,6}){2,3})"
_LABELLED: Final = {
    # The word, and the form of what follows it.
    r"(?:ni number|nino|national insurance(?: number)?)": r"[a-z]{2}(?:\s?\d\d){3}\s?[a-d]",
    r"(?:ssn|social security)": r"\d{3}[- ]?\d\d[- ]?\d{4}",
    r"nhs": _digits(10),
    r"(?:sin|social insurance)": r"\d{3}[ -]\d{3}[ -]\d{3}",
    r"(?:tfn|tax file number)": _digits(8, 9),
    r"medicare": _digits(10, 11),
    r"ppsn?": r"\d{7}[a-w][a-i]?",
    r"(?:aadhaar|aadhar|uidai)": _digits(12),
    r"pan(?: card)?": r"[a-z]{5}\d{4}[a-z]",
    r"(?:nric|fin)": r"[stfgm]\d{7}[a-z]",
    r"(?:passport|reisepass(?:nummer)?|passeport|pasaporte|passaporto|passaporte|paszport\w{0,2}|pasaport|cestovní pas"
    r"|паспорт\w{0,2}|护照号?码?)": r"(?:\d\d\s?\d\d\s?\d{6}|(?=(?:[a-z]*\d){5})[a-z0-9]{8,10})",
    r"(?:driving licen[cs]e|driver['’]?s licen[cs]e|führerschein\w{0,8}|permis de conduire|permiso de conducir"
    r"|carnet de conducir)": _DOCUMENT,
    r"(?:sa id|south african id|id number)": _digits(13),
    r"(?:steuer-?id(?:nr|nummer)?|steuer-?identifikationsnummer|idnr|steuerliche identifikationsnummer)": _digits(11),
    r"(?:sozialversicherungsnummer|svnr|sv-?nummer|rentenversicherungsnummer)": (
        r"(?:\d\d\s?\d{6}\s?[a-z]\s?\d{3}|\d{4}\s?\d{6})"
    ),
    r"(?:ahv|avs)": r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d\d",
    r"(?:personalausweis\w{0,8}|ausweisnummer|carta d['’]identità|carte (?:nationale )?d['’]identité|cni"
    r"|dowód osobisty|dowodu"
    r"(?: osobistego)?|občansk\w{1,4} průkaz\w{0,2}|číslo op|cédula)": r"(?=(?:[a-z]*\d){5})[a-z0-9]{8,12}",
    r"(?:sécurité sociale|sécu|nir)": r"[12378](?:[ .]?\d\d){2}[ .]?(?:\d\d|2[ab])(?:[ .]?\d{3}){2}(?:[ .]?\d\d)?",
    r"(?:registre national|rijksregister(?:nummer)?|insz)": _digits(11),
    r"(?:numéro fiscal|spi)": _digits(13),
    r"dni": r"(?:\d{8}[ -]?[a-z]|\d{1,2}\.\d{3}\.\d{3}(?:-?[a-z])?)",
    r"nie": r"[xyz][ -]?\d{7}[ -]?[a-z]",
    r"(?:nif|contribuinte)": r"(?:\d{8}[ -]?[a-z]|[a-z]\d{7}[a-z0-9]|" + _digits(9) + ")",
    r"curp": r"[a-z]{4}\d{6}[hm][a-z]{5}[a-z0-9]\d",
    r"(?:rut|run)": r"\d{1,2}\.?\d{3}\.?\d{3}-[\dk]",
    r"(?:seguridad social|nuss|naf|n\.?º ss)": _digits(11, 12),
    r"(?:codice fiscale|c\.f\.|cf)": r"[a-z]{6}[\dlmnp-v]{2}[a-z][\dlmnp-v]{2}[a-z][\dlmnp-v]{3}[a-z]",
    r"cpf": _digits(11),
    r"niss": _digits(11),
    r"rg": r"\d{1,2}\.?\d{3}\.?\d{3}-?[\dx]",
    r"(?:cartão de cidadão|bilhete de identidade)": r"\d{8}(?: ?\d ?[a-z]{2}\d)?",
    r"pesel": _digits(11),
    r"nip": r"(?:\d{3}-?\d{3}-?\d\d-?\d\d|\d{3}-?\d\d-?\d\d-?\d{3})",
    r"(?:tckn|t\.c\.(?: kimlik)?|tc kimlik|kimlik|vatandaşlık)": r"[1-9]\d{10}",
    r"(?:rodné číslo|rodneho cisla|rodného čísla|rodne cislo|r\.č\.|rč)": r"\d{6}/?\d{3,4}",
    r"инн": r"(?:\d{12}|\d{10})",
    r"снилс": r"\d{3}[- ]?\d{3}[- ]?\d{3}[- ]?\d\d",
    r"身份证(?:号码?)?": r"\d{17}[\dx]",
    r"(?:bsn|burgerservicenummer|sofinummer)": _digits(9),
    r"(?:personnummer|persnr|pnr(?![^\W_]))": r"(?:\d\d)?\d{6}[-+ ]?\d{4,5}",
    r"cpr": r"\d{6}[- ]?\d{4}",
    r"(?:fødselsnummer|fnr)": r"\d{6} ?\d{5}",
    r"(?:henkilötunnus|hetu)": r"\d{6}[-+a]\d{3}[0-9a-y]",
    r"oib": r"\d{11}",
    r"cnp": r"[1-9]\d{12}",
    r"(?:егн|egn)": r"\d{10}",
    r"(?:isikukood|asmens kodas|personas kods)": r"\d{6}-?\d{5}",
    r"(?:adóazonosító|taj)": _digits(9, 10),
    r"주민등록번호": r"\d{6}-?\d{7}",
    r"(?:תעודת זהות|ת\.ז\.)": r"\d{9}",
}
_NUMBER = (
    r"(?:\s(?:pracownika|klienta|(?:of|for|des|der|für|de|du|pour|del|della|para|do|da|van|voor|dla|pro)(?:\s[^\W\d_]{1,20}){1,3}?))?"
    r"(?:[-\s]{0,2}(?:card|no|nr|number|nummer|num|numara\w{0,4}|n|numéro|numero|número|jel|号码?|и номер)(?![^\W_])\.?"
    r"|\s?(?:n°|nº|№|#))?"
    r"(?:'?\w{0,2})?\.?[\"'\s:：=#-]{0,4}(?:(?:is|ist|est|es|è|é|to|je|это|to jest|dele é|dela é|lautet|是"
    r"|为)[\s:]{1,2})?[\"']?"
)
_FORM_OF: Final = tuple(_LABELLED.values())
_LABEL: Final = re.compile(
    r"(?<![^\W_])(?:" + "|".join(f"({label})" for label in _LABELLED) + r")(?![^\W\d_\u3400-\u9fff])"
)


@cache
def _after(label: int) -> re.Pattern[str]:
    """What follows the label of that place. Compiled when a text first holds it: few of sixty ever occur."""
    return re.compile(rf"{_NUMBER}(?P<value>{_FORM_OF[label]})(?![^\W_\u3400-\u9fff]|[.-]\d)")


_LONGEST: Final = 64

ANCHORS: Final = {
    "national id": (
        "ni number|nino|national insurance|ssn|social security|nhs|sin |sin:|sin-|social insurance|tfn|tax file|"
        "medicare|pps |pps:|ppsn|aadhaar|aadhar|uidai|pan |pan:|pan-|nric|fin |fin:|fin-|passport|reisepass|"
        "passeport|pasaport|passaport|paszport|cestovní pas|паспорт|护照|driving licen|driver|führerschein|permis de c|"
        "permiso de c|carnet de c|sa id|south african id|id number|steuer|idnr|sozialv|svnr|sv-n|svnummer|rentenv|"
        "ahv|avs|personalausweis|ausweisnummer|carta d|carte|cni|dowód|dowodu|občansk|číslo op|cédula|sécu|nir |nir:|"
        "nir-|registre n|rijksr|insz|numéro fiscal|spi |spi:|spi-|dni |dni:|dni-|nie |nie:|nie-|nif |nif:|nif-|"
        "contribuinte|curp|rut |rut:|rut-|run |run:|run-|seguridad|nuss|naf |naf:|naf-|codice f|c.f.|cf |cf:|cf-|cpf|"
        "niss|nº ss|n.º ss|rg |rg:|rg-|cartão de c|"
        "bilhete|pesel|nip|tckn|t.c.|tc k|kimlik|vatandaş|rodn|r.č.|rč|инн|снилс|身份证|"
        "bsn|burgers|sofin|personnummer|persnr|pnr|cpr|fødsel|fnr|henkil|hetu|oib|cnp|егн|egn|isikuk|asmens|personas k|"
        "adóaz|taj |taj:|taj-|주민등록번호|תעודת|ת.ז."
    ).split("|"),
}


def national_ids(scan: Scan) -> Iterator[Finding]:
    for at, _ in scan.hits("national id"):
        label = _LABEL.match(scan.lower, at) if scan.has_digit(at, at + _LONGEST) else None
        if label and label.lastindex and (match := _after(label.lastindex - 1).match(scan.lower, label.end())):
            yield Finding(*match.span("value"), Secret.NATIONAL_ID)


def national_ids_alone(scan: Scan) -> Iterator[Finding]:
    """Those whose form and check digit show what they are."""
    for match in _ALONE.finditer(scan.text):
        name = match.lastgroup or ""
        if _CHECKS[name](match[0]) and not _NOT_A_PERSON.search(scan.lower, max(match.start() - 24, 0), match.start()):
            yield Finding(match.start(), match.end(), Secret.NATIONAL_ID)


_NOT_A_PERSON = re.compile(
    r"(?<![^\W_])(?:s/?n|serial\w*|serien-?nr|serie|série|asset|order|part|sku|tracking|imei|version|build|firmware"
    r"|model|kb|ticket|request|vorgang|case|id|sid|guid)(?![^\W_])[^\w\n]{0,6}\w{0,10}[^\w\n]{0,4}$"
)
_FORMS: Final = {
    # Each from its second character on; what the first is says the lookbehind.
    "italian": r"(?<=[A-Z])[A-Z]{5}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]",
    "mexican": r"(?<=[A-Z])[A-Z]{3}\d{6}[HM][A-Z]{5}[A-Z0-9]\d",
    "spanish": r"(?:(?<=[XYZ])\d{7}|(?<=\d)\d{7}[- ]?)[A-HJ-NP-TV-Z]",
    "british": r"(?<=[A-CEGHJ-PR-TW-Z])[A-Z] \d\d \d\d \d\d [A-D]",
    "brazilian": r"(?<=\d)\d\d\.\d{3}\.\d{3}-\d\d",
    "russian": r"(?<=\d)\d\d-\d{3}-\d{3} \d\d",
    "swiss": r"(?<=7)56\.\d{4}\.\d{4}\.\d\d",
    "french": r"(?<=[12]) \d\d [01]\d \d\d \d{3} \d{3} \d\d",
    "chinese": r"(?<=[1-9])\d{5}(?:19|20)\d\d[01]\d[0-3]\d{4}[\dX]",
    "czech": r"(?<=\d)\d[0-35-8]\d[0-3]\d/\d{4}",
    "finnish": r"(?<=[0-3])\d[01]\d{3}[-+A]\d{3}[0-9A-FHJ-NPR-Y]",
    "belgian": r"(?<=\d)\d\.[01]\d\.[0-3]\d-\d{3}\.\d\d",
    "chilean": r"(?<=\d)\d?\.\d{3}\.\d{3}-[\dkK]",
    "american": r"(?<=[0-8])\d\d-(?!00)\d\d-(?!0000)\d{4}",
    "korean": r"(?<=\d)\d[01]\d[0-3]\d-[1-4]\d{6}",
}
_ALONE = re.compile(
    r"[A-Z0-9](?<![A-Za-z0-9_.:/+#\\-].)(?=[A-Z0-9 ./+-]{9})(?:"
    + "|".join(f"(?P<{name}>{form})" for name, form in _FORMS.items())
    + r")(?![A-Za-z0-9_]|[.-]\d)"
)


def _values(number: str) -> list[int]:
    return [int(each) for each in number if each.isdecimal()]


def _weighted(values: Sequence[int], weights: Sequence[int]) -> int:
    return sum(value * weight for value, weight in zip(values, weights, strict=True))


def _is_italian(number: str) -> bool:
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    values = [int(each) if each.isdecimal() else ord(each) - ord("A") for each in number[:15]]
    return (
        chr(sum(value if place % 2 else odd[value] for place, value in enumerate(values)) % 26 + ord("A")) == number[15]
    )


def _is_mexican(number: str) -> bool:
    values = ["0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ".index(each) for each in number[:17]]
    return -_weighted(values, range(18, 1, -1)) % 10 == int(number[17])


def _is_spanish(number: str) -> bool:
    digits = number[:-1].translate(str.maketrans("XYZ", "012", "- "))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == number[-1]


def _is_brazilian(number: str) -> bool:
    values = _values(number)
    return len(set(values)) > 1 and all(
        _weighted(values[:count], range(count + 1, 1, -1)) * 10 % 11 % 10 == values[count] for count in (9, 10)
    )


def _is_russian(number: str) -> bool:
    values = _values(number)
    return _weighted(values[:9], range(9, 0, -1)) % 101 % 100 == values[9] * 10 + values[10]


def _is_chinese(number: str) -> bool:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[_weighted(_values(number[:17]), weights) % 11] == number[17]


def _is_belgian(number: str) -> bool:
    digits = re.sub(r"\D", "", number)
    return any(97 - int(first + digits[:9]) % 97 == int(digits[9:]) for first in ("", "2"))


def _is_chilean(number: str) -> bool:
    values = _values(number[:-2])
    total = sum(value * (2 + place % 6) for place, value in enumerate(reversed(values)))
    return "0123456789K"[-total % 11] == number[-1].upper()


_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "italian": _is_italian,
    "mexican": _is_mexican,
    "spanish": _is_spanish,
    "british": bool,
    "brazilian": _is_brazilian,
    "russian": _is_russian,
    "swiss": lambda number: _weighted(_values(number), [1, 3] * 6 + [1]) % 10 == 0,
    "french": lambda number: 97 - int(number.replace(" ", "")[:13]) % 97 == int(number[-2:]),
    "chinese": _is_chinese,
    "czech": lambda number: int(number.replace("/", "")) % 11 == 0,
    "finnish": lambda number: "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(number[:6] + number[7:10]) % 31] == number[10],
    "belgian": _is_belgian,
    "chilean": _is_chilean,
    "american": lambda number: number[:3] not in {"000", "666"},
    "korean": bool,
}
