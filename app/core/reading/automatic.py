"""Tickets for which nobody waits: an absent person's mailbox replied, a mail was not delivered, it is marked as spam.

Invariant: subject and body decide together, and in doubt a person wrote it. ServiceDesk Plus gives no mail headers, so
neither `Auto-Submitted` (RFC 3834) nor `multipart/report` (RFC 6522) can be seen.

The standard subjects are those that Exchange and Outlook, Gmail, Postfix, Exim, sendmail and qmail set, and the `Auto:`
of RFC 3834 (3.1.5) and of Sieve's vacation (RFC 5230). The fields of a report are those of RFC 3464. A mail that is
forwarded (`FW:`, `WG:`, `TR:`) was sent by a person.
"""

from __future__ import annotations

import re
from typing import Final

from app.core.reading.answers import SENTENCE, said_of_acknowledgement, said_of_left
from app.core.reading.monitors import is_all_clear
from app.core.reading.thanks import only_thanks
from app.core.ticket import Ticket
from app.errors import Code

_MAX_CHARS: Final = 4_000
"""Of a body, read for the forms below."""
_REPORT_BEGINS: Final = 300
"""A report says within so many characters what it is; below a person's words it is quoted."""
_MAX_REPLY_WORDS: Final = 150

_FEATURE = (
    r"(?:auto(?:matic|mated)?[ -]?(?:repl(?:y|ies)|respon(?:se|der)s?)"
    r"|out[ -]of[ -]office (?:repl\w+|message|assistant|notice)"
    r"|automatische[nr]? antwort\w*|abwesenheits\w+|réponses? automatiques?|messages? d'absence|"
    r"respuestas? automáticas?|mensajes? de ausencia)"
)

_REST = (
    r"\s*(?P<rest>$|[.!]*$|[:：].*|[(–—-].*|re:.*|(?:until|till|from|bis|vom|jusqu|hasta|del|fino|tot|today|heute)\b.*)"
)
# What mail programs set by themselves. In the order: en, de, fr, es; then it, nl, pt, pl, da/no/sv, fi, cs, hu, ro, tr,
# ru, ja, zh.
_SET_SUBJECT = re.compile(
    r"(?:auto(?:matic|mated)?[ -]?(?:reply|response)|out[ -]of[ -]office[ -]auto-?reply|automatische antwort"
    r"|abwesenheitsnotiz|réponse automatique|respuesta automática|risposta automatica|automatisch antwoord"
    r"|resposta automática|automatyczna odpowiedź|odpowiedź automatyczna|autosvar|automatiskt? svar"
    r"|automaattinen vastaus|automatická odpověď|automatikus válasz|răspuns automat|otomatik yanıt"
    r"|автоматический ответ|автоответ|自動応答|自动答复|自動回覆|自动回复)" + _REST
)
# What people set as the subject of their replies, and of their tickets.
_CHOSEN_SUBJECT = re.compile(
    r"(?:auto(?=:)|out[ -]of[ -](?:the[ -])?office|ooo|abwesenheits(?:nachricht|meldung)|abwesend|abwesenheit"
    r"|nicht im büro|absen(?:ce|t|te)(?: du bureau)?|(?:message|notification) d'absence"
    r"|fuera de (?:la )?oficina|mensaje de ausencia|ausente|fuori (?:sede|ufficio)|messaggio di assenza|assenza"
    r"|assente"
    r"|afwezig(?:heid(?:s(?:bericht|melding))?)?|niet op kantoor|fora do escritório"
    r"|(?:mensagem de )?ausência(?: temporária)?"
    r"|poza biurem|nieobecność|nieobecn[ya]|frånvaro\w*|fravær\w*|ofis dışında|вне офиса|mimo kancelář"
    r"|(?:on )?(?:annual |sick |parental |maternity )?leave|on (?:vacation|holidays?|pto)|(?:im )?urlaub"
    r"|(?:en )?(?:congés?|vacances)|(?:de )?vacaciones|(?:in )?ferie|(?:op |met )?vakantie|(?:de )?férias"
    r"|urlop|na urlopie)" + _REST
)
# Where the mark stands beside the subject that is answered: "(Abwesend: Max Kurz) Re: …", "Re: … (out of office)".
_MARK_BEFORE = re.compile(r"[(\[](?P<mark>[^()\[\]]+)[)\]]")
_MARK_BEHIND = re.compile(r".*[(\[](?P<mark>[^()\[\]]+)[)\]]$")
_SAYS_SO = re.compile(
    r"(?:this is an auto(?:matic|mated|matically generated) (?:e-?mail )?(?:reply|response|answer)"
    r"|dies(?:e nachricht)? ist eine automatische? (?:generierte |erstellte )?(?:antwort|abwesenheits\w+)"
    r"|ceci est une réponse automatique|esta es una respuesta automática|questa è una risposta automatica"
    r"|dit is een automatisch antwoord|esta é uma resposta automática)"
    # Else somebody speaks of it: "this is an automatic reply" is what they get.
    r"(?! ?[\"'”»]| (?:is|keeps|comes|goes|gets|has|kommt|geht|wird|est|es)\b)"
)
# What may stand before it in its sentence: "Dear sender, this is …". A person quotes it, or tells who gets it.
_BEFORE_IT = re.compile(
    r"(?:[^\w\"'„“”«»‘`]*|(?:hi|hello|dear|thank(?:s| you) for|hallo|guten tag|sehr geehrte[rs]?"
    r"|(?:vielen )?dank für|bonjour"
    r"|merci (?:de|pour)|gentile|dzień dobry|szanown\w+|prezad[oa]|good (?:morning|afternoon)"
    r"|hola|estimad[oa]s?|gracias por|ciao|buongiorno|grazie per|beste|geachte|bedankt voor|olá"
    r"|obrigad[oa] (?:pel[oa]|por))\b[^\"„“”«»‘`]{0,80}[,:;–—-]? ?)"
)
_ABSENT = re.compile(
    r"\b(?:back|return(?:ing)?) (?:in the office |at work )?(?:on )?(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|\bon pto\b|(?:no|not have(?: any)?|without) access to (?:my )?e?-?mail|no longer work"
    r"|(?:derzeit|zurzeit|momentan) (?:außer haus|nicht|abwesend|in)|arbeite nicht mehr|nicht erreichbar"
    r"|en (?:déplacement|congés?) (?:cette|jusqu|du)|de vacaciones hasta|no estoy disponible"
    r"|\b(?:i am|i'm|i will be|i'll be|we are)\b.{0,50}\b(?:out of (?:the )?office|away|on (?:\w+ ){0,2}(?:leave"
    r"|vacation|holidays?)|not in the office|travell?ing|unavailable)\b"
    r"|thank(?:s| you) for (?:your|the) (?:e-?mail|message)|limited (?:e-?mail )?access|(?:up)?on my return"
    r"|i'll be back|\bback tomorrow"
    r"|\bbin\b.{0,80}(?:nicht im (?:büro|haus)|abwesend|(?:im|in) urlaub|außer haus|nicht erreichbar)"
    r"|dank für (?:ihre|deine) (?:nachricht|e-?mail|mail)|wieder (?:erreichbar|im büro|für sie da)"
    r"|\bje (?:suis|serai)\b.{0,50}(?:absente?|en congé|en vacances|en déplacement|indisponible)"
    r"|merci (?:de|pour) votre (?:message|e-?mail|courriel)|de retour (?:le|au bureau)"
    r"|\b(?:estoy|estaré|me encuentro)\b.{0,50}(?:fuera de (?:la )?oficina|de vacaciones|ausente)"
    r"|gracias por (?:su|tu) (?:mensaje|correo)"
    r"|\b(?:sono|sarò)\b.{0,30}(?:fuori|assente|in ferie)|\bik ben\b.{0,50}(?:afwezig|niet aanwezig|vakantie)"
    r"|\bestou\b.{0,30}(?:ausente|fora do escritório|de férias)|\b(?:jestem|przebywam)\b.{0,30}(?:nieobecn|urlop)"
    r"|\bjag är\b.{0,30}(?:ledig|bortrest|semester)|\bjeg er\b.{0,40}(?:fraværende|ferie|ikke på kontoret)"
    # Back when, and who helps meanwhile.
    r"|\bback (?:at my desk|in the office|on|to work)\b|\bget back to you (?:on|when|after|as soon)"
    r"|\bout (?:until|till|sick)\b"
    r"|\bin my absence\b|\b(?:bin|befinde mich) (?:\w+ ){0,2}(?:fortbildung|schulung|lehrgang|seminar|dienstreise"
    r"|elternzeit"
    r"|mutterschutz|urlaub|krank|unterwegs)|\b(?:wieder|zurück) (?:da|am (?:platz|arbeitsplatz)|im haus)\b"
    r"|\bin meiner abwesenheit\b|\ben (?:formation|arrêt|congé|vacances|voyage)\b|\b(?:dès|à) mon retour\b"
    r"|\b(?:pendant|durant|en) mon absence\b|\b(?:de (?:baja|viaje|vacaciones|permiso))\b.{0,30}\b(?:hasta|del"
    r"|con acceso)"
    r"|\ba mi (?:vuelta|regreso)\b|\ben mi ausencia\b|\b(?:rientro|rientrerò|torno|tornerò) (?:il |in ufficio"
    r"|luned|marted"
    r"|mercoled|gioved|venerd)|\bal (?:mio )?(?:rientro|ritorno)\b|\b(?:weer|terug) (?:op kantoor|aanwezig"
    r"|bereikbaar)"
    r"|\bniet op kantoor\b|\bbij (?:mijn )?terugkomst\b|\b(?:regresso|regressarei|volto|voltarei|retorno) (?:a|na"
    r"|no|em|dia)\b"
    r"|\b(?:na (?:minha )?volta|ao regressar)\b|\bestarei\b.{0,40}(?:ausente|fora|férias)|\bna minha ausência\b"
    r"|\b(?:wracam|wrócę|będę z powrotem)\b|\bpo powrocie\b|\bjestem\b.{0,20}(?:poza biurem|zwolnieni|delegacj"
    r"|szkoleni)"
    r"|\bich habe\b.{0,40}\b(?:urlaub|frei)\b|\b(?:volveré|vuelvo|regresaré|regreso) (?:el|a)\b|\bestoy fuera hasta\b"
    r"|\bje (?:reviens|reprends)\b|\bik ben\b.{0,30}\bterug\b"
)
_WILL_ANSWER = re.compile(
    r"\b(?:will|i'll)\b.{0,30}\b(?:reply|respond|answer|get back|read)|\bantworte\b|\bmelde mich\b|répondrai"
    r"|\bresponderé|\brisponderò|\bantwoord ik\b|\bresponderei|\bodpowiem\b|\bodpiszę\b"
    r"|\bback (?:tomorrow|on|in)\b|\bwieder (?:da|erreichbar|im büro|am platz)|\bde retour\b|\b(?:vuelvo|volveré)\b"
    r"|\b(?:torno|rientro)\b|\bterug\b|\b(?:regresso|volto)\b|\b(?:wracam|wrócę)\b"
)
_CALL_ME = re.compile(
    r"\b(?:call|ring|contact|reach|phone) (?:me|us)\b"
    r"|rufen sie mich|erreichen sie mich|appelez[- ]moi|llámeme|chiamatemi"
)
_THANKS_FOR_MAIL = re.compile(
    r"\b(?:thanks?|thank you|dank|merci|gracias|grazie|bedankt|obrigad[oa]|dziękuję|regards|grüßen?)\b"
)
# A person's words about the feature itself: it is to be set up, or does not work.
_ABOUT_FEATURE = re.compile(
    r"\b(?:turn|switch|set|put|activat|enabl|disabl|configur|remov|chang|need|want|einricht|(?:de)?aktivier|einschalt"
    rf"|ausschalt|désactiver|activer|configurer|mettre|desactivar|activar|configurar|poner)\w*\b.{{0,40}}{_FEATURE}"
    rf"|{_FEATURE}.{{0,60}}(?:\b(?:not|still|wrong|error|missing|fails?|stuck|on|off|nicht|fehler|falsch|geht|einricht\w*"
    r"|einschalt\w*|ausschalt\w*|(?:de)?aktivier\w*|pas|erreur|no|activar|error)\b|n't\b)"
)
_CONDITION = re.compile(
    r"\b(?:when|while|if|wenn|während|solange|quand|pendant que|lorsque|cuando|mientras|si)\b[^.,;!]*"
)
_WANTS_SET = re.compile(
    r"\b(?:please|pls|can you|could you|bitte|könn(?:en|t|ten) (?:sie|ihr)|pouvez|merci de|por favor|puede|pueden)\b"
    r".{0,60}"
    r"\b(?:set|turn|switch|activat|enabl|disabl|remov|put|forward|einricht|setz|aktivier|deaktivier|einschalt"
    r"|ausschalt"
    r"|weiterleit|hinterleg|eintrag|activ|désactiv|mettre|configur|desactiv|poner)"
    r"(?! your\b)"  # "please forward your request to …"
)
_SWITCH = re.compile(
    r"\b(?:turn|switch|shut) (?:\w+ ){0,3}off\b|\b(?:disable|deactivate|remove|stop) (?:it|this|that|the|sending)\b"
    r"|how (?:do|can) "
    r"(?:i|we)\b|\b(?:abschalten|ausschalten|abstellen|deaktivieren|abzuschalten|abzustellen|auszuschalten)\b"
    r"|\b(?:désactiver|arrêter|desactivar|quitar|apagar|disattivare|togliere|uitzetten|uitschakelen|desativar|desligar)\b"
)
# In a ticket of somebody who is away: what is wanted of the help desk, unless it is to turn to somebody else.
_REQUEST = re.compile(
    r"\?|\btext:|\b(?:please|pls|can (?:you|someone|i|we)|could (?:you|someone|we)|bitte|könn(?:t|ten|en) (?:ihr|sie)"
    r"|merci de|pouvez|pourriez|por favor|puede[ns]?|podéis|podrían|per favore|potete|potreste|può|graag|kunnen jullie"
    r"|kunt u|kan (?:iemand|ik|mijn|je|jij|ni|någon|nogen|du)|podem|poderiam|pode|proszę|czy (?:możecie|można|mogę)"
    r"|prosím|můžete|lütfen|пожалуйста|можете)\b"
)
_TURN_TO = re.compile(
    r"contact|kontak|contat|reach|\b(?:call|ring|dial|ask|try|write to)\b|mail (?:to|at|\S+@)|urgent|emergenc"
    r"|urgên|urgenc|urgenz"
    r"|dringend|notf[aä]ll|wenden|vertret|anruf|rufen|joindre|voyez|appel[ez]r?\b|remplaç|escrib|llam[ea]\b|acuda|diríj"
    r"|scriv|chiam|rivolg|spoed|\bbel\b|neem|vervanger|fale\b|ligue|procure|dzwoni|pisa[ćc]|pilny|zastępuj|zwraca[ćc]"
    r"|brådskande|akut|ring\b|skriv|kirjoit|soita|ulaş|yaz[ıi]n|звон|пиш|обращ"
)
_THING = re.compile(
    r"\b(?:vpn|wlan|wi-?fi|laptop|notebook|portátil|portatile|monitor|bildschirm|écran|pantalla|schermo|scherm"
    r"|ecrã|ekran"
    r"|drucker|printer|imprimante|impresora|stampante|impressora|drukark\w+|skrivare|passwor[dt]\w*|kennwort"
    r"|mot de passe"
    r"|contraseña|senha|palavra-passe|hasł[oa]|wachtwoord|outlook|teams|error|fehler|erreur|foutmelding|błąd)\b"
    r"|\b(?:the|her|his|le|son|el|su|il|o) pc\b|\b(?:technicien\w*|technicians?|techniker|t[ée]cnico)\b"
    r"|\b(?:my|mein|mi|mon|mio|mijn|meu|mój|min|na|al) (?:phone|telefon\w*|telefoon|téléphone|teléfono|móvil|handy|gsm"
    r"|pc|rechner|computer|ordinateur|ordenador|account|konto|postfach)\b"
)
# What they say of themselves in place of a request: "I need my mail sent to Anna", "my calls should go to Anna".
_NEEDS = re.compile(
    r"\b(?:i|we|and)(?:'d| would)? (?:also |still |just |will |really )*(?:need|want|require|like)\b(?! to be\b)"
    r"|\b(?:my|our) (?:\w+ ){1,3}(?:should|must|has to|have to|needs?(?: to)?|ought to)\b"
    r"|(?:^|[,;] ?|\band )(?:then )?(?:forward|redirect|divert|reroute|send|give|share|transfer|move|lock|disable"
    r"|set|swap|order)\b"
    r".{0,40}\b(?:my|me)\b"
    r"|\bneeds? (?:\w+ ){0,4}(?:my|our)\b"
    r"|\b(?:leiten|leitet|schicken|schickt|stellen|stellt|geben|gebt) (?:sie |bitte )*(?:meine?|unsere?)[mnrs]?\b"
    r"|\b(?:transf[eé]rez|renvoyez|redirigez|envoyez|donnez|activez|mettez) (?:mon|ma|mes|nos)\b"
    r"|\b(?:desv[ií]en?|reenv[ií]en?|redirijan?|env[ií]en?|activen?|den) mis?\b"
    r"|\b(?:ich|wir) (?:bräuchten?|brauchen?|benötigen?|möchten?|hätten? gerne?|wünschen?)\b|\b(?:brauche|benötige"
    r"|möchte) ich\b"
    r"|\bund (?:brauche|benötige|möchte|hätte)\b"
    r"|\b(?:meine?[mnrs]?|unsere?[mnrs]?) (?:\S+ ){1,3}(?:soll\w*|muss|müssen|müsste)\b"
    r"|\bj'(?:ai|aurais) besoin\b|\b(?:il|nous) (?:me |nous )?(?:faut|faudrait)\b|\bje (?:voudrais|souhaite\w*|veux"
    r"|aimerais)\b"
    r"|\b(?:mon|ma|mes|nos) (?:\S+ ){1,3}(?:doi(?:t|vent)|devrai(?:t|ent))\b"
    r"|\b(?:necesito|necesitamos|quisiera|quiero|querría|me gustaría)\b|\bmis? (?:\S+ ){1,3}(?:debe|deben"
    r"|tienen? que)\b"
    r"|\b(?:ho|avrei) bisogno\b|\b(?:vorrei|(?:mi )?serve|mi servirebbe)\b|\bik (?:wil|zou|heb)\b.{0,40}\b(?:graag"
    r"|nodig)\b|\bik wil\b"
    r"|\b(?:preciso|precisamos|gostaria|queria)\b|\b(?:potrzebuję|potrzebujemy|chcę|chciał(?:bym|abym))\b"
    r"|\b(?:potřebuji|potřebujeme|chtěl(?:a)? bych)\b|\bjag (?:behöver|vill|skulle vilja)\b|\bjeg (?:trenger"
    r"|har brug for|vil gerne|ønsker)\b"
)
_MY_MAIL = re.compile(r"\b(?:my|our|meine|unsere|mes|mis|mijn|meus?) (?:e-?)?(?:mails?|calls?|anrufe|appels)\b")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s")
_ASKS = re.compile(
    r"\?|n't\b|\b(?:not|cannot|error|problem|broken|help|how|could you|can you|fails?|wrong|missing|turn|set up"
    r"|funktioniert|fehler|hilfe|nichts?|geht|wie|einrichten|marche|fonctionne|erreur|problème|pouvez|comment|pas"
    r"|configurer"
    r"|no|funciona|puedo|cómo|puede|ayuda|configurar)\b"
)

_REPORT_SUBJECT = re.compile(
    r"undeliver(?:able|ed)\b|delivery status notification|mail delivery (?:failed|failure|system)|returned mail"
    r"|failure notice|(?:message )?delivery (?:has )?(?:failed|failure)|message (?:undeliverable|not delivered"
    r"|delayed)"
    r"|non[ -]?delivery report|delivery delayed|mail system error"
    r"|warning: (?:could not send message|message \S+ delayed)"
    r"|unzustellbar|nicht zustellbar|zustellung (?:fehlgeschlagen|verzögert)|nachricht nicht zugestellt"
    r"|non remis|échec de (?:la )?remise|remise (?:impossible|retardée)|message non distribué"
    r"|no se puede entregar|no entregado|correo devuelto|error de entrega|entrega (?:fallida|retrasada)"
    r"|non recapitabile|impossibile recapitare|(?:mancato recapito|recapito non riuscito)|onbestelbaar"
    r"|bezorging mislukt"
    r"|mail could not be delivered|mail failure -|fail(?:ed|ure) delivery|delivery notification: |mail delivery status"
    r"|permanent delivery failure|postmaster notify|there was an error sending your mail|message status - undeliverable"
    r"|não (?:foi )?entregue|não é possível entregar|falha na entrega|niedostarczalne|nie dostarczono|message blocked"
    r"|(?:mail |e-?mail |message )?delivery has failed|nicht zugestellt"
    r"|kan inte levereras|kan ikke leveres|nedoručitelné|kézbesíthetetlen|не удается доставить"
)
_REPORT = re.compile(
    r"\b(?:final-recipient|reporting-mta|diagnostic-code|original-recipient):|this is the mail system at host"
    r"|this message was created automatically by mail delivery software|this is the (?:qmail-send program"
    r"|mail delivery"
    r" (?:sub)?system)|delivery has failed to these recipients"
    r"|delivery to the following recipients? (?:has |have )?(?:been )?(?:failed|delayed)"
    r"|delivery is delayed to these recipients"
    r"|your message (?:to \S+ )?(?:couldn't|could not|wasn't|has not been|was not) (?:be )?deliver"
    r"|(?:the following|your) (?:message|addresses?).{0,40}(?:could not be delivered"
    r"|had (?:permanent )?fatal errors)|permanent fatal errors|address not found|message not delivered"
    r"|message blocked|there was a (?:temporary )?problem (?:while )?delivering your message"
    r"|fehler bei der nachrichtenzustellung|ihre nachricht.{0,60}(?:nicht (?:zugestellt|übermittelt)|unzustellbar)"
    r"|échec de la remise|votre message.{0,60}n'a pas pu être (?:remis|distribué)"
    r"|error de entrega a estos destinatarios|(?:no se pudo entregar|su mensaje.{0,60}no (?:se )?(?:ha podido|pudo))"
    # "… to the following recipients", and "your message to … was not delivered", as Exchange and Gmail say it.
    r"|a message that you sent could not be delivered|recipient(?:'s mailbox is full| address rejected)"
    r"|\bhost \S+ said:|remote (?:mail )?server (?:returned|responded)|the response was:|in reply to rcpt to"
    r"|account that you tried to reach"
    r"|empfänger nicht erreicht|nachricht konnte nicht|postfach des empfängers ist voll"
    r"|message n'a pas (?:pu être|été) remis"
    r"|mensaje no se entregó|(?:impossibile recapitare|recapito non riuscito|mancato recapito)\b.{0,60}destinatari"
    # sendmail, Domino, Exchange before 2007, Oracle, GroupWise, Yahoo, qmail, MDaemon.
    r"|transcript of session follows|the original message was received at (?:mon|tue|wed|thu|fri|sat|sun),"
    r"|had transient non-fatal errors"
    r"|\byour message subject: .{0,200}\bwas not delivered to\b|\byour message (?:did not reach|cannot be delivered)"
    r"|this report relates to a message you sent|message that you sent was undeliverable|fatal delivery errors"
    r"|e-?mail account does not exist at the organization this|following recipient\(s\) (?:cannot|could not) be reached"
    r"|(?:sorry, we were un|i'm afraid i wasn't )able to deliver your message"
    r"|\b(?:su|tu) mensaje\b.{0,60}\bno (?:se )?(?:ha|pudo|puede|entregó|llegó)\b|no se ha podido entregar el mensaje"
    r"|votre message n'(?:est pas parvenu|a pas atteint)|messaggio non ha raggiunto|bericht\b.{0,60}\bniet bereikt"
    r"|mensagem não chegou a|wiadomość\b.{0,60}\bnie (?:została dostarczona|dotarła)"
    r"|messaggio non (?:è stato|può essere) (?:re)?capitato|messaggio non è stato recapitato"
    r"|bezorging aan de volgende|bericht\b.{0,60}(?:niet worden bezorgd|niet bezorgd)"
    r"|falha na entrega\b.{0,30}destinatários|mensagem\b.{0,60}não (?:pôde|pode|foi) (?:ser )?entregue"
    r"|(?:dostarczenie|dostarczyć) wiadomości\b|leveransen misslyckades|leveringen til\b.{0,30}mislykkedes"
)
_PERSON = re.compile(
    r"\b(?:i|we|me|us|my|our|please|ich|wir|mir|uns|meine?|unsere?|bitte|je|nous|mon|mes|nos|merci|yo|mi|mis"
    r"|nuestro|me|nos"
    r"|io|noi|mio|mia|nostr[oai]|ik|wij|mij|mijn|ons|onze|eu|meu|minha|nosso|nossa|ja|mnie|moje|mój|nasz|nasze"
    r"|proszę)\b|\?"
)
_POSTMASTER = re.compile(r"mailer-daemon|postmaster|mail delivery (?:sub)?system")

_TAG = re.compile(r"^(?:\s*(?:\[[^\]]*\]|##\S*##|(?:re|aw|sv|antw|odp|res|rif)\s*:))+\s*")
# What filters put before a subject: SpamAssassin (`*****SPAM*****`, with a score where it is set so), amavis and rspamd
# (`***SPAM***`, `*** SPAM ***:`), MailScanner (`{Spam?}`), IronPort and Check Point (`[SPAM]`, `[SUSPECTED SPAM]`),
# MailCleaner (`[*Spam*]`), DuoCircle (`*SPAM*`). Without brackets or asterisks only with a score: people write "SPAM:"
# and "SPAM?" above a question of theirs, and "[Spam]" too.
_SCORE: Final = r"(?:[ :>(][-\d./ )]+)?"
_SPAM_TAG = re.compile(
    r"(?:\s*(?:\[[^\]#]*##[^\]]*\]|##[^\s#]*##))*\s*"
    r"(?:(?:[\[{<][* ]*|\*+ ?)(?:(?:SUSPECTED|PROBABLE|POSSIBLE|LIKELY|\?)[ _]?)?(?:SPAM|JUNK)(?:[ -]?MAIL)?"
    rf"(?:[ -]?(?:SUSPECTED|VERDACHT|LIKELY|WARNING|\?+))?{_SCORE}(?:[* ]*[\]}}>]| ?\*+:?)"
    r"|\{Spam\?\}|\[\*Spam\*\]|\[Suspected Spam\]|\[spam: [\d./]+\]"
    r"|SPAM: ?\d+\.\d+(?: ?/ ?\d+(?:\.\d+)?)?(?=\s))"
)
_ABOUT_SPAM = re.compile(
    r"spam|junk|filter|quarant|\b(?:tag(?:ged|s)?|mark(?:s|ed|ing)?|label(?:s|led)?|prefix)\b|whitelist"
    r"|\bin (?:the |our )?subject"
    r"|kennzeichn|markier|\bim betreff|\bmarqué|étiquet|etiquet|marcad[oa]|contrassegn|gemarkeerd|oznacz",
    re.IGNORECASE,
)
# A person's words about a mail that reached them.
_ABOUT_MAIL = re.compile(
    r"\b(?:marked|tagged|flagged|labell?ed) as (?:spam|junk)|\bthis (?:tag|mark|label)\b"
    r"|\bdiese (?:kennzeichnung|markierung)"
    r"|\bin (?:the|their|its) subject\b"
    r"|als spam (?:markiert|gekennzeichnet)|marqu\w+ comme (?:spam|indésirable)|marcad\w+ como spam|"
    r"\b(?:i|user|she|he|they|colleague) (?:have |has |had |just |accidentally |already )*(?:clicked|opened|entered"
    r"|typed"
    r"|replied|downloaded)\b|\bclicked (?:on )?(?:the|a|this|it)\b"
    r"|\b(?:may|can|should|shall) (?:i|we) (?:open|click|delete|answer|trust|pay|ignore)\b|phish|\bscam\b"
    r"|\bis (?:this|it|that) (?:\w+ )?(?:real|genuine|legit\w*|fake|safe|dangerous|ok)\b"
    r"|\b(?:ich|wir) (?:habe?n?|hatte)\b.{0,60}\b(?:geklickt|angeklickt|geöffnet|eingegeben|heruntergeladen"
    r"|beantwortet)\b"
    r"|\b(?:darf|soll|kann) (?:ich|man)\b.{0,40}(?:öffnen|klicken|löschen)|\bist (?:das|die|diese)\b.{0,20}\b(?:echt"
    r"|betrug)"
    r"|\bj'ai\b.{0,40}\b(?:cliqué|ouvert|saisi|entré|téléchargé|répondu)|\b(?:puis-je|dois-je|peut-on)\b.{0,20}"
    r"(?:ouvrir|cliquer|supprimer)"
    r"|\b(?:he|hemos)\b.{0,20}\b(?:hecho clic|abierto|pinchado|introducido|descargado)|\b(?:puedo|debo) (?:abrir"
    r"|borrar)"
    r"|\bho (?:cliccato|aperto|inserito|scaricato)|\bposso aprire|\bheb\b.{0,40}\b(?:geklikt|geopend|ingevuld)"
    r"|\b(?:cliquei|posso abrir|kliknąłem|kliknęłam|otworzyłem|otworzyłam|czy mogę otworzyć)\b",
    re.IGNORECASE,
)
_FORWARDED = re.compile(r"(?:fwd?|wg|tr|rv|enc|doorst|pd|vb)\s*:")
_ANSWERS = re.compile(r"(?:re|aw|sv|antw|odp|res|rif)\s*:\s*(?!\[)")
_NO_SUBJECT = re.compile(
    r"(?:re|aw|sv|fwd?|wg|tr|rv)\s*:|[(<\[]?(?:no subject|kein betreff|ohne betreff|sans objet|aucun objet|sin asunto"
    r"|nessun oggetto|geen onderwerp|sem assunto)[)>\]]?"
)
_PICTURE = re.compile(r"\[(?:cid|image|inline)[^\]]*\]")


def find_automatic(ticket: Ticket) -> Code | None:
    """Why nobody waits for an answer to *ticket*; None: a person wrote it, as far as can be told."""
    subject, body = _plain(ticket.subject), _plain(ticket.description)
    if not re.search(r"\w", _NO_SUBJECT.sub("", subject) + _PICTURE.sub("", body)):
        return Code.TICKET_EMPTY
    if (tag := _SPAM_TAG.match(ticket.subject)) and not _is_about_it(ticket.subject[tag.end() :], body):
        return Code.TAGGED_AS_SPAM
    if is_all_clear(subject, body):
        return Code.ALL_CLEAR
    is_answer = _ANSWERS.match(subject) is not None
    subject = _TAG.sub("", subject)
    if _REPORT_SUBJECT.match(subject) and _is_report(body, requester=ticket.requester):
        return Code.UNDELIVERED_MAIL
    if only_thanks(ticket.subject, ticket.mail, people=f"{ticket.requester} {ticket.technician}"):
        return Code.ONLY_THANKS
    own = _plain(ticket.mail.own)
    is_reply = _is_reply(subject, own, mark=_find_mark(_plain(ticket.subject)), is_answer=is_answer)
    is_reply = is_reply or (not _FORWARDED.match(subject) and _is_answer_of_nobody(own, is_answer=is_answer))
    return Code.AUTOMATIC_REPLY if is_reply else None


def _is_about_it(subject: str, body: str) -> bool:
    """Whether a person writes about a mail that a filter tagged, or about the filter. *subject* is without the tag."""
    about = _ABOUT_SPAM.search(subject) or _ABOUT_MAIL.search(subject)
    return about is not None or _ABOUT_MAIL.search(body[:_REPORT_BEGINS]) is not None


def _is_report(body: str, *, requester: str) -> bool:
    found = _REPORT.search(body)
    begins = found is not None and found.start() < _REPORT_BEGINS and not _PERSON.search(body[: found.start()])
    return not body or begins or _POSTMASTER.search(requester.lower()) is not None


def _find_mark(subject: str) -> re.Match[str] | None:
    """The mark of an absence in brackets, before the subject that is answered, or behind it."""
    before, behind = _MARK_BEFORE.match(subject), _MARK_BEHIND.match(subject)
    if behind and not (_ANSWERS.match(subject) or ":" in behind["mark"]):
        behind = None
    marks = [_CHOSEN_SUBJECT.match(each["mark"]) for each in (before, behind) if each]
    return next(filter(None, marks), None)


def _is_answer_of_nobody(own: str, *, is_answer: bool) -> bool:
    """Whether a mailbox or another help desk answers, though the subject does not tell."""
    if len(own.split()) > _MAX_REPLY_WORDS:
        return False
    if (rest := said_of_left(own)) is not None:
        return not (_THING.search(own) or _wants_help(" ".join(rest)))
    if (said := said_of_acknowledgement(own)) is not None:
        at, rest = said
        return _says_so_itself(own, at) and not any(_wants(each) and not _TURN_TO.search(each) for each in rest)
    return is_answer and _only_says_absent(own)


def _only_says_absent(own: str) -> bool:
    """Whether somebody is away, and each sentence says that, who helps meanwhile, or when there will be an answer."""
    said = (_ABSENT, _TURN_TO, _WILL_ANSWER, _THANKS_FOR_MAIL)
    sentences = [each for each in SENTENCE.findall(own) if len(each.split()) > 1]
    return (
        _ABSENT.search(own) is not None
        and (_TURN_TO.search(own) or _WILL_ANSWER.search(own)) is not None
        and all(any(form.search(each) for form in said) for each in sentences)
        and "?" not in own
        and not _CALL_ME.search(own)
        and not _wants_help(own)
    )


def _is_reply(subject: str, own: str, *, mark: re.Match[str] | None, is_answer: bool) -> bool:
    if len(own.split()) > _MAX_REPLY_WORDS:
        return False
    if (said := _SAYS_SO.search(own)) and _says_so_itself(own, said.start()):
        return True
    by_program, chosen = _SET_SUBJECT.match(subject), _CHOSEN_SUBJECT.match(subject) or mark
    form = by_program or chosen
    if form is None or _ABOUT_FEATURE.search(own) or _WANTS_SET.search(own):
        return False
    # A program names the mail that it answers.
    is_by_program = by_program is not None and ":" in subject.replace("：", ":")
    if _ABSENT.search(_CONDITION.sub(" ", own)):
        return is_by_program or not _wants_help(own)
    # With words of its own, what answers an automatic reply was written by a person.
    if is_answer or not is_by_program:
        return not own and not _ASKS.search(form["rest"])
    # In words of its own. What follows the colon is the subject that it answers, which may be about a fault.
    return not (_ASKS.search(form["rest"]) and _ASKS.search(own))


def _says_so_itself(own: str, at: int) -> bool:
    """Whether a program says at *at* that it answers, and no person quotes it, or wants it switched off."""
    if any(_SWITCH.search(each) or _WANTS_SET.search(each) for each in SENTENCE.findall(own)):
        return False
    return _BEFORE_IT.fullmatch(_SENTENCE_END.split(own[:at])[-1]) is not None


def _wants_help(own: str) -> bool:
    """Whether somebody who is away, or will be, wants something of the help desk."""
    sentences = SENTENCE.findall(own)
    return any(
        _THING.search(each) or (_wants(each) and not _TURN_TO.search(_MY_MAIL.sub(" ", each))) for each in sentences
    )


def _wants(sentence: str) -> bool:
    return bool(_REQUEST.search(sentence) or _NEEDS.search(_CONDITION.sub(" ", sentence).strip()))


def _plain(text: str) -> str:
    return " ".join(text[:_MAX_CHARS].replace("’", "'").lower().split())
