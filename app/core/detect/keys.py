"""Keys and tokens: those with a form of their own (`AKIA…`), and those that a word before them names ("api key: …")."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from app.core.detect.finding import IS, QUOTES, Finding, Secret, found_value

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)"
    r"|PuTTY-User-Key-File-\d:.*?(?:Private-MAC: *[0-9a-f]+|\Z)",
    re.DOTALL,
)
_ISSUED = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{22,}|glpat-[\w-]{18,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[\w-]{10,}"  # Slack
    r"|sk-(?:proj-|ant-|svcacct-|or-)?[\w-]{20,}"
    r"|(?:sk|pk|rk)_(?:live|test)_\w{10,}|whsec_[\w+/=]{16,}"  # Stripe, Standard Webhooks
    r"|AIza[\w-]{35}|ya29\.[\w-]{10,}|GOCSPX-[\w-]{20,}"  # Google
    r"|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"  # JWT
    r"|npm_\w{30,}|pypi-[\w-]{40,}|hf_[A-Za-z0-9]{30,}|dop_v1_[0-9a-f]{40,}|shp(?:at|ss|ca)_[0-9a-f]{32}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|(?:SK|AC)[0-9a-f]{32}"  # SendGrid, Twilio
    r"|1000\.[0-9a-f]{32}\.[0-9a-f]{32}|ATATT3[\w=-]{20,}|hv[sb]\.\w{20,}"  # Zoho, Atlassian, Vault
    r"|\d{8,10}:AA[\w-]{30,}"  # Telegram
    r"|\$(?:1|2[aby]|5|6|8|9|y)\$[\w./$]{12,}"  # a password's hash
    r"|(?:\d{6}-){7}\d{6}|(?:[A-Z0-9]{5}-){4}[A-Z0-9]{5}"  # a BitLocker recovery key, a product key
    r")(?![A-Za-z0-9])"
)
_BEARER = re.compile(r"\b(?:Bearer|Basic|ApiKey|Zoho-oauthtoken)[ :]+(?P<value>[A-Za-z0-9+/._~=-]{12,})", re.IGNORECASE)
_QUERY = re.compile(
    r"[?&;](?:[\w-]*(?:token|key|secret|signature)|sig|code|auth|sid|session)=(?P<value>[^&\s#\"'<>]{6,})",
    re.IGNORECASE,
)
_HOOK = re.compile(
    r"(?:hooks\.slack\.com/services|webhook\.office\.com/webhookb2"
    r"|discord(?:app)?\.com/api/webhooks)/(?P<value>[^\s\"'<>]{10,})"
)
_KEY_WORD = (
    r"(?:api[-_ ]?(?:key|token|secret|schlüssel)|(?:client|app|shared|webhook|consumer|oauth|radius|hmac"
    r"|signing)[-_ ]?secret(?:[-_ ]?(?:key|value))?"
    r"|secret[-_ ]?(?:access[-_ ]?)?(?:key|value)|(?:access|auth|refresh|bearer|security|session|registration"
    r"|personal access|sas|pat)[-_ ]?(?:key|token)"
    r"|account[-_ ]?key|shared[-_ ]?access[-_ ]?key|licen[cs]e[-_ ]?key|product[-_ ]?key|activation[-_ ]?key"
    r"|encryption[-_ ]?key|recovery[-_ ]?key"
    r"|token|secret|apikey|schlüssel|lizenzschlüssel|zugriffstoken|geheimnis|clé(?: api| d'api| secrète"
    r"| de licence)?|jeton(?: d'accès)?"
    r"|clave(?: api| de api| secreta| de licencia)|token de acceso|secreto)"
)
_KEY_IN_CONTEXT = re.compile(
    rf"(?<![A-Za-z]){_KEY_WORD}[{QUOTES}]?(?:\s+(?:for|für|pour|para|of|von|de|del)\s+[\w.-]{{1,30}})?"
    rf"(?:\s*(?:[:=]|=>|->)\s*|\s+{IS}\s*:?\s+|\s+)[{QUOTES}]?\s?(?P<value>[A-Za-z0-9][\w+/=.~!$%*-]{{9,}})",
    re.IGNORECASE,
)
_MIN_ENTROPY: Final = 2.8
_NAME_OR_VERSION = re.compile(r"^\w+(?:[-_.][a-z]+)+$|^\d+(?:\.\d+)+$")


def issued_keys(text: str) -> Iterator[Finding]:
    """Keys whose form alone shows what they are."""
    for pattern in (_PRIVATE_KEY, _ISSUED):
        for match in pattern.finditer(text):
            yield Finding(match.start(), match.end(), Secret.KEY)


def keys_in_context(text: str) -> Iterator[Finding]:
    """Values that a word before them names as a key, if they look random enough for one."""
    for pattern in (_BEARER, _HOOK, _KEY_IN_CONTEXT):
        for match in pattern.finditer(text):
            if _looks_random(match["value"]):
                yield found_value(match, Secret.KEY)
    for match in _QUERY.finditer(text):
        yield found_value(match, Secret.KEY)


def _looks_random(value: str) -> bool:
    value = value.rstrip(".,;:!?")
    has_both = any(each.isdigit() for each in value) and any(each.isalpha() for each in value)
    return has_both and not _NAME_OR_VERSION.search(value) and _entropy(value) >= _MIN_ENTROPY


def _entropy(value: str) -> float:
    """Shannon entropy of *value* in bits per character."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
