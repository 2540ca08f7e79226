"""Keys and tokens: those with a form of their own (`AKIA…`), and those that a word before them names ("api key: …").

The forms of issuers are theirs, as documented or as gitleaks' rules (MIT) collect them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Final

from app.core.detect.finding import IS, QUOTES, Finding, Secret, found_value
from app.core.detect.scan import Scan

_GUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ISSUED: Final = {
    # What each form begins with, in lower case, and the form from there on.
    **dict.fromkeys(("akia", "asia", "agpa", "aida", "aroa", "abia", "acca"), r"A[A-Z]{3}[A-Z0-9]{16}"),
    "iqoj": r"IQoJ[\w/+=]{48,}",
    "absk": r"ABSK[\w/+]{60,}={0,2}",
    "ltai": r"LTAI\w{12,24}",
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_\w{20,}"),
    "github_pat_": r"github_pat_\w{22,}",
    **dict.fromkeys(
        ("glpat-", "glrt-", "gldt-", "glptt-", "glcbt-", "glft-", "glimt-", "glagent-", "gloas-", "glsoat-", "glffct-"),
        r"gl[a-z]{2,6}-[\w.-]{18,}",
    ),
    "gr1348941": r"GR1348941[\w-]{20}",
    **dict.fromkeys(("xoxa", "xoxb", "xoxe", "xoxo", "xoxp", "xoxr", "xoxs"), r"xox[a-z][.-][\w.-]{10,}"),
    "xapp-": r"xapp-\d-[\w-]{10,}",
    "sk-": r"sk-[\w-]{20,}",
    "sk.eyj": r"[ps]k\.eyJ[\w-]{30,}\.[\w-]{15,}",
    **dict.fromkeys(("xai-", "pplx-", "nvapi-"), r"(?:xai|pplx|nvapi)-[\w-]{30,}"),
    "aq.ab8": r"AQ\.Ab8[\w-]{40,}",
    "e2b_": r"e2b_[0-9a-f]{40}",
    "fc-": r"fc-[0-9a-f]{32}",
    **{f"sk_{digit}": r"sk_[0-9a-f]{48}" for digit in "0123456789abcdef"},
    **dict.fromkeys(("crsr_", "key_"), r"(?:crsr|key)_[0-9a-f]{64}"),
    "hcxik_": r"hcxik_[a-z0-9]{58}",
    "pmat-": r"PMAT-[A-Z0-9]{26}",
    "xaat-": r"xaat-" + _GUID,
    "hf_": r"hf_[A-Za-z0-9]{30,}",
    **dict.fromkeys(
        ("sk_live_", "sk_test_", "pk_live_", "rk_live_", "rk_test_", "pk_test_"), r"[spr]k_(?:live|test)_\w{10,}"
    ),
    "whsec_": r"whsec_[\w+/=]{16,}",
    "eaaa": r"EAAA[\w-]{22,}",
    "eaa": r"EAA[A-Za-z0-9]{80,}",
    "sq0": r"sq0[a-z]{3}-[\w-]{22,}",
    "shpat_": r"shpat_[0-9a-fA-F]{32}",
    **dict.fromkeys(("shpss_", "shpca_", "shppa_"), r"shp[a-z]{2}_[0-9a-fA-F]{32}"),
    "aiza": r"AIza[\w-]{35}",
    "ya29.": r"ya29\.[\w-]{10,}",
    "gocspx-": r"GOCSPX-[\w-]{20,}",
    "1//0": r"1//0[\w-]{30,}",
    "aqv": r"AQV(?:[\w-]{60,}|N[\w-]{35,38})",
    "aaaaaaaaaaaaaaaaaaaaa": r"A{20,}[\w%]{30,}",
    "eyj": r"ey[JI][\w-]{8,}(?:\.[\w-]{8,}(?:\.[\w-]*)?|[\w+/=-]{40,})",
    "npm_": r"npm_\w{30,}",
    "pypi-": r"pypi-[\w-]{40,}",
    "rubygems_": r"rubygems_[0-9a-f]{40,}",
    "dckr_": r"dckr_[a-z]{3}_[\w-]{20,}",
    "cio": r"cio[A-Za-z0-9]{32}",
    "oy2": r"oy2[a-z0-9]{43}",
    **dict.fromkeys(("dop_v1_", "doo_v1_", "dor_v1_"), r"do[opr]_v1_[0-9a-f]{40,}"),
    "hrku-": r"HRKU-[\w-]{30,}",
    **dict.fromkeys(("fo1_", "fm1", "fm2_"), r"f(?:o1|m1[ar]|m2)_[\w+/=-]{40,}"),
    "rnd_": r"rnd_\w{20,}",
    "sbp_": r"sbp_[0-9a-f]{40}",
    "sb_secret_": r"sb_secret_[\w-]{20,}",
    "pscale_": r"pscale_[a-z]+_[\w.=-]{32,}",
    "dapi": r"dapi[0-9a-f]{32}(?:-\d)?",
    "ver:1-hint": r"ver:\d-hint:\d+-[\w+/=]{30,}",
    "nrak-": r"NRAK-[A-Z0-9]{20,}",
    "nral": r"[0-9a-f]{36}NRAL",
    "glsa_": r"glsa_\w{32}_[0-9a-fA-F]{8}",
    "glc_": r"glc_[\w+/=]{32,}",
    "sntrys_": r"sntrys_[\w+/=]{40,}",
    "sntryu_": r"sntryu_[0-9a-f]{64}",
    "dt0": r"dt0[a-z]\d\d\.[A-Z0-9]{24}\.\w{64}",
    **dict.fromkeys(("hvs.", "hvb.", "hvr."), r"hv[sbr]\.[\w-]{20,}"),
    "atlasv1": r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,}",
    "pul-": r"pul-[0-9a-f]{40}",
    "dp.": r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[\w-]{2,35}\.)?\w{40,44}",
    "a3-": r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
    "ops_eyj": r"ops_eyJ[\w+/=]{100,}",
    "atatt3": r"ATATT3[\w=-]{20,}",
    "atbb": r"ATBB[\w=-]{20,}",
    "secret_": r"secret_[A-Za-z0-9]{40,}",
    "sl.": r"sl\.[\w-]{100,}",
    "pat": r"pat(?:[A-Za-z0-9]{14}\.[0-9a-f]{64}|\.[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}|-[a-z]{2}\d-"
    + _GUID
    + ")",
    "akcp": r"AKCp\w{69}",
    "cmvmd": r"cmVmd\w{59}",
    **dict.fromkeys(("sqp_", "squ_", "sqa_"), r"sq[pua]_[0-9a-f]{40}"),
    "ccipat_": r"CCIPAT_\w{22,}",
    "bkua_": r"bkua_[0-9a-f]{40}",
    "sdk-": r"sdk-" + _GUID,
    "tskey-": r"tskey-[a-z]+-[\w-]{20,}",
    "django-insecure-": r"django-insecure-\S{40,}",
    "age-secret-key-1": r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
    "a3t": r"A3T[A-Z0-9]{17}",
    "bedrock-api-key-": r"bedrock-api-key-[\w+/=]{40,}",
    "4b1d": r"4b1d[A-Za-z0-9]{38}",
    "clojars_": r"CLOJARS_[a-zA-Z0-9]{60}",
    "v1.0-": r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}",
    "dnkey-": r"dnkey-[\w=-]{26}-[\w=-]{52}",
    **dict.fromkeys(("duffel_live_", "duffel_test_"), r"duffel_(?:live|test)_[\w=-]{43}"),
    **dict.fromkeys(("ezak", "eztk"), r"EZ[AT]K[A-Za-z0-9]{54}"),
    "flwseck": r"FLWSECK(?:_TEST)?-[\w-]{12,}",
    "fio-u-": r"fio-u-[\w=-]{64}",
    "sat.": r"sat\.[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}",
    "api_org_": r"api_org_[A-Za-z]{34}",
    "ico-": r"ico-[A-Za-z0-9]{32}",
    "s-s4t2": r"s-s4t2(?:ud|af)-[0-9a-f]{64}",
    "nrii-": r"NRII-[A-Za-z0-9-]{32}",
    "sha256~": r"sha256~[\w-]{43}",
    **dict.fromkeys(
        ("access-sandbox-", "access-development-", "access-production-"),
        r"access-(?:sandbox|development|production)-" + _GUID,
    ),
    "rdme_": r"rdme_[a-z0-9]{70}",
    "tk-us-": r"tk-us-[\w-]{48}",
    **dict.fromkeys(("sm_aat_", "sm_pat_", "sm_sat_"), r"sm_[aps]at_[A-Za-z0-9]{16}"),
    **dict.fromkeys(("shippo_live_", "shippo_test_"), r"shippo_(?:live|test)_[0-9a-fA-F]{40}"),
    **dict.fromkeys(("sk_prod_", "rk_prod_"), r"[sr]k_prod_\w{10,}"),
    "_mmk": r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk",
    # A private key, and a static one of OpenVPN, as base64: in Kubernetes' secrets, in pfSense's file.
    **dict.fromkeys(
        ("ls0tls1crudjtibqu", "ls0tls1crudjtibsu", "ls0tls1crudjtibfq", "ls0tls1crudjtibpu", "ls0tls1crudjtibft"),
        r"LS0tLS1CRUdJTiB(?:QUklWQVRF|SU0EgUFJJ|FQyBQUklW|PUEVOU1NI|FTkNSWVBU)[\w/+]{20,}={0,2}",
    ),
    "iwojidiwndggyml0ie9wzw5wue4gc3rhdgljigtleq": r"IwojIDIwNDggYml0IE9wZW5WUE4gc3RhdGljIGtleQ[\w/+]{20,}={0,2}",
    "zxlk": r"ZXlK[\w+/]{60,}={0,2}",
    "azdo": r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}",
    **dict.fromkeys(("csk-", "tvly-", "pcsk_"), r"(?:csk-|tvly-|pcsk_)[\w-]{24,}"),
    **dict.fromkeys(("lsv2_pt_", "lsv2_sk_"), r"lsv2_[ps][tk]_[0-9a-f]{32}_[0-9a-f]{10}"),
    "napi_": r"napi_[a-z0-9]{40,}",
    "cfpat-": r"CFPAT-[\w-]{43}",
    "cciprj_": r"CCIPRJ_\w{22,}",
    "mlsn.": r"mlsn\.[0-9a-f]{64}",
    **dict.fromkeys(("rzp_live_", "rzp_test_"), r"rzp_(?:live|test)_\w{14}"),
    **dict.fromkeys(("xnd_production_", "xnd_development_"), r"xnd_(?:production|development)_\w{40,}"),
    **dict.fromkeys(("atctt3", "atsta3"), r"AT(?:CTT|STA)3[\w=-]{40,}"),
    # "atta" alone begins "attach".
    **dict.fromkeys(
        (*(f"atta{each}" for each in "0123456789abdef"), *(f"attac{each}" for each in "0123456789abcdef")),
        r"ATTA[0-9a-fA-F]{64,}",
    ),
    "hcaik_": r"hcaik_[a-z0-9]{58}",
    "essu_": r"essu_[\w=]{40,}",
    "snyk_uat.": r"snyk_[us]at\.[0-9a-f]{8}\.[\w.-]{20,}",
    "akid": r"AKID[A-Za-z0-9]{32}",
    "ptr_": r"ptr_[\w+/]{43}=?",
    "itg.": r"ITG\.[0-9a-f]{32}\.[\w-]{40,}",
    "pveapitoken=": r"PVEAPIToken=[\w.@-]+![\w-]+=" + _GUID,
    "sg.": r"SG\.[\w-]{16,}\.[\w-]{16,}",
    **{f"sk{digit}": r"SK[0-9a-f]{32}" for digit in "0123456789abcdef"},
    "key-": r"key-[0-9a-f]{32}",
    "-us": r"[0-9a-f]{32}-us\d{1,2}",
    "xkeysib-": r"xkeysib-[0-9a-f]{64}-\w{16}",
    "re_": r"re_\w{8}_\w{20,}",
    "mt": r"[MN][\w-]{23,26}\.[\w-]{6}\.[\w-]{27,40}",
    "1000.": r"1000\.[0-9a-fx]{32}\.[0-9a-fx]{32}",
    ":aa": r"(?<=\d):AA[\w-]{30,}",
    "q~": r"[\w~.-]{3}\dQ~[\w~.-]{31,34}",
    "p8e-": r"p8e-[\w-]{32}",
    "pmak-": r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}",
    "sgp_": r"sgp_(?:\w+_)?[0-9a-fA-F]{40}",
    "api-": r"API-[A-Z0-9]{26}",
    "1/": r"1/\d{16}:[0-9a-f]{32}",
    "k10": r"K10[0-9a-f]{64}::\w+:\w+",
    "jbswy3dpehpk3pxp": r"JBSWY3DPEHPK3PXP\w*",
    ":::": r"[0-9a-fA-F]{32}:[0-9a-fA-F]{32}:::",
    **dict.fromkeys(("$apr1$", "$sha1$", "$pbkdf2", "$scrypt$"), r"\$[\w-]+\$[\w./$=,+-]{20,}"),
    **dict.fromkeys(("$p$", "$h$", "$s$"), r"\$[PHS]\$[\w./]{28,}"),
    **dict.fromkeys(("pbkdf2_sha", "scram-sha-"), r"(?:pbkdf2_sha\d+|SCRAM-SHA-\d+)\$[\w$:./+=]{30,}"),
    "0x0200": r"0x0200[0-9A-Fa-f]{100,}",
    "$argon2": r"\$argon2\w+\$[\w$./+=,-]{20,}",
    **dict.fromkeys(
        ("$1$", "$5$", "$6$", "$8$", "$9$", "$y$", "$2a$", "$2b$", "$2y$", "$7$"), r"\$(?:\d[aby]?|y)\$[\w./$]{12,}"
    ),
}
_BEFORE: Final = {"nral": 36, "_mmk": 36, "azdo": 76, "atlasv1": 15, "-us": 32, "q~": 4, ":::": 65}
"""How many characters of a form stand before what it is found by."""


_PREFIXED = re.compile(r"_(?P<random>[\w-]{30,200}=*)(?![@\w-])", re.ASCII)
"""What most issuers give now: `name_` and a long random part. So the issuer need not be known."""
_PREFIX = re.compile(r"(?<![\w.+@-])[a-z][a-z0-9]{1,15}(?:[_-][a-z0-9]{1,14}){0,3}$")
_LONGEST_PREFIX: Final = 48
_FEWEST_CHANGES: Final = 0.36
"""Of random letters and digits three in five differ in kind from the one before, of names one in three."""
_OF_A_NAME = re.compile(r"[-_=]")
_SHORTEST_PIECE: Final = 8
_AWS_IDS: Final = frozenset({"akia", "asia"})
_AWS_SECRET = re.compile(
    r"\s?[/:,;|]?\s?(?P<value>(?=[\w+/]*[a-z])(?=[\w+/]*[A-Z])(?=[\w+/]*\d)[A-Za-z0-9+/]{40})(?![\w+/=])"
)


@cache
def _form(word: str) -> re.Pattern[str]:
    """The form that is found by *word*. Compiled when a text first holds it: few of them ever occur."""
    return re.compile(_ISSUED[word] if word == ":aa" else rf"(?<![A-Za-z0-9])(?:{_ISSUED[word]})(?![A-Za-z0-9])")


_PRIVATE_KEY = re.compile(
    r"----[- ]BEGIN (?:[A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?|OpenVPN [\w -]{4,30}[Kk]ey(?: V1)?)[- ]----.*?"
    r"(?:----[- ]END [\w -]{0,34}[Kk](?:EY|ey)(?: BLOCK| V1)?[- ]----|\Z)"
    r"|PuTTY-User-Key-File-\d:.*?(?:Private-MAC: *[0-9a-f]+|\Z)",
    re.DOTALL,
)
_IN_GROUPS = re.compile(
    # A recovery key of BitLocker and of FileVault, a product key.
    r"\d{6}(?<![\w-]\d{6})(?:\s?-\s?\d{6}){7}(?![\w-])|[A-Z0-9]{5}(?<![A-Za-z0-9-]\w{5})(?:-[A-Z0-9]{5}){4}(?![\w-])"
    r"|[A-Z0-9]{4}(?<![A-Za-z0-9-]\w{4})(?:-[A-Z0-9]{4}){5}(?![\w-])"
)
_MIN_HYPHENS: Final = 4
_HAS_GROUPS = re.compile(r"[A-Z0-9][A-Z0-9]{3,5}(?:-[A-Z0-9]{4,6}){4}")
_SCHEME = re.compile(
    rf"(?:(?:proxy-)?authorization[{QUOTES}]?\s*[:=]\s*[{QUOTES}]?(?:[\w-]{{1,20}}\s+)?(?:token=[{QUOTES}]?)?"
    r"|(?:bearer|basic|apikey|geniekey|splunk|zoho-oauthtoken|negotiate)[ "
    r":]+)(?!\w{2,20}=[\w\"'])(?P<value>[\w+/.~=-]{12,1024})"
)
_QUERY = re.compile(r"(?P<name>[a-z-]{3,12})=(?P<value>[^&\s#\"'<>;,]{6,1024})")
_MAY_BE_NO_SECRET: Final = frozenset({"key", "code", "auth", "session", "pass", "sid"})
_IN_A_QUERY = re.compile(r"[?&;#][\w-]{0,24}$")
_COOKIE = re.compile(
    r"(?:jsessionid|phpsessid|asp\.net_sessionid|aspsessionid\w{0,8}|\.?aspxauth|\.aspnetcore\.[\w.]{1,30}"
    r"|connect\.sid|sessionid"
    r"|ests\w{0,12}auth\w{0,12}|wordpress_(?:sec|logged_in)_[0-9a-f]{8,32}|(?:pve|pmg|pbs)authcookie|mrhsession|ltpatoken2?"
    r"|nsc_aaac|svpncookie|webvpn|spoidcrl|remember_\w{2,60}|vmware-api-session-id"
    r"|session_id|sess(?:ion)?|sessid|\w{0,16}_session(?:_id)?|csrftoken|xsrf-token|fedauth|rtfa|saml(?:response"
    r"|request)|[_\w-]{0,12}(?<!s)sid)=(?P<value>[^\s;,\"'<>]{12,1024})"
)
_OF_COOKIE = re.compile(r"(?P<name>[\w.%-]{1,64})=(?P<value>[^\s;,\"'<>]{16,1024})")
_COUNTS_VISITS = re.compile(r"_g(?:a|id|cl)|_fb|_hj|optanon|consent|cookielaw|utm")
_SEED = re.compile(
    # As authenticators show it, when the picture can't be read: sixteen characters or more of base32, in fours.
    r"(?:(?:totp|otp|2fa|mfa) seed|totp|keys?|secrets?(?: keys?)?|codes?|seed)\b[^\n]{0,40}?[\s:]"
    r"(?P<value>(?:[a-z2-7]{4}(?P<by>[ -]))(?:[a-z2-7]{4}(?P=by)){2,6}[a-z2-7]{4})(?![\w-])"
)
_OF_A_SEED = re.compile(r"mfa|2fa|otp|authent|setup|secret|two[- ]factor|einricht|config|qr|manual")
_HOOK = re.compile(
    r"(?:hooks\.slack\.com/(?:services|workflows|triggers)|webhook\.office\.com/webhookb2"
    r"|discord(?:app)?\.com/api/webhooks"
    r"|hooks\.zapier\.com/hooks/catch|maker\.ifttt\.com/use|hook\.\w{2,4}\.make\.com)/"
    r"(?P<value>[^\s\"'<>)]{10,1024})"
)
_DSN = re.compile(r"://(?P<value>[0-9a-f]{32})@")
_NAME: Final = (
    r"(?:keys?(?:[-_ ](?:id|base|value))?|(?:integration|auth|api)[-_ ]?code|tokens?(?:[-_ ]?(?:key|value|id))?"
    r"|authtoken|authkey|(?:totp|otp|2fa|mfa) seed(?:\s\(\w{1,12}\))?|pat(?=:)"
    r"|secrets?(?:[-_ ]?(?:access[-_ ]?)?(?:keys?|values?))?(?:[-_ ](?:id|base))?|schlüssels?|geheimnis|cl(?:é|ef)s?"
    r"|jetons?|clave|secreto"
    r"|chiavi?e?|segreto|chave|segredo|klucz\w{0,2}|anahtar\w{0,2}|belirte[cç]\w{0,2}|klíč\w{0,2}|ключ\w{0,2}"
    r"|токен\w{0,2}|секрет\w{0,2}|密钥|密鑰|秘钥|令牌|授权码|キー|トークン)"
)
_STATED = re.compile(
    rf"(?P<name>{_NAME})[{QUOTES}\]]{{0,2}}"
    rf"(?P<kind>(?: \d{{1,2}}(?!\w)|[ -][^\W\d]{{1,14}}(?:['’][^\W\d]{{1,14}})?){{0,5}}?)"
    rf"(?P<joint>(?:\s*\[[^\]\n]{{0,24}}\])?\s*(?:[:=：]|=>|->)\s*|\s+\((?=\S+\))|\s+{IS}\s*:?\s+|(?:是"
    rf"|为))[{QUOTES}]?\s?(?P<value>[\w+/][\w+/=.~!$%*:-]{{7,1023}})"
)
_BESIDE = re.compile(
    rf"(?P<name>{_NAME})[{QUOTES}\]]{{0,2}}(?P<kind>(?:[ -][^\W\d]{{1,14}}(?:['’][^\W\d]{{1,14}})?){{0,2}}?)"
    rf"(?P<joint>\s+)[{QUOTES}]?(?P<value>[\w+/][\w+/=.~!$%*:-]{{15,1023}})"
)
_VALUE_ATTRIBUTE = re.compile(
    rf"{_NAME}(?:[{QUOTES}]|</)(?:\s*,?\s*[{QUOTES}]?value[{QUOTES}]?\s*[=:]\s*[{QUOTES}]|[^\n<>]{{0,40}}>\s*<value>)"
    rf"(?P<value>[^\"'\n<>]{{8,256}})[{QUOTES}<]"
)
_QUOTED_VALUE = re.compile(
    # define('AUTH_KEY', 'x')   "auth": "x"   encrypt = "x"
    r"(?:(?:keys?|salt|secret|token)(?P<quote>[\"'])\s*(?:,|=>)|auth(?:[\"']\s*:|\[\d*\]\s*=)|encrypt\s?[=:])\s*"
    r"(?:\"(?P<double>[^\"\n]{16,256})\"|'(?P<single>[^'\n]{16,256})')"
)
_AUTH = re.compile(rf"auth\s?[:=]\s?[{QUOTES}]?(?P<value>[\w+/]{{24,}}={{0,2}})(?![\w.-])")
_IS_A_SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}")
_MIN_RANDOM: Final = 3.5
_TICKET = re.compile(
    r"(?:ticket|otp|invite|invitation|confirm(?:ation)?|hash|nonce|jwt|assertion)=(?P<value>[\w.~%+/=-]{20,1024})"
)
_IN_CAMEL_CASE = re.compile(r"(?:(?:To|Of|By|Id|In|Is|On|My|Db|No|Ad|[A-Z]{0,6}[a-z]{2,})[_.-]?)+[A-Z]{0,3}")
_MIN_ENTROPY: Final = 2.8
_MIN_BESIDE: Final = 16
_NAME_OR_VERSION = re.compile(
    r"(?:[a-z]{1,20}\d{0,3}|\d{1,14})(?:[-_.](?:[a-z]{1,20}\d{0,3}|\d{1,14}))*|0x[0-9a-f]+"
    r"|(?:[\w-]{1,24}\.)+[a-z]{2,6}(?:[:/].*)?"
    r"|\d{4}-\d\d-\d\d\w*(?::.*)?|sha\d+:.*|ftk(?:mob)?[\da-f]{8,12}|[a-z]:[\\/].*|/.*|\w+\(.*|\d[\d.,:/-]*[a-z]{0,4}",
    re.IGNORECASE,
)
_IS_GUID = re.compile(_GUID, re.IGNORECASE)
_PUBLIC_KEY = re.compile(
    # RSA, elliptic curves, Ed25519 and X25519, as their DER begins: what a record of DKIM shows to everybody.
    r"(?:p=)?(?:MI(?:Gf|Ge)MA0GCSqGSIb3DQEBAQUAA4|MII[BC][\w+/]jANBgkqhkiG9w0BAQEFAAOCA"
    r"|MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE|MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE|MCowBQYDK2V[uw]AyEA)"
)
_KEY_ID = re.compile(r"(?:0x)?(?:[0-9A-Fa-f]{8}){1,2}")
"""What BitLocker and PGP show of a key, so that the right one is taken."""
_QUALIFIED = re.compile(
    r"(?:api|access|account|licen[cs]e|product|activation|encryption|recovery|signing|master|private|preshared"
    r"|decryption|validation"
    r"|windows|office|subscription|admin|auth|ssh|storage|service|functions?|app|secret|technician|session"
    r"|registration|maps|aws|lizenz|produkt|wiederherstellungs|zugriffs|geheimer|x-[\w-]{1,16})[-_ ]?$|[\w-]-$"
)
_GUID_IS_KEY = re.compile(
    r"(?:api|access|subscription|functions?|genie|technician|licen[cs]e|auth|secret|server)[-_ ]?$"
)
_NEVER_WEAK = re.compile(
    r"token|secret|geheimnis|jeton|secreto|segre|belirte|токен|секрет|令牌|授权码|トークン|auth|totp|pat"
)
_PUBLIC = re.compile(
    r"(?:public(?:[-_ ]?key)?|host|öffentlich\w*|registry|primary|foreign|duplicate|index|hot|function|openssh|sort"
    r"|partition|part)[-_ ]?$"
)

ANCHORS: Final = {
    "issued": tuple(_ISSUED),
    "underscore": ("_",),
    "private key": "-----begin|---- begin|putty-user-key-file".split("|"),
    "scheme": ("authorization|bearer|basic|apikey|geniekey|splunk|zoho-oauthtoken|negotiate").split("|"),
    "query": tuple(
        f"{each}=" for each in ("token", "key", "secret", "signature", "sig", "code", "auth", "sid", "session", "pass")
    ),
    "cookie": (
        "estsauth|wordpress_|authcookie|pveauth|pmgauth|pbsauth|mrhsession|ltpatoken|nsc_aaac|svpncookie|webvpn|spoidcrl|"
        "remember_|vmware-api-s|jsessionid|phpsessid|asp.net_s|aspsession|.aspxauth|aspxauth|.aspnetcore|connect.sid|sessionid|session_id|"
        "session=|sess=|sessid|_session|csrftoken|xsrf-token|fedauth|rtfa|samlre|sid="
    ).split("|"),
    "cookies": ("cookie: ", 'cookie": "', "cookie "),
    "ticket": tuple(
        f"{each}=" for each in "ticket otp invite invitation confirm confirmation hash nonce jwt assertion".split()
    ),
    "auth": ("auth:", "auth =", "auth="),
    "hook": (
        "hooks.slack.com|webhook.office.com|discord.com/api|discordapp.com/api|hooks.zapier.com|maker.ifttt.com|hook.eu"
        "|hook.us"
    ).split("|"),
    "url": ("://",),
    "key": (
        'integrationcode|integration code|authcode|auth code|auth_code|apicode|api code|salt\'|salt"|auth"'
        "|auth'|auth[|encrypt =|encrypt=|encrypt:|"
        "key|token|secret|schlüssel|geheimnis|clé|clef|jeton|clave|chiave|segreto|chave|segredo|klucz|anahtar|belirte|klíč|"
        "ключ|токен|секрет|密钥|密鑰|秘钥|令牌|授权码|キー|トークン|pat:|totp|otp seed|2fa seed|mfa seed"
    ).split("|"),
}


def issued_keys(scan: Scan) -> Iterator[Finding]:
    """Keys whose form alone shows what they are."""
    if scan.hits("private key"):
        yield from (Finding(*match.span(), Secret.KEY) for match in _PRIVATE_KEY.finditer(scan.text))
    end = 0
    for at, word in scan.hits("issued"):
        if at < end:  # within the key before
            continue
        if match := _form(word).match(scan.text, max(at - _BEFORE.get(word, 0), 0)):
            end = match.end()
            if word in _AWS_IDS and (secret := _AWS_SECRET.match(scan.text, end)):
                yield Finding(*secret.span("value"), Secret.KEY)
            yield Finding(_start_of_bot(scan.text, at) if word == ":aa" else match.start(), end, Secret.KEY)


def prefixed_keys(scan: Scan) -> Iterator[Finding]:
    """A short name in small letters, an underscore, and what is random by its form."""
    end = 0
    for at, _ in scan.hits("underscore"):
        if at < end or not (match := _PREFIXED.match(scan.text, at)) or not _is_of_random_signs(match["random"]):
            continue
        if prefix := _PREFIX.search(scan.text, max(at - _LONGEST_PREFIX, 0), at):
            end = match.end()
            yield Finding(prefix.start(), end, Secret.KEY)


def _is_of_random_signs(value: str) -> bool:
    """Whether *value* has all three of small letters, capitals and digits, and they change as in a random text."""
    if value.islower() or value.isupper() or not any(map(str.isdigit, value[:-2])):
        return False
    longest = max(_OF_A_NAME.split(value), key=len)
    kinds = [each.isdigit() + 2 * each.isupper() for each in longest]
    changes = sum(one != other for one, other in pairwise(kinds))
    return len(longest) >= _SHORTEST_PIECE and changes >= _FEWEST_CHANGES * len(longest)


def keys_in_groups(scan: Scan) -> Iterator[Finding]:
    """Recovery keys and product keys: groups of digits and capitals."""
    if scan.text.count("-") >= _MIN_HYPHENS and (
        _HAS_GROUPS.search(scan.text) or b"000000 - 000000" in scan.digits or b"000000-\n000000" in scan.digits
    ):
        for match in _IN_GROUPS.finditer(scan.text):
            if _is_of_both(match[0]) or match[0][:6].isdecimal():
                yield Finding(*match.span(), Secret.KEY)


def _start_of_bot(text: str, colon: int) -> int:
    """Where the number before the token of a Telegram bot begins."""
    start = colon
    while start > 0 and text[start - 1].isdecimal():
        start -= 1
    return start


def keys_in_context(scan: Scan) -> Iterator[Finding]:
    """Values that a word before them names as a key, if they look random enough for one."""
    read = 0
    for at, word in scan.hits("cookies"):
        end = scan.text.find("\n", at, at + _LONGEST_HEADER)
        start, read = max(at + len(word), read), end if end > 0 else at + _LONGEST_HEADER
        for match in _OF_COOKIE.finditer(scan.text, start, read):
            if not _COUNTS_VISITS.match(match["name"].lower()) and _is_random(found_value(match, Secret.KEY), scan):
                yield _whole(match, scan)
    for group, find in _IN_CONTEXT.items():
        end = 0
        for at, _ in scan.hits(group):
            if at >= end and (found := find(scan, at)):
                end = found.end
                yield found


def _by(pattern: re.Pattern[str], *, is_sure: bool = False) -> Callable[[Scan, int], Finding | None]:
    def find(scan: Scan, at: int) -> Finding | None:
        match = pattern.match(scan.lower, at)
        return _whole(match, scan) if match and (is_sure or _is_random(found_value(match, Secret.KEY), scan)) else None

    return find


def _whole(match: re.Match[str], scan: Scan) -> Finding:
    """The value of *match*; one that is longer than the pattern reads, to its end."""
    found = found_value(match, Secret.KEY)
    rest = _REST.match(scan.text, found.end) if found.end - found.start >= _LONGEST_READ else None
    return found._replace(end=rest.end()) if rest else found


def _in_query(scan: Scan, at: int) -> Finding | None:
    match = _QUERY.match(scan.lower, at)
    if match is None or not _IN_A_QUERY.search(scan.lower, max(at - 26, 0), at):
        return None
    if match["name"] in _MAY_BE_NO_SECRET and not _is_of_both(match["value"]):
        return None
    is_of_a_word = match["name"] == "code" and scan.lower[at - 1].isalpha()  # zipcode, refcode
    return None if is_of_a_word else _whole(match, scan)


def _named(scan: Scan, at: int) -> Finding | None:
    """The key that the word at *at*, such as the "key" of "api-key", names."""
    if (match := _VALUE_ATTRIBUTE.match(scan.lower, at)) and _is_random(found := found_value(match, Secret.KEY), scan):
        return found
    before = scan.lower[max(at - _LONGEST_QUALIFIER, 0) : at]
    return _seed(scan, at, before) or _quoted(scan, at) or _in_a_sentence(scan, at, before)


def _in_a_sentence(scan: Scan, at: int, before: str) -> Finding | None:
    match = _STATED.match(scan.lower, at) or _BESIDE.match(scan.lower, at)
    if match is None or _PUBLIC.search(before):
        return None
    finding = found_value(match, Secret.KEY)
    if match["name"].endswith("id") and _KEY_ID.fullmatch(scan.text, finding.start, finding.end):
        return None
    is_weak = not (_NEVER_WEAK.match(match["name"]) or _QUALIFIED.search(before) or match["kind"])
    is_beside = not match["joint"].strip()
    if (is_beside or is_weak) and finding.end - finding.start < _MIN_BESIDE:
        return None
    may_be_guid = _NEVER_WEAK.match(match["name"]) or _GUID_IS_KEY.search(before)
    if _IS_GUID.match(scan.text, finding.start) and not (_GUID_IS_KEY.search(before) if is_beside else may_be_guid):
        return None
    return _whole(match, scan) if _is_random(finding, scan) else None


def _quoted(scan: Scan, at: int) -> Finding | None:
    if (match := _QUOTED_VALUE.match(scan.lower, at)) is None:
        return None
    start, end = match.span("double" if match["double"] else "single")
    value = scan.text[start:end]
    is_one = _is_of_both(value) and _entropy(value) >= _MIN_RANDOM and not _IS_A_SENTENCE.search(value)
    return Finding(start, end, Secret.KEY) if is_one and not _NAME_OR_VERSION.fullmatch(value) else None


def _in_a_link(scan: Scan, at: int) -> Finding | None:
    match = _TICKET.match(scan.lower, at)
    if match is None or not _IN_A_QUERY.search(scan.lower, max(at - 26, 0), at):
        return None
    return _whole(match, scan) if _is_random(found_value(match, Secret.KEY), scan) else None


def _seed(scan: Scan, at: int, before: str) -> Finding | None:
    """The seed of one-time codes after the word at *at*."""
    if (match := _SEED.match(scan.lower, at)) is None:
        return None
    value = scan.text[match.start("value") : match.end("value")]
    says_so = _OF_A_SEED.search(before + scan.lower[match.start() : match.start("value")])
    is_one = says_so and (value.isupper() or any(map(str.isdigit, value)))
    return Finding(*match.span("value"), Secret.KEY) if is_one else None


_LONGEST_QUALIFIER: Final = 24
_LONGEST_READ: Final = 1_000
_LONGEST_HEADER: Final = 4_000
_REST = re.compile(r"[\w+/=.~%-]*")
_IN_CONTEXT: Final[dict[str, Callable[[Scan, int], Finding | None]]] = {
    "hook": _by(_HOOK, is_sure=True),
    "url": _by(_DSN),
    "scheme": _by(_SCHEME),
    "ticket": _in_a_link,
    "cookie": _by(_COOKIE),
    "query": _in_query,
    "key": _named,
    "auth": _by(_AUTH),
}


def _is_random(finding: Finding, scan: Scan) -> bool:
    value = scan.text[finding.start : finding.end]
    if _PUBLIC_KEY.match(value):
        return False
    if value.isalpha() and len(value) >= _MIN_BESIDE and value.isascii() and not (value.islower() or value.isupper()):
        return not _IN_CAMEL_CASE.fullmatch(value)
    return _is_of_both(value) and not _NAME_OR_VERSION.fullmatch(value) and _entropy(value) >= _MIN_ENTROPY


def _is_of_both(value: str) -> bool:
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value))


def _entropy(value: str) -> float:
    """Shannon entropy of *value* in bits per character."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
