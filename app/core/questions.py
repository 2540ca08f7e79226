"""What to ask a requester, where the sources don't suffice for steps: nothing that the ticket says already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from app.core.check.tokens import normal
from app.core.confidence import matter, names_error
from app.core.enhancement import Question
from app.core.reading.monitors import is_fault_report
from app.core.source import Gathered, SourceKind
from app.core.ticket import Ticket

MAX_QUESTIONS: Final = 3
USUAL: Final = (Question.ERROR_TEXT, Question.DEVICE, Question.SINCE_WHEN)
FURTHER: Final = (Question.WHAT_CHANGED, Question.HOW_TO_REPEAT)
"""Where the ticket answers all that is usually asked."""

_WHEN = re.compile(
    r"\b(?:since|yesterday|today|tonight|morning|(?:last|this) (?:night|week|month)|monday|tuesday|wednesday|thursday"
    r"|friday|saturday|sunday|seit|gestern|heute|(?:letzte|diese)[rsn]? \w+|montag"
    r"|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|depuis|hier|aujourd'hui|ce matin|lundi|mardi"
    r"|mercredi|jeudi"
    r"|vendredi|samedi|dimanche|desde|ayer|hoy|lunes|martes|miercoles|jueves|viernes|sabado|domingo)\b"
    r"|\b(?:od (?:rana|dzis|wczoraj|poniedzialku|wtorku|srody|czwartku|piatku)|dzis|dzisiaj|wczoraj"
    r"|stamattina|ieri|oggi|da lunedi|vandaag|gisteren|sinds|vanochtend|hoje|ontem|anoche|hier soir"
    r"|ago|vor \d+ \w+|il y a|hace (?:\d+|un\w*|dos|tres) \w+)\b"
    r"|\b\d{1,2}[:.]\d{2}\b|\b\d{4}-\d\d-\d\d\b"
)
"""Words for a time, in normal form."""


# What does not work. A word of one language is often another one's for something else ("Business Plus", a Dutch "pas",
# a Portuguese "no"), so a negation counts with what is denied.
_FAULT = re.compile(
    # en
    r"(?:n't|\b(?:not|cannot|cant|wont|doesnt|isnt))\b(?! (?:know|need|requir|want|have to|necessary|urgent|before"
    r"|until"
    r"|later|only"
    r"|applicable|a rush|in a hurry))"
    r"|\b(?:unable|never|fail(?:s|ed|ing|ures?)?|errors?|broken|crash\w*|slow\w*|down|dead|freez\w+|frozen|hang(?:s"
    r"|ing)?|hung"
    r"|stuck|lost|missing|offline|disconnect\w*|drops?|dropp\w+|wrong|reject\w*|refus\w+|denied|locked|problems?"
    r"|faulty?"
    r"|(?<!please )(?<!to )issues?(?! (?:a|an|him|her|them|me|us|new)\b)|blink\w*|flicker\w*|jam(?:s|med|ming)?"
    r"|noise(?!.?cancel)|blank|black screen|time[ds]? ?out|outage"
    r"|no (?:longer|network|internet|connection|sound|audio|signal|power|picture|image|display|video|access|mails?"
    r"|response"
    r"|answer|wifi|wi-fi|dial ?tone|light))\b"
    # de
    r"|\b(?:nichts?|kein\w*)\b(?!(?: \w+){0,2} (?:notig|erforderlich|notwendig|benotigt|gebraucht|dringend|eilig)\b)"
    r"|\b(?:fehler\w*|defekt\w*|kaputt\w*|langsam\w*|absturz\w*|sturzt|hangt|storung\w*|ausfall\w*|gesperrt\w*"
    r"|probleme?n?"
    r"|verloren|fehlt|(?:ist|sind|war|waren|alles|einfach|plotzlich) weg)\b"
    # fr
    r"|\b(?:n'|ne )[\w']+(?: \w+){0,2} (?:pas|plus|rien|jamais)\b"
    r"|\b(?:marche(?:nt)?|fonctionne(?:nt)?|imprime|demarre|repond|allume|ouvre|connecte|arrive) (?:pas|plus)\b"
    r"|\b(?:pas|plus) (?:de |d')(?:reseau|son|connexion|internet|courant|acces|signal|image|mails?|reponse|wifi"
    r"|place)\b"
    r"|\b(?:erreurs?|panne|lente?s?|lenteur|bloque\w*|problemes?|impossible|plante|perdue?s?|coupure\w*)\b"
    # es, it, pt
    r"|\bn(?:o|on|ao) (?:(?:me|se|le|les|lo|la|nos|mi|ci|si|da|da para) )*(?:funcion\w+|funzion\w+|pued\w+|podemos"
    r"|podem|posso"
    r"|consig\w+|riesco|riusc\w+|enciende|accende|liga|arranca|avvia|imprim\w+|stampa|conect\w+|connette|abr\w+"
    r"|apr\w+|carg\w+"
    r"|carica|carrega|lleg\w+|arriv\w+|chega\w*|recib\w+|recebe\w*|ricev\w+|aparece\w*|appare|responde|risponde|deja"
    r"|va|detecta"
    r"|reconoce|riconosce|entra\w*|sale|inicia|sincroniz\w+|envi\w+|invia|accede\w*|acced\w+|tengo acceso|ve|vede"
    r"|vedo|guarda|salva"
    r"|muestra|mostra|lee|legge|suena|hay (?:red|internet|sonido|imagen|correo|conexion|acceso|senal|luz)|c'e)\b"
    r"|\b(?:fallos?|falla|lent[oa]|imposible|impossibile|problemas?|problemi?|averia\w*|caid[oa]|perdid[oa]"
    r"|guast[oa]|errore|erro"
    r"|bloccat[oa])\b"
    # nl
    r"|\b(?:werkt|werken|doet|doen|kan|kunnen|start|print|gaat|opent|komt)(?: \w+){0,3} niet\b|\b(?:kapot|storing"
    r"|traag)\b"
)
_NO_FAULT = re.compile(
    r"\b(?:no|without|kein\w*|ohne|aucune?s?|pas de|sans|ningun|sin) (?:\w+ )?"
    r"(?:problem\w*|questions?|fragen?|preguntas?)\b"
)
"""That all is well: "no problem so far"."""
_REQUEST = re.compile(
    r"\b(?:leavers?|offboarding|last (?:working )?day|leaves (?:us|the company|today|tomorrow)|has left (?:us"
    r"|the company)"
    r"|restore|(?:older|earlier|yesterday's|wednesday's) version|(?:get|have|want|need) [^.!?\n]{1,60} back\b"
    r"|overwr(?:ote|itten)"
    r"|austritt|verlasst (?:uns|die firma)|wiederherstell\w*|uberschrieben|depart d\w+|quitte (?:la societe"
    r"|l'entreprise)"
    r"|restaurer|ecrase\w*|deja la empresa|baja de\w*|restaurar|sobrescrit\w*"
    r"|new (?:starter|joiner|hire|employee|colleague|user|account|laptop|phone|licen[cs]e)|onboarding"
    r"|licen[cs]es?|access (?:to|for)"
    r"|permissions?|(?:please|can you|could you|need to|want to) (?:order|create|install|add|grant|give"
    r"|set up|provide)|to order"
    r"|neue[rn]? (?:mitarbeiter\w*|kolleg\w*|benutzer\w*|laptop|konto)|lizenz\w*|zugriff auf|zugang zu\w*"
    r"|berechtigung\w*"
    r"|bestell\w*|einricht\w*|vergrosser\w*|anleg\w*|freischalt\w*"
    r"|nouve(?:au|l|lle) (?:arrivante?|employee?|collaborat\w+|collegue|compte)|licences?|acces (?:a|au"
    r"|aux)|droits|commander"
    r"|nuev[oa] (?:emplead[oa]|companer[oa]|usuari[oa]|cuenta)|licencias?|acceso a\w*|permisos?|pedir|alta de)\b"
)


_HOW_TO = re.compile(
    r"\b(?:how (?:do|can|could|should|would) (?:i|we|one)|how to|what is the (?:best )?way to|where (?:do|can) (?:i|we)"
    r"|wie (?:kann|konnen|muss|mache?n?|andere|bekomme?n?) (?:ich|wir|man)|wo (?:finde?n?|kann|konnen) (?:ich|wir|man)"
    r"|comment (?:puis|peut|pouvons|faire|dois|fait)|ou (?:puis|peut|trouver)"
    r"|como (?:puedo|podemos|se puede|hago|cambio)|donde (?:puedo|encuentro))\b"
)


_INCIDENT = re.compile(
    r"\b(?:phishing|ransom\w*|malware|virus(?! ?scan)|trojan|hacked|scam|spoof\w*|schadsoftware|trojaner|gehackt"
    r"|hameconnage)\b|\b\w+[.]zip (?:\S+ ){0,3}(?:geoffnet|aufgemacht)"
)
"""That somebody may have let an attacker in: what matters is when, and on which device."""
_MISSING = re.compile(
    r"\b(?:lost|stolen|left) (?:\w+ ){0,4}(?:laptop|notebook|phone|tablet|computer|mobile|ipad|iphone)\b"
    r"|\b(?:laptop|notebook|phone|tablet|computer|mobile|ipad|iphone|handy|telephone|portatil|movil) (?:\w+ ){0,2}"
    r"(?:lost|stolen|gestohlen|verloren|vole|perdu|robad[oa]|perdid[oa])\b"
    r"|\b(?:gestohlen|vole|robado) (?:\w+ ){0,3}(?:laptop|notebook|handy|telephone|portable|portatil|movil)\b"
)
"""A device that is gone shows no error."""
_LOCKED = re.compile(
    r"\b(?:forg[eo]t(?:ten)?|oublie|olvid\w+) (?:\w+ ){0,2}(?:password|mot de passe|mdp|contrasena)\b"
    r"|\b(?:kennwort|passwort|mdp|mot de passe) (?:vergessen|oublie)\b"
    r"|\b(?:account|konto|compte|cuenta) (?:\w+ ){0,3}(?:locked|gesperrt|verrouille|bloque|bloquead[oa])\b"
)
"""What is to be done for them depends on no device."""
_TYPED = re.compile(
    r"\b(?:(?:typed|entered|gave|put in) (?:\w+ ){0,4}password|password (?:\w+ ){0,8}(?:typed|entered)"
    r"|kennwort (?:\w+ ){0,3}eingegeben|(?:saisi|donne) (?:\w+ ){0,3}mot de passe"
    r"|(?:puse|introduje|meti) (?:\w+ ){0,3}contrasena)\b"
)
_OPENED = re.compile(
    r"\b(?:(?:click|open)(?:ed|te)? (?:on )?(?:a|an|the|this|that|it) ?(?:\w+ ){0,2}"
    r"(?:link|attachment|zip|file|invoice)"
    r"|(?:anhang|link|zip|datei) (?:\S+ ){0,3}(?:geoffnet|aufgemacht|angeklickt|geklickt)"
    r"|(?:clique|ouvert) (?:\w+ ){0,3}(?:lien|piece|fichier)"
    r"|(?:clic|pinche|abri|abierto) (?:\w+ ){0,3}(?:enlace|adjunto|archivo|fichero))\b"
)
"""Both, or one where nothing fails, say it too. Not "Excel crashed when I opened the file"."""


_MACHINE = re.compile(
    r"(?i:(?<!error )(?<!fehler )(?<!erreur )(?<!code ))"
    r"(?:\b[A-Z]{2,5}(?:-[A-Z]{2,5})?-\d{2,4}\b|\b[a-z]{2,5}-\d{3,4}\b)"
)
"""A name of a computer, also of one that the inventory has not: NB-0512, FIN-LT-044, pc-1182."""


def tells_fault(ticket: Ticket) -> bool:
    """Whether *ticket* says that something does not work."""
    return names_error(matter(ticket)) or _FAULT.search(_NO_FAULT.sub(" ", normal(matter(ticket)))) is not None


def choose_questions(ticket: Ticket, gathered: Sequence[Gathered], asked: Sequence[Question]) -> tuple[Question, ...]:
    """Of *asked*, or else of the usual ones, those that *ticket* does not answer, named machines included.

    Who asks for a licence, for access, or how something is done is not asked for an error text; a program nothing.
    """
    if is_fault_report(matter(ticket)):
        return ()
    text = normal(matter(ticket))
    if not asked and (_REQUEST.search(text) or _HOW_TO.search(text)) and not tells_fault(ticket):
        return ()
    answered = set(_answered(matter(ticket), gathered))
    signs = _OPENED.search(text), _TYPED.search(text), not tells_fault(ticket)
    if _INCIDENT.search(text) or sum(map(bool, signs)) > 1:
        answered.add(Question.ERROR_TEXT)
    if is_gone := _MISSING.search(text) is not None:
        answered.add(Question.ERROR_TEXT)
    if _LOCKED.search(text):
        answered |= {Question.ERROR_TEXT, Question.DEVICE}
    left = [each for each in asked or USUAL if each not in answered]
    return tuple(left[:MAX_QUESTIONS]) or (() if is_gone else FURTHER)


def _answered(text: str, gathered: Sequence[Gathered]) -> Iterator[Question]:
    if names_error(text):
        yield Question.ERROR_TEXT
    assets = (source for group in gathered if group.kind is SourceKind.ASSET for source in group.sources)
    if any(not source.is_only_owned for source in assets) or _MACHINE.search(text):
        yield Question.DEVICE
    if _WHEN.search(normal(text)):
        yield Question.SINCE_WHEN
