"""Reports of an outage: that something does not work for all, or that a service is gone altogether.

Two that come from one site soon after one another are of one outage, in whatever words (`core.storm`). What says no
more than that something fails is none: "Outlook does not start" may be one of several problems of a Monday morning.
"""

from __future__ import annotations

import re
from typing import Final

from app.core.check.tokens import normal
from app.core.questions import tells_fault
from app.core.ticket import Ticket

_MOST_CHARS: Final = 1_000
"""What is wrong is said first."""
# In normal form: small letters without accents.
_IS_GONE = re.compile(
    # en
    r"\b(?:outage|(?:is|are|was|were|seems?|still|server|servers|internet|network|site|system|line|wi-?fi|mail"
    r"|e-?mail|vpn) (?:all |completely "
    r"|totally )?(?:down|dead|offline|unreachable|unavailable|disconnected)|down ?\?|went down|dead\b(?! battery)"
    r"|(?:gateway|server|database|service|proxy|host|site) (?:is )?not (?:responding|available|reachable|found)"
    r"|(?:no|without) (?:internet|network|wi-?fi|power|electricity)|no (?:web ?)?(?:site|page"
    r"|mail)s? (?:\w+ )?(?:opens?|loads?|comes?)"
    r"|(?:nobody|no one|none of us)(?: \w+){0,4} can|nothing (?:works|prints|opens|loads|comes|arrives|goes out)"
    r"|nothing at all|no connection)\b"
    # de
    r"|\b(?:ausfall|ausgefallen|totalausfall|(?:ist|sind|alles|komplett|anlage|server|netz|internet|wlan"
    r"|telefone?) (?:komplett )?tot"
    r"|(?:kein|ohne) (?:internet|netz|netzwerk|wlan|strom)|(?:niemand|keiner)(?: \w+){0,4} kann"
    r"|nicht (?:erreichbar|verfugbar)|gar nichts|geht (?:\w+ ){0,3}nichts mehr|getrennt)\b"
    # fr
    r"|\b(?:en panne|panne (?:de|du|d'|generale|totale)|injoignables?|hors (?:ligne|service)|deconnectee?s?"
    r"|coupure (?:de|du|d')"
    r"|(?:pas d(?:e |')|sans |plus d(?:e |'))(?:internet|reseau|wifi|courant|electricite)|personne ne peut"
    r"|plus rien|plus aucune?|plus d'acces|rien ne (?:s'\w+|sort|marche|fonctionne|passe))\b"
    # es
    r"|\b(?:caid[oa]s?|caida (?:de|del|general)|(?:no hay|sin|nos quedamos sin) (?:internet|red|conexion|linea|luz"
    r"|sistema|servicio)"
    r"|no (?:esta )?disponibles?|no responde a nadie|todo parado)\b"
)
_FOR_ALL = re.compile(
    r"\b(?:nobody|no one|none of us|all of us|everyone|everybody|us all|the (?:whole|entire) \w+|whole \w+|(?:all"
    r"|any|every|whichever) "
    r"(?:the )?(?:printers?|users?|phones?|computers?|pcs?|screens?|sites?|websites?|pages?|drives?|copiers?"
    r"|scanners?|devices?|servers?)"
    r"|all our|colleagues? (?:too|also|as well|cannot|(?:have|has) (?:it|this|the same))|we all |others too|us too"
    r"|neither my \w+ nor"
    r"|niemand|keiner|bei (?:allen|den kollegen|der kollegin|kollegen)|auch (?:bei )?(?:die|den|der"
    r"|meine?n?) kolleg\w+|kollegen (?:auch|ebenfalls)"
    r"|(?:im|in der|das) ganzen? \w+|(?:alle|samtliche|egal welche[rs]?) \w+|weder \w+ noch"
    r"|personne|tout le monde|(?:tous|toutes) (?:les|nos) \w+|mes collegues|collegues (?:aussi|non plus)"
    r"|(?:dans )?tou(?:t|te) (?:le|la|l'|notre) \w+"
    r"|quelle? que soit|ni (?:le |la |l'|mon |ma )?\w+ ni"
    r"|nadie|ningun[oa]?|tod[oa]s (?:los|las|nosotr\w+)|tod[oa] (?:el|la) \w+|companer[oa]s (?:tampoco|tambien"
    r"|igual)|ni \w+ ni)\b"
)


def reports_outage(ticket: Ticket) -> bool:
    """Whether *ticket* says that a service is gone, or that something fails for more than one."""
    text = normal(f"{ticket.subject}\n{ticket.mail.own or ticket.mail.quoted}"[:_MOST_CHARS])
    return bool(_IS_GONE.search(text) or (_FOR_ALL.search(text) and tells_fault(ticket)))
