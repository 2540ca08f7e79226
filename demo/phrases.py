"""The fixed words of the offline model, and what it knows about words of each language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Phrases:
    """Sentences with gaps. A pair is the singular and the plural."""

    about: str
    about_nothing: str
    counts: str
    none: str
    weak: str
    missing: str
    conjunction: str
    names: Mapping[str, tuple[str, str]]
    """How many of a kind, by the kind's name."""
    places: Mapping[str, str]
    """Where each kind is looked up."""
    ticket_fact: str
    article_fact: str
    asset_fact: str
    measurement_fact: str
    cause: str
    helped: str
    ask: str
    in_another_language: str
    """A whole answer, for the behaviour that answers in a language nobody asked for."""


PHRASES: Final[Mapping[str, Phrases]] = {
    "en": Phrases(
        about="The ticket is about “{subject}”.",
        about_nothing="The ticket says next to nothing.",
        counts="{things} may bear on it.",
        none="Neither similar tickets nor articles nor assets were found that fit it.",
        weak="What was gathered fits only loosely.",
        missing="Could not be looked up: {places}.",
        conjunction="and",
        names={
            "similar_tickets": ("{n} similar ticket", "{n} similar tickets"),
            "knowledge": ("{n} article", "{n} articles"),
            "assets": ("{n} asset", "{n} assets"),
            "monitoring": ("{n} reading", "{n} readings"),
        },
        places={
            "similar_tickets": "ticket history",
            "knowledge": "knowledge base",
            "assets": "inventory",
            "monitoring": "monitoring",
        },
        ticket_fact="In the similar ticket “{title}”: {sentence}",
        article_fact="The article “{title}” says: {sentence}",
        asset_fact="The inventory lists {title}: {text}.",
        measurement_fact="Monitoring reports “{title}”: {text}.",
        cause="This may have the same cause as {ref}: {sentence}",
        helped="Check whether what helped in {ref} helps here: {sentence}",
        ask="Ask the requester for the exact error message, the device's name, and since when it happens.",
        in_another_language="The ticket describes a fault that the requester has with the device.",
    ),
    "de": Phrases(
        about="Im Ticket geht es um „{subject}“.",
        about_nothing="Das Ticket sagt so gut wie nichts.",
        counts="Dazu passen möglicherweise {things}.",
        none="Es wurden weder ähnliche Tickets noch Artikel noch Geräte gefunden, die dazu passen.",
        weak="Was gefunden wurde, passt nur lose.",
        missing="Nicht nachgesehen werden konnte in: {places}.",
        conjunction="und",
        names={
            "similar_tickets": ("{n} ähnliches Ticket", "{n} ähnliche Tickets"),
            "knowledge": ("{n} Artikel", "{n} Artikel"),
            "assets": ("{n} Gerät", "{n} Geräte"),
            "monitoring": ("{n} Messwert", "{n} Messwerte"),
        },
        places={
            "similar_tickets": "Ticketverlauf",
            "knowledge": "Wissensdatenbank",
            "assets": "Inventar",
            "monitoring": "Überwachung",
        },
        ticket_fact="Im ähnlichen Ticket „{title}“: {sentence}",
        article_fact="Der Artikel „{title}“ sagt: {sentence}",
        asset_fact="Das Inventar führt {title}: {text}.",
        measurement_fact="Die Überwachung meldet „{title}“: {text}.",
        cause="Das kann dieselbe Ursache haben wie {ref}: {sentence}",
        helped="Prüfen, ob auch hier hilft, was bei {ref} geholfen hat: {sentence}",
        ask="Beim Anfragenden nachfragen: genaue Fehlermeldung, Name des Geräts und seit wann es auftritt.",
        in_another_language="Das Ticket beschreibt eine Störung, die bei dem Gerät der anfragenden Person auftritt.",
    ),
    "fr": Phrases(
        about="Le ticket porte sur « {subject} ».",
        about_nothing="Le ticket ne dit presque rien.",
        counts="Peuvent s’y rapporter : {things}.",
        none="Aucun ticket similaire, article ou équipement correspondant n’a été trouvé.",
        weak="Ce qui a été trouvé ne correspond que de loin.",
        missing="N’ont pas pu être consultés : {places}.",
        conjunction="et",
        names={
            "similar_tickets": ("{n} ticket similaire", "{n} tickets similaires"),
            "knowledge": ("{n} article", "{n} articles"),
            "assets": ("{n} équipement", "{n} équipements"),
            "monitoring": ("{n} mesure", "{n} mesures"),
        },
        places={
            "similar_tickets": "historique des tickets",
            "knowledge": "base de connaissances",
            "assets": "inventaire",
            "monitoring": "supervision",
        },
        ticket_fact="Dans le ticket similaire « {title} » : {sentence}",
        article_fact="L’article « {title} » indique : {sentence}",
        asset_fact="L’inventaire mentionne {title} : {text}.",
        measurement_fact="La supervision signale « {title} » : {text}.",
        cause="La cause peut être la même que pour {ref} : {sentence}",
        helped="Vérifier si ce qui a aidé pour {ref} aide aussi ici : {sentence}",
        ask="Demander au demandeur le message d’erreur exact, le nom de l’appareil et depuis quand cela se produit.",
        in_another_language="Le ticket décrit une panne que le demandeur rencontre avec son appareil.",
    ),
    "es": Phrases(
        about="El ticket trata de «{subject}».",
        about_nothing="El ticket no dice casi nada.",
        counts="Pueden tener relación: {things}.",
        none="No se encontraron tickets similares, artículos ni equipos que correspondan.",
        weak="Lo encontrado corresponde solo de lejos.",
        missing="No se pudo consultar: {places}.",
        conjunction="y",
        names={
            "similar_tickets": ("{n} ticket similar", "{n} tickets similares"),
            "knowledge": ("{n} artículo", "{n} artículos"),
            "assets": ("{n} equipo", "{n} equipos"),
            "monitoring": ("{n} medición", "{n} mediciones"),
        },
        places={
            "similar_tickets": "historial de tickets",
            "knowledge": "base de conocimientos",
            "assets": "inventario",
            "monitoring": "monitorización",
        },
        ticket_fact="En el ticket similar «{title}»: {sentence}",
        article_fact="El artículo «{title}» dice: {sentence}",
        asset_fact="El inventario recoge {title}: {text}.",
        measurement_fact="La monitorización informa de «{title}»: {text}.",
        cause="Puede tener la misma causa que {ref}: {sentence}",
        helped="Comprobar si lo que ayudó en {ref} ayuda aquí: {sentence}",
        ask="Pedir al solicitante el mensaje de error exacto, el nombre del equipo y desde cuándo ocurre.",
        in_another_language="El ticket describe una avería que el solicitante tiene con su equipo.",
    ),
}

# Words that say nothing about a fault, of all four languages together: a ticket seldom keeps to one.
STOP_WORDS: Final = frozenset(
    """
    a about after again all also always am an and any are as at be because been before being but by can cannot could
    did do does doing done down each else even ever every few for from further get gets getting give go goes going
    got had has have having he hello help her here hi him his how i if in into is issue it its just know like made
    make many may me might more most must my need needs never new no nobody nor not nothing now of off ok on once
    one only or other our out over own pc please possible problem really regards same say says see she should since
    so some something still such than thank thanks that the their them then there these they thing this those
    through time to today tomorrow too try tried under until up urgent us use used user users using very want was we
    well were what when where which while who why will with without work worked working works would yes yesterday
    yet you your morning afternoon anymore someone anyone everyone everything anything always suddenly back kind
    best dear team support ticket cause

    aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bereits bin bis bitte da
    dadurch damit danach dank danke dann das dass daß dazu dein dem den denn der des deshalb die dies diese diesem
    diesen dieser dieses doch dort du durch ein eine einem einen einer eines er erst es etwas euch euer für ganz
    geht gibt grüße grüßen guten gute gestern habe haben hallo hat hatte hatten heute hier hilfe ich ihm ihn ihnen
    ihr ihre immer in ins ist ja jede jeden jetzt kann kein keine keinen können konnte könnte leider man mehr mein
    meine mich mir mit mittlerweile morgen morgens muss müssen nach nein neu nicht nichts nie noch nun nur ob oder
    ohne probleme sehr seit seitdem sein seine sich sie sind so sobald sofort soll sollte sondern sonst tag team um
    und uns unser unsere unter viele vielen vom von vor war waren warum was weil welche wenn wer werden wie wieder
    wir wird wo wurde wurden zu zum zur zwar freundlichen freundliche dringend einfach plötzlich gar mal
    funktioniert funktionieren herr frau

    au aux avec avez avons bien bonjour car ce ceci cela ces cet cette chez comme dans de depuis des deux dire donc
    dont du elle elles en encore est et être eu fait faire fois il ils je jour la le les leur leurs lui ma mais même
    merci mes mon ne nos notre nous on ont ou où par pas peu peut plus pour pouvez pouvoir pourquoi problème puis
    quand que quel quelle qui quoi sa sans se ses si son sont suis sur ta te tes toujours tous tout toute toutes
    très tu un une vos votre vous fonctionne marche urgent cordialement salut

    al algo algunas algunos ante antes aquí así aún ayuda bien buenos buenas cada como cómo con cual cuando de del
    desde donde dos durante el él ella ellos en entre era es esa ese eso esta está están este esto estos fue gracias
    ha había hace hacer han hasta hay hola la las le les lo los más me mi mis mucho muy nada ni no nos nosotros o
    otra otro para pero poco por porque puede pueden que qué quien se sea ser si sí sin sobre solo son su sus
    también tan tanto te tengo tiene todo todos tu un una uno unos usted y ya yo funciona problema urgente saludos
    """.split()
)

# First words of sentences that tell somebody to do something.
_VERBS: Final = {
    "en": """
    add adjust allow apply approve archive ask assign attach back backup block browse call change check choose clean
    clear click close collect compare configure confirm connect copy create deactivate delete deploy deselect detach
    disable disconnect dismount do document download edit eject empty enable enforce ensure enter exclude expand
    export extend feed find flush force free give go grant hang hold import increase inform insert inspect install
    isolate keep label let limit list locate lock log look lower make map mark measure merge migrate monitor mount
    move name note open order pair paste pick ping place plug point power press prevent print purge push put query
    raise read reattach rebind reboot rebuild recalibrate reconnect record recreate reduce refresh regenerate
    reimage reinstall reissue rejoin release reload remap remove rename renew repair replace replug report request
    reschedule reseat reserve reset resize restart restore resume retry revert revoke right-click roll rotate route
    run save scan schedule search select send set shorten show shrink shut sign split start stop store suspend swap
    switch sync synchronise synchronize tell test thank tick track transfer trigger trust turn type unblock uncheck
    uninstall unlock unmap unpair unplug untick update upgrade upload use validate verify view wait walk warn watch
    wipe write
    """.split(),
    "fr": """
    activer ajouter appeler appliquer arrêter attendre changer choisir cliquer comparer configurer connecter
    contrôler copier créer demander débrancher désactiver effacer fermer informer installer lancer libérer mettre
    modifier nettoyer noter ouvrir patienter rebrancher reconnecter redémarrer relancer remplacer renouveler
    restaurer réinitialiser saisir supprimer sélectionner tester utiliser vider vérifier
    """.split(),
    "es": """
    abra abrir actualice actualizar anote apague asigne avise añada añadir borrar borre cambiar cambie cerrar cierre
    compare comprobar compruebe conectar conecte configurar configure confirme copie crear cree desactivar desactive
    desconecte ejecutar ejecute eliminar elimine espere guarde informe instalar instale libere pida pruebe quite
    reiniciar reinicie renovar renueve restablecer restablezca revise seleccionar seleccione sustituya use vacíe
    verificar verifique
    """.split(),
    "de": """
    abmelden abschalten abstecken abwarten abziehen aktivieren aktualisieren angeben anhalten anlegen anmelden
    anpassen anrufen anschließen aufladen aufrufen aufräumen aufschreiben ausführen ausschalten austauschen
    auswählen beenden beobachten bereinigen bestätigen deaktivieren deinstallieren drucken durchführen durchsuchen
    einbinden eingeben einlegen einlesen einrichten einschalten einspielen einstecken eintragen entfernen entsorgen
    entsperren ergänzen erhöhen erneuern ersetzen erstellen erweitern fragen freigeben freihalten freischalten
    halten herausfinden herunterfahren hinterlegen hinweisen hinzufügen importieren informieren installieren
    kontrollieren kopieren lagern lassen leeren löschen machen melden messen nachsehen nachziehen nehmen
    neuinstallieren neustarten notieren prüfen reinigen reservieren scannen schicken schließen senden setzen sichern
    sperren starten stoppen stornieren suchen synchronisieren tauschen testen trennen umstellen verbinden
    vergleichen vergrößern verkleinern verkürzen verlängern verschieben verwenden warten wechseln wiederherstellen
    wählen zulassen zurücksetzen zuweisen ändern öffnen übernehmen überprüfen
    """.split(),
}
IMPERATIVES: Final = frozenset(verb for language in ("en", "fr", "es") for verb in _VERBS[language])
# German instructions end with the infinitive: "Den Spooler neu starten."
GERMAN_INFINITIVES: Final = frozenset(_VERBS["de"])

CAUSE: Final = re.compile(
    r"\b(?:because|caused by|due to|root cause|reason was|turned out|had (?:expired|filled|run out|changed|been)|"
    r"was (?:full|expired|missing|blocked|disabled|wrong|outdated|stuck)|no longer|"
    r"Ursache|weil|wegen|aufgrund|verursacht|Grund (?:war|dafür)|lag (?:an|am|daran)|"
    r"war(?:en)? (?:voll|abgelaufen|gesperrt|deaktiviert|veraltet|falsch)|nicht mehr|"
    r"à cause|en raison|parce que|était (?:plein|pleine|expiré|bloqué|désactivé)|"
    r"causa|debido a|porque|estaba (?:lleno|llena|caducado|bloqueado|desactivado))",
    re.IGNORECASE,
)

# A full stop after one of these ends no sentence.
ABBREVIATION: Final = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|nr|resp|incl|max|min|ca|bzw|z\.\s?b|d\.\s?h|u\.\s?a|o\.\s?ä|ggf|evtl|usw|"
    r"inkl|vgl|abs|str|tel|st|dr|mr|mrs|ms|hr|fr|p\.\s?ex|cf|sr|sra|ej|[a-z])\.)$",
    re.IGNORECASE,
)
