"""Draws what the labelled texts leave open: random parts of keys and logs, and numbers with their check digits.

The check digits are computed here apart from the detectors, each as its authority describes it, so that a fault of a
detector is not a fault of its texts too.
"""

from __future__ import annotations

import random
import re
import string
import uuid
from collections.abc import Callable, Sequence
from typing import Final

_ALPHABETS: Final = {
    "w": string.ascii_letters + string.digits,
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "u": string.ascii_uppercase + string.digits,
    "b": string.ascii_letters + string.digits + "+/",
    "s": string.ascii_letters + string.digits + "_-",
    "d": string.digits,
    "l": string.ascii_lowercase + string.digits,
    "c": string.ascii_uppercase + "234567",
}
_BANKS: Final = dict(
    each.split()
    for each in (
        "AD 8n12c|AE 19n|AL 8n16c|AT 16n|AZ 4a20c|BA 16n|BE 12n|BG 4a6n8c|BH 4a14c|BI 23n|BR 23n1a1c|BY 4c4n16c|CH 5n12c"
        "|CR 18n|CY 8n16c|CZ 20n|DE 18n|DJ 23n|DK 14n|DO 4c20n|EE 16n|EG 25n|ES 20n|FI 14n|FK 2a12n|FO 14n|FR 10n11c2n"
        "|GB 4a14n|GE 2a16n|GI 4a15c|GL 14n|GR 7n16c|GT 24c|HN 4a20n|HR 17n|HU 24n|IE 4a14n|IL 19n|IQ 4a15n|IS 22n|IT 1a10n12c"
        "|JO 4a4n18c|KW 4a22c|KZ 3n13c|LB 4n20c|LC 4a24c|LI 5n12c|LT 16n|LU 3n13c|LV 4a13c|LY 21n|MC 10n11c2n|MD 20c|ME 18n"
        "|MK 3n10c2n|MN 16n|MR 23n|MT 4a5n18c|MU 4a19n3a|NI 4a20n|NL 4a10n|NO 11n|OM 3n16c|PK 4a16c|PL 24n|PS 4a21c|PT 21n"
        "|QA 4a21c|RO 4a16c|RS 18n|RU 14n15c|SA 2n18c|SC 4a20n3a|SD 14n|SE 20n|SI 15n|SK 20n|SM 1a10n12c|SO 19n|ST 21n|SV 4a20n"
        "|TL 19n|TN 20n|TR 6n16c|UA 6n19c|VA 18n|VG 4a16n|XK 16n|YE 4a4n18c"
    ).split("|")
)
"""The national part of each country's IBAN, from the registry of SWIFT: n digits, a letters, c either."""
COUNTRIES: Final = tuple(_BANKS)
_CARDS: Final = {
    "visa": ("4", 16), "mc": ("53", 16), "mc2": ("2221", 16), "amex": ("37", 15), "disc": ("6011", 16), "jcb": ("3530", 16),
    "diners": ("3056", 14), "maestro": ("6759", 16), "union": ("6221", 16), "mir": ("2200", 16),
}  # fmt: skip


def draw(text: str, seed: str) -> str:
    """*text* with each `{w36}`, `{ip}`, `{iban:PL}` drawn; the same *seed* draws the same."""
    rng = random.Random(seed)

    def drawn(match: re.Match[str]) -> str:
        if match["alphabet"]:
            return "".join(rng.choice(_ALPHABETS[match["alphabet"]]) for _ in range(int(match["count"])))
        if match["kind"]:
            return _numbered(match["kind"], match["which"], rng)
        return _PLAIN[match["plain"]](rng)

    return _DIRECTIVE.sub(drawn, text)


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice(string.digits) for _ in range(count))


def _numbered(kind: str, which: str, rng: random.Random) -> str:
    if kind in {"iban", "ibanc"}:
        number = _iban(which, rng)
        return _groups(number, [4] * 9) if kind == "iban" else number
    if kind in {"card", "cards", "cardd"}:
        number = _card(which, rng)
        by = {"card": "", "cards": " ", "cardd": "-"}[kind]
        return _groups(number, [4, 6, 5] if which in {"amex", "diners"} else [4, 4, 4, 4], by)
    number = _IDS[which](rng)
    if kind == "idc":
        return re.sub(r"\W", "", number)
    return _groups(number, _ID_GROUPS[which]) if kind == "ids" else number


def _groups(number: str, sizes: Sequence[int], by: str = " ") -> str:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(number[at : at + size])
        at += size
    return by.join(each for each in [*pieces, number[at:]] if each)


def _iban(country: str, rng: random.Random) -> str:
    alphabets = {"n": string.digits, "a": string.ascii_uppercase, "c": string.digits + string.ascii_uppercase}
    parts = re.findall(r"(\d+)([nac])", _BANKS[country])
    national = "".join(rng.choice(alphabets[kind]) for count, kind in parts for _ in range(int(count)))
    remainder = int("".join(str(int(each, 36)) for each in f"{national}{country}00")) % 97
    return f"{country}{98 - remainder:02}{national}"


def _card(brand: str, rng: random.Random) -> str:
    first, length = _CARDS[brand]
    return _with_luhn(first + _digits(rng, length - len(first) - 1))


def _with_luhn(number: str) -> str:
    total = sum(sum(map(int, str(int(each) * (2 - at % 2)))) for at, each in enumerate(reversed(number)))
    return number + str(-total % 10)


def _weighted(number: str, weights: Sequence[int]) -> int:
    return sum(int(each) * weight for each, weight in zip(number, weights, strict=True))


def _until(make: Callable[[], str | None]) -> str:
    """The first that *make* can make: some schemes leave out numbers whose check digit would be 10."""
    while True:
        if (number := make()) is not None:
            return number


def _date(rng: random.Random, form: str = "{y:02}{m:02}{d:02}") -> str:
    year = rng.randint(1950, 1999)
    return form.format(Y=year, y=year % 100, m=rng.randint(1, 12), d=rng.randint(1, 28))


def _mod11(
    rng: random.Random, count: int, weights: Sequence[int], *, negative: bool = True, ten: str | None = None
) -> str:
    def make() -> str | None:
        number = str(rng.randint(1, 9)) + _digits(rng, count - 1)
        check = (-_weighted(number, weights) if negative else _weighted(number, weights)) % 11
        return number + str(check) if check < 10 else None if ten is None else number + ten

    return _until(make)


def _iso_11_10(rng: random.Random) -> str:
    """ISO 7064 mod 11, 10: the German tax number and the Croatian OIB. Of the German one a digit stands twice."""
    digits = rng.sample(string.digits[1:], 9)
    digits.insert(rng.randint(2, 9), digits[0])
    product = 10
    for each in digits:
        product = ((int(each) + product) % 10 or 10) * 2 % 11
    return "".join(digits) + str((11 - product) % 10)


def _verhoeff(rng: random.Random) -> str:
    multiply = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 0, 6, 7, 8, 9, 5], [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7], [4, 0, 1, 2, 3, 9, 5, 6, 7, 8], [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2], [7, 6, 5, 9, 8, 2, 1, 0, 4, 3], [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ]  # fmt: skip
    permute = [[*range(10)], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    while len(permute) < 8:
        permute.append([permute[-1][permute[1][at]] for at in range(10)])
    number = str(rng.randint(2, 9)) + _digits(rng, 10)
    total = 0
    for at, each in enumerate(reversed(number), 1):
        total = multiply[total][permute[at % 8][int(each)]]
    return _groups(number + str([row.index(0) for row in multiply][total]), [4, 4, 4])


def _cpf(rng: random.Random) -> str:
    number = _digits(rng, 9)
    for first in (10, 11):
        check = -_weighted(number, range(first, 1, -1)) % 11
        number += str(check % 10 if check < 10 else 0)
    return f"{number[:3]}.{number[3:6]}.{number[6:9]}-{number[9:]}"


def _turkish(rng: random.Random) -> str:
    n = [rng.randint(1, 9)] + [rng.randint(0, 9) for _ in range(8)]
    tenth = (sum(n[::2]) * 7 - sum(n[1::2])) % 10
    return "".join(map(str, [*n, tenth, (sum(n) + tenth) % 10]))


def _codice_fiscale(rng: random.Random) -> str:
    letters = string.ascii_uppercase
    number = (
        "".join(rng.choice("BCDFGLMNPRSTV") for _ in range(6)) + f"{rng.randint(50, 99)}{rng.choice('ABCDEHLMPRST')}"
    )
    number += f"{rng.randint(1, 28):02}{rng.choice('ABCDEFGHIL')}{_digits(rng, 3)}"
    odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
    values = [int(each) if each.isdigit() else letters.index(each) for each in number]
    total = sum(odd[value] if at % 2 == 0 else value for at, value in enumerate(values))
    return number + letters[total % 26]


def _dni(rng: random.Random, first: str = "") -> str:
    number = _digits(rng, 7 if first else 8)
    return f"{first}{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[int(str('XYZ'.find(first) if first else '') + number) % 23]}"


def _rut(rng: random.Random) -> str:
    number = str(rng.randint(5_000_000, 25_000_000))
    check = -sum(int(each) * (2 + at % 6) for at, each in enumerate(reversed(number))) % 11
    return f"{int(number):,}".replace(",", ".") + f"-{'0123456789K'[check]}"


def _curp(rng: random.Random) -> str:
    number = f"GARC{_date(rng)}{rng.choice('HM')}DF{''.join(rng.choice('BCDFGLMNPRSTV') for _ in range(3))}0"
    alphabet = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    return number + str(-sum(alphabet.index(each) * (18 - at) for at, each in enumerate(number)) % 10)


def _french(rng: random.Random) -> str:
    number = f"{rng.randint(1, 2)}{_date(rng)[:4]}{rng.randint(1, 95):02}{_digits(rng, 6)}"
    return f"{number}{97 - int(number) % 97:02}"


def _belgian(rng: random.Random) -> str:
    number = f"{_date(rng)}{rng.randint(1, 997):03}"
    check = 97 - int(number) % 97
    return f"{number[:2]}.{number[2:4]}.{number[4:6]}-{number[6:]}.{check:02}"


def _nric(rng: random.Random) -> str:
    number = _digits(rng, 7)
    return f"S{number}{'JZIHGFEDCBA'[_weighted(number, [2, 7, 6, 5, 4, 3, 2]) % 11]}"


def _pps(rng: random.Random) -> str:
    number = str(rng.randint(1, 9)) + _digits(rng, 6)
    return f"{number}{'WABCDEFGHIJKLMNOPQRSTUV'[(_weighted(number, range(8, 1, -1)) + 9) % 23]}A"


def _pesel(rng: random.Random) -> str:
    number = _date(rng) + _digits(rng, 4)
    return number + str(-_weighted(number, [1, 3, 7, 9] * 2 + [1, 3]) % 10)


def _czech(rng: random.Random) -> str:
    def make() -> str | None:
        number = _date(rng, "{y:02}{m:02}{d:02}")[:6] + _digits(rng, 3)
        check = int(number) % 11
        return f"{number[:6]}/{number[6:]}{check}" if check < 10 else None

    return _until(make)


def _swedish(rng: random.Random) -> str:
    number = _with_luhn(_date(rng) + _digits(rng, 3))
    return f"{number[:6]}-{number[6:]}"


def _danish(rng: random.Random) -> str:
    def make() -> str | None:
        number = _date(rng, "{d:02}{m:02}{y:02}") + str(rng.randint(0, 3)) + _digits(rng, 2)
        check = -_weighted(number, [4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11
        return f"{number[:6]}-{number[6:]}{check}" if check < 10 else None

    return _until(make)


def _norwegian(rng: random.Random) -> str:
    def make() -> str | None:
        number = _date(rng, "{d:02}{m:02}{y:02}") + f"{rng.randint(0, 499):03}"
        for weights in ([3, 7, 6, 1, 8, 9, 4, 5, 2], [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]):
            check = -_weighted(number, weights) % 11
            if check == 10:
                return None
            number += str(check)
        return number

    return _until(make)


def _finnish(rng: random.Random) -> str:
    number = _date(rng, "{d:02}{m:02}{y:02}") + f"{rng.randint(2, 899):03}"
    return f"{number[:6]}-{number[6:]}{'0123456789ABCDEFHJKLMNPRSTUVWXY'[int(number) % 31]}"


def _romanian(rng: random.Random) -> str:
    number = f"{rng.randint(1, 2)}{_date(rng)}{rng.randint(1, 46):02}{_digits(rng, 3)}"
    check = _weighted(number, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11
    return number + str(check if check < 10 else 1)


def _bulgarian(rng: random.Random) -> str:
    number = _date(rng) + _digits(rng, 3)
    return number + str(_weighted(number, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10)


def _estonian(rng: random.Random) -> str:
    number = f"{rng.randint(3, 4)}{_date(rng)}{_digits(rng, 3)}"
    check = _weighted(number, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11
    if check == 10:
        check = _weighted(number, [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10
    return number + str(check)


def _korean(rng: random.Random) -> str:
    number = _date(rng) + str(rng.randint(1, 2)) + _digits(rng, 5)
    return f"{number[:6]}-{number[6:]}{(11 - _weighted(number, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10}"


def _chinese(rng: random.Random) -> str:
    number = f"110105{_date(rng, '{Y}{m:02}{d:02}')}{_digits(rng, 3)}"
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return number + "10X98765432"[_weighted(number, weights) % 11]


def _swiss(rng: random.Random) -> str:
    number = "756" + _digits(rng, 9)
    check = -_weighted(number, [1, 3] * 6) % 10
    return f"756.{number[3:7]}.{number[7:11]}.{number[11]}{check}"


def _austrian(rng: random.Random) -> str:
    def make() -> str | None:
        serial, birth = str(rng.randint(100, 999)), _date(rng, "{d:02}{m:02}{y:02}")
        check = _weighted(serial + birth, [3, 7, 9, 5, 8, 4, 2, 1, 6]) % 11
        return f"{serial}{check} {birth}" if check < 10 else None

    return _until(make)


def _german_pension(rng: random.Random) -> str:
    number = f"{rng.randint(2, 89):02}{_date(rng, '{d:02}{m:02}{y:02}')}{rng.choice(string.ascii_uppercase)}{_digits(rng, 2)}"
    digits = number[:8] + f"{ord(number[8]) - 64:02}" + number[9:]
    weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]
    total = sum(sum(map(int, str(int(each) * weight))) for each, weight in zip(digits, weights, strict=True))
    return f"{number}{total % 10}"


def _snils(rng: random.Random) -> str:
    number = f"{rng.randint(2_000_000, 999_999_999):09}"
    check = _weighted(number, range(9, 0, -1)) % 101 % 100
    return f"{number[:3]}-{number[3:6]}-{number[6:]} {check:02}"


def _inn(rng: random.Random) -> str:
    number = f"77{_digits(rng, 8)}"
    for weights in ([7, 2, 4, 10, 3, 5, 9, 4, 6, 8], [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]):
        number += str(_weighted(number, weights) % 11 % 10)
    return number


def _spanish_social(rng: random.Random) -> str:
    number = f"28{rng.randint(10_000_000, 99_999_999)}"
    return f"28/{number[2:]}/{int(number) % 97:02}"


def _tax_file_number(number: str) -> str | None:
    return number if _weighted(number, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 == 0 else None


def _niss(rng: random.Random) -> str:
    number = "1" + _digits(rng, 9)
    return number + str(9 - _weighted(number, [29, 23, 19, 17, 13, 11, 7, 5, 3, 2]) % 10)


def _hungarian(rng: random.Random) -> str:
    def make() -> str | None:
        number = "8" + _digits(rng, 8)
        check = _weighted(number, range(1, 10)) % 11
        return number + str(check) if check < 10 else None

    return _until(make)


def _african(rng: random.Random) -> str:
    return _with_luhn(_date(rng) + _digits(rng, 4) + "08")


def _with_luhn_first(rng: random.Random) -> str:
    number = _digits(rng, 8)
    total = sum(sum(map(int, str(int(each) * (1 + at % 2)))) for at, each in enumerate(number))
    return number + str(-total % 10)


_IDS: Final[dict[str, Callable[[random.Random], str]]] = {
    "nhs": lambda rng: _groups(_mod11(rng, 9, range(10, 1, -1)), [3, 3, 4]),
    "sin": lambda rng: _groups(_with_luhn("1" + _digits(rng, 7)), [3, 3, 3]),
    "tfn": lambda rng: _groups(_until(lambda: _tax_file_number(_digits(rng, 9))), [3, 3, 3]),
    "pps": _pps,
    "aadhaar": _verhoeff,
    "nric": _nric,
    "za": _african,
    "de": _iso_11_10,
    "hr": _iso_11_10,
    "desv": _german_pension,
    "at": _austrian,
    "ch": _swiss,
    "fr": _french,
    "frtin": lambda rng: (n := "1" + _digits(rng, 9)) + f"{int(n) % 511:03}",
    "be": _belgian,
    "dni": _dni,
    "nie": lambda rng: _dni(rng, rng.choice("XYZ")),
    "curp": _curp,
    "rut": _rut,
    "ess": _spanish_social,
    "it": _codice_fiscale,
    "pt": lambda rng: _mod11(rng, 8, range(9, 1, -1), ten="0"),
    "cpf": _cpf,
    "niss": _niss,
    "pesel": _pesel,
    "nip": lambda rng: _mod11(rng, 9, [6, 5, 7, 2, 3, 4, 5, 6, 7], negative=False),
    "tr": _turkish,
    "cz": _czech,
    "inn": _inn,
    "snils": _snils,
    "cn": _chinese,
    "bsn": lambda rng: _mod11(rng, 8, range(9, 1, -1), negative=False),
    "se": _swedish,
    "dk": _danish,
    "no": _norwegian,
    "fi": _finnish,
    "ro": _romanian,
    "bg": _bulgarian,
    "ee": _estonian,
    "hu": _hungarian,
    "kr": _korean,
    "il": _with_luhn_first,
}


_ID_GROUPS: Final = {"de": [2, 3, 3, 3], "fr": [1, 2, 2, 2, 3, 3, 2], "dni": [8, 1], "bsn": [4, 2, 3]}
_HOSTS: Final = (
    "srv-mail01",
    "sw-core-02",
    "web03.corp.example",
    "fw01",
    "db-04.prod.acme.example",
    "nas01",
    "PC-0231",
)


def _time(rng: random.Random, form: str) -> str:
    return form.format(
        m=rng.randint(1, 12), d=rng.randint(1, 28), H=rng.randint(0, 23), M=rng.randint(0, 59), S=rng.randint(0, 59)
    )


def _ip(rng: random.Random) -> str:
    return ".".join(map(str, (rng.choice([10, 172, 192, 203, 51]), *(rng.randint(0, 255) for _ in range(3)))))


def _hexes(rng: random.Random, count: int, alphabet: str = "h") -> str:
    return "".join(rng.choice(_ALPHABETS[alphabet]) for _ in range(count))


_PLAIN: Final[dict[str, Callable[[random.Random], str]]] = {
    "guid": lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    "ip": _ip,
    "ip6": lambda rng: f"2001:db8:{_hexes(rng, 4)}::{_hexes(rng, 4)}:{_hexes(rng, 3)}",
    "net": lambda rng: f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.0/{rng.randint(20, 28)}",
    "mac": lambda rng: _groups(_hexes(rng, 12), [2] * 6, ":"),
    "macd": lambda rng: _groups(_hexes(rng, 12, "H"), [2] * 6, "-"),
    "maco": lambda rng: _groups(_hexes(rng, 12), [4] * 3, "."),
    "wwn": lambda rng: _groups("5" + _hexes(rng, 15), [2] * 8, ":"),
    "hexpairs": lambda rng: _groups(_hexes(rng, 32), [2] * 16, ":"),
    "host": lambda rng: rng.choice(_HOSTS),
    "imei": lambda rng: _with_luhn("35" + _digits(rng, 12)),
    "ts": lambda rng: _time(rng, "2026-{m:02}-{d:02} {H:02}:{M:02}:{S:02}"),
    "syslog": lambda rng: _time(rng, "Oct {d:02} {H:02}:{M:02}:{S:02}"),
    "clf": lambda rng: _time(rng, "{d:02}/Oct/2026:{H:02}:{M:02}:{S:02} +0200"),
}
_DIRECTIVE: Final = re.compile(
    rf"\{{(?:(?P<alphabet>[{''.join(_ALPHABETS)}])(?P<count>\d+)"
    rf"|(?P<kind>ibanc?|card[sd]?|id[sc]?):(?P<which>\w+)|(?P<plain>{'|'.join(_PLAIN)}))\}}"
)
