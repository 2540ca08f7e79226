"""Phone numbers.

A run of digits counts as one if it begins with a country code, if a word before it says so ("call"), or if it has the
form of some country's numbers (by the library `phonenumbers`) and no word beside it says that it is something else
("invoice", "bytes").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import phonenumbers

from app.core.detect.finding import Finding, Secret
from app.core.detect.networks import BLOT, DOTTED_PHONE, without_networks
from app.core.detect.scan import Scan

_PHONE_WORD = re.compile(
    r"(?:(?<![^\W_])(?:tel|telephone|phone|ph|mobile|mob|cell|cellphone|call(?:ed)?(?: (?:me|him|her|us|back|at|on"
    r"|under)){0,3}|fax|caller(?:[ _-]?id|(?! \d))|msisdn"
    r"|faks|dial|ring|text (?:me|him|her|us)|callback|reach\w*(?: \w+){0,2}|hotline|contact(?: \w+)? (?:at|on)"
    r"|extension|ext|tel\.?-?nr|rufnummer"
    r"|telefon\w*|handy(?:nummer|nr)?|mobil(?:nummer|funk|ní|e|ny)?|durchwahl|nebenstelle|anrufen|rückruf"
    r"|ruf\w* \w+ an|erreichbar"
    r"|téléphone|portable|port(?=\.)|tél|joindre|joignable|appele[rz]|rappele[rz](?:-moi)?|poste|ligne directe"
    r"|teléfono|móvil|telf|tfno|cel|celular|llám?\w+|llam(?:ar|e|ame|en)|extensión"
    r"|telefono|cellulare|chiamat\w+|chiamare|numero verde|interno|telem[oó]vel|telefone|ligue|ligar|ramal"
    r"|kom|komórk\w+|dzwoni\w+|wewn|cep|arayın|dahili|volejte|volat|klapka"
    r"|тел|телефон\w*|моб\w*|звон\w+|доб|mobiel|telefoonnummer|bel|tlf|puhelin|τηλ|sms|whatsapp)(?![^\W_])"
    r"|☎|📞|✆|电话|電話|手机|手機|致电|分机|携帯|전화|טלפון|هاتف)[^\d+\n(,]{0,24}[(+]?$",
)
_NUMBER_WORD = re.compile(
    # whose number it is, or nothing: an "employee number" is another
    r"(?:^|[^\w\s]\s*|\n\s*|(?<!\w)(?:the|my|his|her|our|your|their|this|that|new|old|private|work|office|home|direct"
    r"|contact|die|meine|seine|ihre|neue|mon|son|votre|mi|su|meu|seu|mio|suo|mijn|mój|мой|его|её)\s)"
    r"(?:number|nummer|numéro|número|numero|numer|номер|číslo)(?: (?:is|ist|lautet|est|es|è|é|to))?\W{0,3}$"
)
_NOT_A_PHONE = re.compile(
    r"(?:(?<![^\W_])(?:imei|meid|imsi|eid|ipei|iccid|s/?n|serial\w*|serien-?nr|serie|série|série|seri|seryjny|sériov\w+|isbn|issn|doi|upc"
    r"|gtin|vin|awb|duns|vat|ust|siret|siren|hrb|cnpj|abn|ein|asset|inventar\w*|inventario"
    r"|order|bestell\w*|po|rma|ticket|incident|request|vorgang|auftrag\w*|fall|case|kunden\w*|customer|rechnung\w*"
    r"|invoice|facture"
    r"|factura|fattura|faktur\w*|fatura|build|version|firmware|ports?(?!\.\s?:)|vlans?|spares?|psu|fru|toner|sr|tac|gateway|returned|anydesk|rustdesk|teamviewer|splashtop|zoom|webex|meeting\w*|metric|ttl|mtu|asn|id|pid|event|ereignis"
    r"|kb"
    r"|error|fehler\w*|erreur|errore|erro|błąd|hata|chyba|code|código|codice|kod|kód|uuid|guid|mac|sku|part|artikel\w*"
    r"|model|modell\w*|licen[cs]e|lizenz|commande|pedido|chamado|ordine|richiesta|zamówieni\w*|zgłoszeni\w*|sipariş"
    r"|talep|objednávk\w*|požadav\w*|zip|plz|postal|bios|sid|job|batch|charge|lot|dossier"
    r"|expediente|incidencia|caso|barcode|tracking|sendung\w*|ean|counter|zähler\w*|record(?: number)?|handle|thread"
    r"|process|index"
    r"|contract|vertrag\w*|contrat|contrato|nr|no(?!,)|n°|nº|num|n|č|ref|referenz|référence|referencia|bytes|sector|sektor"
    r"|lba|inode"
    r"|block|range|bereich|plage|rango|zakres|material\w*|line|zeile|row|offset|size|größe|timestamp|epoch|time|os|release|uptime|заявк\w*|заказ\w*|сч[её]т\w*"
    r"|серийн\w+|has|dated)(?![^\W_])|p/n|#|№|序列号|订单|订单号|工单号?|编号)[^\d\n+]{0,14}$",
)
_UNIT = re.compile(
    r"\s?(?:bytes?|byte|octets?|[kmgt]i?b|[kmg]bps|[kmg]bit(?:/s)?|rows?|ms|µs|s|sec\w*|seconds?|files?|items?|users?|errors?|messages?|mails?"
    r"|eur|euro|usd|gbp|chf|pln|zeilen|dateien|fichiers|lignes|archivos|free|x\s?\d|%|€|\$)(?![^\W_])"
)
_PHONE = re.compile(
    r"[(+\d](?<![A-Za-z0-9_./+,#\\@-].)(?<![\d:\0]:.)(?:(?<=\()\+?\d|(?<=\+)\d|(?<=\d))(?:[ \u00a0./()–-]{0,3}\d){4,16}"
    r"(?P<extension>\s?[(（]?(?:x|ext\.?|extension|dahili|内線|分机|durchwahl|dw|poste|доб\.?|interno|int\.|wewn?\.?|ramal|toestel|klapka|linka|-)\s?\d{1,5})?(?![A-Za-z0-9_]|[.:,]\d|:\w|/\d|-\w)",
    re.IGNORECASE,
)
_EXTENSION = re.compile(
    r"(?<![a-zà-ž])(?:ext(?:ension|\.)?|extensión|durchwahl|nebenstelle|poste|interno|ramal"
    r"|wewn\.?|wewnętrzny|dahili|klapka|доб\.?"
    r"|добавочный|分机|toestel|desk phone|phone)\s?(?:nr|no|number|n°)?\.?:?\s*x?(?P<value>\d{4,6}|(?<=durchwahl "
    r")\d{3}|(?<=nebenstelle )\d{3}|(?<=durchwahl )-\d{3,4})"
    r"(?![\w/]|[.:,-]\d|\s?(?:bytes|ms|firmware|series|model|handset))"
)
_DATE_OR_VERSION = re.compile(
    r"\(?(?:(?:19|20)\d\d[-./ ][01]?\d[-./ ][0-3]?\d(?:\D.*)?|(?:[0-3]?\d[-./][01]?\d"
    r"|[01]?\d[-./][0-3]?\d)[-./](?:(?:19|20)\d\d(?:\D.*)?|\d\d(?:[ )].*)?)"
    r"|0{4}\d*|[0-3]?\d [01]\d (?:19|20)\d\d|(?:19|20)\d\d[01]\d[0-3]\d[- ]?\d{6}"
    r"|(?:19|20)\d\d[-/ ]\d{3,}|.*\d[-./](?:19|20)\d\d|.*(?<!\d)(?:19"
    r"|20)\d\d[./-]\d\d[./-]\d\d)"
)
_BUILD = re.compile(r"\d{1,3}\.\d{1,3}\.\d-\d{3,6}")
_VERSIONS = re.compile(
    r"(?:\(?\d{1,3}(?:\.\d{1,2}){1,3}[ /]{1,3}){1,3}\(?\d{1,3}(?:\.\d{1,2}){1,3}|\(?\d{1,3} \(?\d{1,3}(?:\.\d{1,2}){2}"
    r"|\d{3}-\d\.\d\.\d+.*|\d{1,3}(?:\.\d{1,3}){1,3} \(\d{3,}|[1-9]\d{2,5} / [1-9]\d{2,5}"
)
_DOTTED = re.compile(r"\(?\d+(?:\.\d+)+")
_HARDWARE = re.compile(r"(?!00)\d\d(?: \d\d){5}|(?!0[1-9])\d{4}-\d{4}-\d{4}|\d{6}-\d{6}")
"""A MAC address of decimal digits only. It is taken for one unless a word says that it is a phone number."""
_AFTER_AN_ADDRESS = re.compile(rf"{BLOT}(?:/\d{{1,2}})?[\s:,;]{{0,3}}$")
_PORTS = re.compile(r"(?=.*\d{4})(?!\d{3} \d{3} \d{4}$)[1-9]\d{0,4}(?: [1-9]\d{0,4})*")
_NUMBER = re.compile(r"[0-9](?:[ \u00a0./()–-]{0,3}\d){4,}")
_GROUP = re.compile(r"\d+")
_COLUMNS = re.compile(r"\s\s|\d\.\d+ \d|\d \d+\.\d")
_ENDS_IN_A_NUMBER = re.compile(r"(?<!\S)\d[\d.,%]*(?<![,.])[ \t]+\(?$")
_BEGINS_A_NUMBER = re.compile(r"[ \t]+\d")
"""What stands beside a number in a row of a table or of a program's output."""
_MOST_GROUPS: Final = 7
_MOST_SINGLE: Final = 2
_LONGEST_GROUP: Final = 4
_LONGEST_AREA: Final = 5
_MAKER = re.compile(r"(?:\bip|cisco|poly|polycom|snom|avaya|mitel|yealink|grandstream|alcatel)[ -]$")
_NAMED = re.compile(r"[\w.-]=[\"']?$")
_BESIDE: Final = 48
_REGIONS: Final = ("DE", "FR", "ES", "US", "GB", "IT", "PL", "BR", "PT", "TR", "RU", "CZ", "CN", "NL", "AT", "CH")
_PHONE_DIGITS: Final = range(7, 16)
_MIN_IN_CONTEXT: Final = 5
_TRUNK_DIGITS: Final = range(10, 13)
_INTERNATIONAL_DIGITS: Final = range(11, 16)
_MIN_WITHOUT_TRUNK: Final = 9
_LONGEST_CONTEXT: Final = 44

ANCHORS: Final = {
    "extension": ("ext|durchwahl|nebenstelle|poste|interno|ramal|wewn|dahili|klapka|доб|分机|toestel|phone").split("|"),
}


def phones(scan: Scan) -> Iterator[Finding]:
    for start, end in _around_numbers(scan.text):
        rest = BLOT * start + without_networks(scan.text[start:end])
        for match in _PHONE.finditer(rest, start):
            if _is_phone(match, scan, rest):
                yield Finding(match.start(), match.end(), Secret.PHONE)


def _around_numbers(text: str) -> list[tuple[int, int]]:
    """The parts of *text* that hold numbers long enough for one, with what stands beside them; to the next blank."""
    parts: list[tuple[int, int]] = []
    for match in _NUMBER.finditer(text):
        if (parts and match.end() <= parts[-1][1] - _BESIDE) or _is_an_address_or_date(match):
            continue
        start = max(match.start() - _BESIDE, parts[-1][1] if parts else 0)
        while start > 0 and not text[start - 1].isspace() and match.start() - start < 2 * _BESIDE:
            start -= 1
        end = min(match.end() + _BESIDE, len(text))
        if parts and start <= parts[-1][1]:
            start = parts.pop()[0]
        parts.append((start, end))
    return parts


def _is_an_address_or_date(match: re.Match[str]) -> bool:
    if match.string[match.start() - 1 : match.start()] in {"+", "("}:
        return False
    is_dotted = _DOTTED.fullmatch(match[0]) and not DOTTED_PHONE.fullmatch(match[0])
    return bool(is_dotted or _DATE_OR_VERSION.fullmatch(match[0]))


def extensions(scan: Scan) -> Iterator[Finding]:
    for at, _ in scan.hits("extension"):
        match = _EXTENSION.match(scan.lower, at)
        if match and not _MAKER.search(scan.lower, max(at - 12, 0), at):
            yield Finding(*match.span("value"), Secret.PHONE)


def _is_phone(match: re.Match[str], scan: Scan, rest: str) -> bool:
    written = match[0].removesuffix(match["extension"] or "").strip()
    number = written if ")" in written else written.removeprefix("(")
    digits = sum(map(str.isdigit, number))
    is_dotted = _DOTTED.fullmatch(number) and not DOTTED_PHONE.fullmatch(number)
    is_version = is_dotted or _DATE_OR_VERSION.fullmatch(number) or _VERSIONS.fullmatch(number)
    is_port = _PORTS.fullmatch(number) and _AFTER_AN_ADDRESS.search(rest, max(match.start() - 8, 0), match.start())
    if digits >= _PHONE_DIGITS.stop or is_version:
        return False
    if number.startswith(("+", "(+")):
        return digits in _PHONE_DIGITS and not number.startswith("+0")
    before = scan.lower[max(match.start() - _LONGEST_CONTEXT, 0) : match.start()]
    says_so = _PHONE_WORD.search(before)
    has_name = digits in _PHONE_DIGITS and _NUMBER_WORD.search(before)
    if is_port or not (says_so or has_name or _has_length_of_one(number)):
        return False
    denies = _NOT_A_PHONE.search(before)
    if says_so and not (denies and denies.start() > says_so.start()):
        is_measure = number[0] not in "0(" and _UNIT.match(scan.lower, match.end())
        return digits >= _MIN_IN_CONTEXT and not is_measure
    is_other = (
        ("(" in number) != (")" in number)
        or denies
        or (_NAMED.search(before) and not has_name)
        or _UNIT.match(scan.lower, match.end())
        or _HARDWARE.fullmatch(number)
        or _BUILD.fullmatch(number)
        or not _has_groups_of_one(number)
        or _ENDS_IN_A_NUMBER.search(rest, max(match.start() - _LONGEST_CONTEXT, 0), match.start())
        or _BEGINS_A_NUMBER.match(rest, match.end())
    )
    return not is_other and bool(has_name or _is_written_as_a_phone(number))


def _is_written_as_a_phone(number: str) -> bool:
    """Whether *number* has the form of some country's numbers. For numbers without a word before them that decides."""
    return _has_length_of_one(number) and any(_is_valid(number, region) for region in _REGIONS)


def _has_groups_of_one(number: str) -> bool:
    """Whether *number* is grouped as people write one, and not a row of a table: "65026 65008", "0/2000/0/0"."""
    sizes = [len(each) for each in _GROUP.findall(number)]
    is_row = _COLUMNS.search(number) or len(sizes) > _MOST_GROUPS or sizes.count(1) > _MOST_SINGLE
    if is_row or number.count("/") > 1:
        return False
    if "(" in number:
        return True
    if not number.startswith("0"):
        return "/" not in number and (len(sizes) == 1 or (sizes[0] < _LONGEST_GROUP and max(sizes) <= _LONGEST_GROUP))
    if sizes[0] == 1:
        return "/" not in number and max(sizes) < _LONGEST_GROUP
    return len(sizes) == 1 or sizes[0] <= _LONGEST_AREA


def _has_length_of_one(number: str) -> bool:
    """Whether *number*, without a word before it, may have the form of some country's numbers."""
    digits = sum(map(str.isdigit, number))
    if number.isdigit() and not (
        number.startswith("0") and digits in (_INTERNATIONAL_DIGITS if number.startswith("00") else _TRUNK_DIGITS)
    ):
        return False
    return digits >= (_PHONE_DIGITS.start if number.startswith(("0", "(")) else _MIN_WITHOUT_TRUNK)


def _is_valid(number: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False
