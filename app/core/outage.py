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
    r"|totally )?(?:down|dead|offline|unreachable|unavailable|disconnected)|down ?\?|went down"
    r"|dead\b(?! (?:batter|pixel|letter|link|key|spot|zone|line))"
    r"|(?:gateway|server|database|service|proxy|host|site) (?:is )?not (?:responding|available|reachable|found)"
    r"|(?:no|without) (?:internet|network|wi-?fi|power|electricity)|no (?:web ?)?(?:site|page"
    r"|mail)s? (?:\w+ )?(?:opens?|loads?|comes?)"
    r"|(?:nobody|no one|none of us)(?! can (?:hear|see) me)(?: \w+){0,4} can|nothing (?:works|prints|opens|loads"
    r"|comes|arrives|goes out)"
    r"|nothing at all|no connection)\b"
    # de
    r"|\b(?:ausfall|ausgefallen|totalausfall|(?:ist|sind|alles|komplett|anlage|server|netz|internet|wlan"
    r"|telefone?) (?:komplett )?tot"
    r"|(?:kein|ohne) (?:internet|netz|netzwerk|wlan|strom)|(?:niemand|keiner)(?: \w+){0,4} kann"
    r"|nicht (?:erreichbar|verfugbar)|gar nichts|geht (?:\w+ ){0,3}nichts mehr"
    r"|(?:ist|sind|steht|outlook|teams|vpn|verbindung|server)(?: \w+){0,2} [„\"']?getrennt)\b"
    # fr
    r"|\b(?:en panne|panne (?:de|du|d'|generale|totale)|injoignables?|hors (?:ligne|service)|deconnectee?s?"
    r"|coupure (?:de|du|d')"
    r"|(?:pas d(?:e |')|sans |plus d(?:e |'))(?:internet|reseau|wifi|courant|electricite)|personne ne peut"
    r"|plus rien|plus aucune?(?! (?:question|besoin|probleme))|plus d'acces|rien ne (?:s'\w+|sort|marche"
    r"|fonctionne|passe))\b"
    # es
    r"|\b(?:caid[oa]s?|caida (?:de|del|general)|(?:no hay|sin|nos quedamos sin) (?:internet|red|conexion|linea|luz"
    r"|sistema|servicio)"
    r"|no (?:esta )?disponibles?|no responde a nadie|todo parado)\b"
)
_MANY: Final = (
    r"(?:\S+ ){0,2}(?:\w*team|office|company|department|building|floor|site|staff|school|branch|warehouse|hall"
    r"|shop|store"
    r"|plant|group|sales|finance|accounts"
    r"|firma|abteilung|\w*haus|gebaude|\w*stock|etage|\w*buro|halle|standort|lager|schule|filiale|werk|bereich"
    r"|equipe|service|bureau|batiment|entreprise|societe|agence|atelier|ecole|entrepot|magasin|usine|site"
    r"|oficina|planta|empresa|sede|tienda|fabrica|equipo|departamento|edificio|almacen|escuela|personal)"
)
_THINGS: Final = (
    r"(?!my |mein|mes |mis )(?:\w+ )?(?:printers?|users?|phones?|computers?|pcs?|screens?|sites?|websites?"
    r"|drives?|copiers?|scanners?"
    r"|devices?"
    r"|servers?|laptops?|terminals?|tills?|customers?"
    r"|\w*drucker|\w*auftrage|\w*telefone|\w*rechner|\w*gerate|\w*scanner|\w*bildschirme|laufwerke|kolleg\w+"
    r"|mitarbeiter\w*"
    r"|benutzer"
    r"|nutzer|kassen|kunden|apparate|\w*seiten"
    r"|imprimantes?|telephones?|postes?|ordinateurs?|utilisateurs?|ecrans?|serveurs?|lecteurs?|appareils?"
    r"|clients?|caisses"
    r"|impresoras?|telefonos?|ordenadores|equipos|usuarios|pantallas|servidores|companer\w+|unidades|dispositivos"
    r"|clientes)"
)
_FOR_ALL = re.compile(
    r"\b(?:(?:nobody|no one)(?! (?:can |could )?(?:hears?|sees?) me)|none of us|all of us"
    r"|(?<!to )(?<!from )every(?:one|body)(?!'s)|us all"
    rf"|(?:whole|entire) {_MANY}|(?:all|any|every|whichever) (?:the |our )?{_THINGS}|(?:all"
    rf"|any) (?:web ?)?pages?(?! of)|we all "
    r"|all our|colleagues? (?:too|also|as well|cannot|(?:have|has) (?:it|this|the same))|others too|us too"
    r"|neither my \w+ nor"
    r"|(?:niemand|keiner)(?! (?:hort|sieht) mich)|bei (?:allen|den kollegen|der kollegin|kollegen)"
    r"|auch (?:bei )?(?:die|den|der|meine?n?) kolleg\w+|kollegen (?:auch|ebenfalls)"
    rf"|(?:im|in der|das|die) ganzen? {_MANY}|(?:alle|samtliche|egal welche[rs]?) {_THINGS}"
    rf"|kein \w*drucker (?:reagiert|druckt|geht)|weder \w+ noch"
    rf"|personne(?! ne m')|tout le monde|(?:tous|toutes) (?:les|nos) {_THINGS}|mes collegues|collegues (?:aussi"
    rf"|non plus)"
    rf"|tou(?:t|te) (?:(?:le|la|notre) |l'){_MANY}"
    r"|quelle? que soit|ni (?:le |la |l'|mon |ma )?\w+ ni"
    rf"|nadie(?! me (?:oye|ve))|ningun[oa]?|tod[oa]s (?:(?:los|las) {_THINGS}|nosotr\w+)|tod[oa] (?:el"
    rf"|la) (?:mundo|{_MANY})"
    r"|companer[oa]s (?:tampoco|tambien|igual)|ni \w+ ni)\b"
)
_OF_ONE = re.compile(
    r"\b(?:laptop|notebook|battery|headset|keyboard|mouse|screen|monitor|akku|tastatur|maus|bildschirm|handy"
    r"|portable|batterie"
    r"|casque|clavier|souris|ecran|portatil|bateria|auriculares|teclado|raton|pantalla|licen[cs](?:es?|ias?)"
    r"|lizenz(?:en)?"
    r"|(?:my|mein\w*|mon|ma|mi) (?:\w+ ){0,2}?(?:phone|mobile|pc|computer|tablet|account|printer|telefon"
    r"|rechner|konto|drucker"
    r"|telephone|ordinateur|poste|compte|imprimante|telefono|movil|ordenador|cuenta|impresora)"
    r"|(?:on|to|for) my|only (?:me|mine)|bei mir|nur ich|(?<!de )chez moi|(?:pour|que) moi|(?:para|a) mi"
    r"|at home|(?<!von )zu ?hause|en casa)\b"
)
"""What one person has: a service that is gone there alone is no outage."""
_ASKS = re.compile(
    r"\b(?:please|bitte|merci de|por favor|can (?:you|we)|konnt\w+ (?:sie|ihr)|pouvez-vous|podeis"
    r"|pueden?)\b[^.!?\n]{0,60}"
    r"\b(?:give|grant|add|install|delete|remove|order|send|set up|geben|gib|einricht\w+|install\w+|bestell\w+|loschen"
    r"|freischalt\w+|donner|ajouter|supprimer|commander|dar|anadir|borrar|pedir)\b"
    r"|\b(?:we (?:all )?(?:need|would like)|wir (?:brauchen|benotigen)|nous (?:avons besoin|voudrions)|necesitamos)\b"
    r"(?! (?:\w+ )?(?:help|hilfe|aide|ayuda))"
)


def reports_outage(ticket: Ticket) -> bool:
    """Whether *ticket* says that a service is gone, or that something fails for more than one."""
    text = normal(f"{ticket.subject}\n{ticket.mail.own or ticket.mail.quoted}"[:_MOST_CHARS])
    if _FOR_ALL.search(text) and not _ASKS.search(text) and tells_fault(ticket):
        return True
    return bool(_IS_GONE.search(text)) and not _OF_ONE.search(text)
