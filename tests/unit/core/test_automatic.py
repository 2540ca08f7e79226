"""A labelled set of tickets: mails of machines, and people's tickets that look like them."""

from __future__ import annotations

from typing import Final

import pytest

from app.core.automatic import find_automatic
from app.errors import Code
from tests.builders import a_ticket

POSTFIX = (
    "This is the mail system at host mx1.acme.example.\n\nI'm sorry to have to inform you that your message could not"
)
EXCHANGE = (
    "Delivery has failed to these recipients or groups:\n\nbob@customer.example\nThe address you sent to wasn't found."
)
EXIM = "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered."

REPLIES: Final = [
    (
        "Automatic reply: [Request ID :##1042##] Printer",
        "I am out of the office until 5 May. For urgent matters call Jane.",
    ),
    ("Automatic reply: VPN drops", "Thank you for your email. I have limited access to my email and will not reply."),
    ("Automatic reply: Your ticket", "On annual leave, back on Monday 12 January."),
    ("Out of Office", "Back Monday."),
    ("Out of office", ""),
    ("Out of the office until 12/01", "I'm away. Contact the help desk if there is a problem."),
    ("Out of Office AutoReply: Ticket closed", "I will be out of the office starting 01/02 and can't read my mail."),
    ("OOO: Re: survey", "I'm on parental leave and don't check mails. How to reach my team: call 100."),
    ("Auto: Re: your request", "I'm travelling this week."),
    ("Auto-Reply: request 1042", "We are closed. We're on holiday until January."),
    ("[##RE-1042##] Automatic reply: Outlook", "Hello, I am currently on sick leave. Who to ask: Bob?"),
    ("Re: Automatic reply: Outlook", "I am away from my desk"),
    ("Your mail", "This is an automated response. Nobody reads this mailbox."),
    ("Re: Ticket 1042", "This is an automatic reply, please do not answer. Your mail is not forwarded."),
    (
        "Automatische Antwort: Ihr Ticket 1042",
        "Ich bin bis zum 5. Mai nicht im Büro. Ihre Mail wird nicht weitergeleitet.",
    ),
    (
        "Automatische Antwort: Drucker",
        "Vielen Dank für Ihre Nachricht. Ich bin im Urlaub und habe keinen Zugriff auf Mails.",
    ),
    ("Abwesenheitsnotiz: Ticket", "Derzeit außer Haus. Ab Montag wieder da."),
    ("Abwesenheitsnotiz", "Ich bin ab 7.1. wieder erreichbar. Bei Problemen wenden Sie sich an Frau Weber."),
    ("AW: Ticket 1042", "Dies ist eine automatisch generierte Antwort. Das Postfach wird nicht gelesen."),
    ("Réponse automatique : Ticket 1042", "Je suis absente du bureau jusqu'au 5 mai et ne lis pas mes messages."),
    ("Réponse automatique : imprimante", "Merci de votre message. Je serai de retour le 12 janvier."),
    ("Absence du bureau", "Je suis en congé jusqu'à lundi."),
    ("Absent du bureau : votre demande", "En déplacement cette semaine."),
    ("Respuesta automática: Ticket 1042", "Estoy fuera de la oficina hasta el 5 de mayo y no leo el correo."),
    ("Respuesta automática: impresora", "Gracias por su mensaje. Vuelvo el lunes."),
    ("Fuera de la oficina", "De vacaciones hasta el lunes."),
    ("Risposta automatica: Ticket 1042", "Sono fuori ufficio fino al 5 maggio."),
    ("Automatisch antwoord: Ticket", "Ik ben tot maandag afwezig."),
    ("Resposta automática: Ticket", "Estou de férias até segunda-feira."),
    ("Automatyczna odpowiedź: Ticket", "Jestem na urlopie do poniedziałku."),
    ("Autosvar: Ticket", "Jeg er på ferie til mandag."),
    ("Автоматический ответ: заявка", "Я в отпуске до понедельника."),
    ("自動応答: チケット", "月曜日まで不在です。"),
    (
        "Automatic reply: Ticket 99 resolved",
        "Hi,\nI'm off until Wednesday. Please reach out to helpdesk@x.example for anything urgent.\nCheers",
    ),
    (
        "Automatic reply: Re: [##RE-5##] laptop",
        "Thanks for reaching out! I no longer work at Acme. Please contact Jane Doe instead.",
    ),
    ("Automatic reply: laptop", "I'm currently out of office with no access to mail. Your message won't be forwarded."),
    ("Out of Office Re: Password expiry", "I am on PTO until Friday and do not have access to email."),
    ("Out of office: Jane Doe", "I do not have access to email until Friday."),
    (
        "Automatische Antwort: Umfrage",
        "Guten Tag, ich befinde mich derzeit in Elternzeit. Ihre Mail wird nicht gelesen.",
    ),
    ("Automatische Antwort: Ticket", "Ich arbeite nicht mehr bei Acme. Wenden Sie sich an Frau Weber."),
    ("Réponse automatique : sondage", "Bonjour, actuellement en congés, je ne consulte pas mes courriels."),
    ("Respuesta automática: encuesta", "Actualmente no estoy disponible. Para urgencias, contacte con Ana."),
    ("Abwesend bis 12.01.", "Ich bin nicht erreichbar"),
    ("Automatic reply: Ticket", "We have received your message and will answer within two days."),
    ("Automatic reply: Printer does not print", "Dear sender, I'm out sick today."),
    (
        "Automatic reply: [Acme Helpdesk] Ticket received: 1042",
        "Hi there! I'm enjoying some time off and will respond when I return on 4 March.",
    ),
    (
        "Out of Office: Re: New laptop",
        "I am currently attending a conference with limited email access. I will reply upon my return.",
    ),
    (
        "Out of Office",
        "I will be out of the office from 3 to 7 March. For support please contact helpdesk@acme.example.",
    ),
    ("Auto: New laptop", "Hello, I am on vacation until Monday. Please contact my colleague Jane."),
    ("OOO", "Away till Thursday, I'll be back on Friday."),
    ("Automatische Antwort: Outlook startet nicht", "Sehr geehrte Damen und Herren, ich bin derzeit krankgemeldet."),
    (
        "Automatische Antwort: Rückfrage",
        "Ich habe Urlaub und bin am 12.01. zurück. In dringenden Fällen: info@acme.example",
    ),
    ("Abwesenheit: Rückfrage", "Guten Tag, ich bin vom 1. bis 5. Mai im Urlaub. Bitte wenden Sie sich an Herrn Kurz."),
    ("Réponse automatique : Outlook ne démarre pas", "Bonjour, je suis actuellement en arrêt. Contactez Paul."),
    ("Absent", "Je serai absent du 3 au 7 mars. En cas d'urgence, contactez Paul."),
    ("Respuesta automática: Outlook no arranca", "Estaré de vacaciones hasta el 5. Para urgencias: Ana."),
    ("Fuera de oficina", "Me encuentro fuera de la oficina hasta el lunes."),
]
REPORTS: Final = [
    ("Undelivered Mail Returned to Sender", POSTFIX),
    ("Undeliverable: Your request 1042 was closed", EXCHANGE),
    ("Mail delivery failed: returning message to sender", EXIM),
    ("Warning: message 1kXyZ-0001-AB delayed 24 hours", EXIM),
    (
        "Delivery Status Notification (Failure)",
        "Address not found. Your message wasn't delivered to bob@customer.example.",
    ),
    (
        "Delivery Status Notification (Delay)",
        "Reporting-MTA: dns; mx1.acme.example\nFinal-Recipient: rfc822; bob@x.example",
    ),
    ("Returned mail: see transcript for details", "The following addresses had permanent fatal errors -----\n<bob@x>"),
    ("failure notice", "Hi. This is the qmail-send program at mx.example."),
    ("Undeliverable: Ticket", ""),
    ("Message undeliverable", "This is the Mail Delivery System. Diagnostic-Code: smtp; 550 5.1.1 unknown"),
    ("Unzustellbar: Ihr Ticket 1042", "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:"),
    ("Unzustellbar: Anfrage", "Ihre Nachricht an bob@x.example konnte nicht zugestellt werden."),
    ("Non remis : votre ticket", "Échec de la remise à ces destinataires ou groupes :"),
    ("Non remis : demande", "Votre message à bob@x.example n'a pas pu être remis."),
    ("No se puede entregar: su ticket", "Error de entrega a estos destinatarios o grupos:"),
    ("Não entregue: ticket", "Reporting-MTA: dns; mx.example Diagnostic-Code: smtp; 550 5.1.1"),
    (
        "Undeliverable: Re: [##RE-5##] laptop",
        "Your message to jane@x.example couldn't be delivered. jane wasn't found at x.example.",
    ),
    (
        "Delivery Status Notification (Failure)",
        "** Address not found ** Your message wasn't delivered to a@b.example because the address couldn't be found",
    ),
    (
        "Unzustellbar: Re: Ticket",
        "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen: a@b Die eingegebene E-Mail-Adresse konnte nicht gefunden werden",
    ),
    ("Delivery delayed: Re: Ticket", "Delivery is delayed to these recipients or groups: bob@x.example"),
    (
        "Undeliverable: Re: Ticket",
        "[https://x/logo.png] Your message to bob@x.example couldn't be delivered. The group only accepts",
    ),
    ("Non remis : Re: Ticket", "Votre message à bob@x.example n'a pas pu être distribué."),
]
EMPTY: Final = [
    ("", ""),
    ("(no subject)", " \n "),
    ("Kein Betreff", ""),
    ("(sans objet)", "--"),
    ("(sin asunto)", "[cid:image001.png@01D]"),
    ("Re: ", "..."),
    ("FW:", ""),
    ("AW:", ""),
    ("<no subject>", "\u200b"),
]
PEOPLE: Final = [
    ("Printer out of paper", "The printer on floor 2 is out of paper."),
    ("Automatic reply rule does not work", "Since the update my rule sends nothing."),
    ("Automatic reply: not sent to people outside", "Colleagues get it, customers don't. Please check."),
    ("Automatic reply", "Please turn on an automatic reply for the mailbox info@acme.example from Monday."),
    ("Out of office", "I'm on vacation from Monday, please set my out of office message."),
    ("Out of office", "How do I switch this on in the new Outlook?"),
    ("Out of office message still on", "I am back since Monday and everybody still gets it."),
    ("Out of office reply is wrong", "It names my old phone number."),
    ("Office door reader out of order", "The badge reader at the office door is dead."),
    ("Auto lock of PCs", "PCs lock after one minute."),
    ("Automatic updates fail", "Error 0x80070005."),
    ("Vacation calendar", "The team's vacation calendar is empty since this morning."),
    ("I will be away", "Please let my deputy read my mailbox while I am out of the office next week."),
    ("Abwesenheitsnotiz einrichten", "Bitte für Herrn Weber einrichten, er ist im Krankenhaus."),
    ("Abwesenheitsnotiz", "Die Abwesenheitsnotiz lässt sich nicht ausschalten."),
    ("Automatische Antwort: wird nicht gesendet", "Externe bekommen nichts."),
    ("Abwesenheit von Frau Weber", "Bitte ihre Mails an mich weiterleiten."),
    ("Automatische Antwort funktioniert nicht", "Seit gestern."),
    ("Réponse automatique", "Comment activer la réponse automatique dans Outlook ?"),
    ("Réponse automatique ne marche pas", "Depuis hier."),
    ("Message d'absence", "Pouvez-vous désactiver mon message d'absence ?"),
    ("Respuesta automática", "No puedo activar la respuesta automática en Outlook."),
    ("Fuera de la oficina no tengo VPN", "La VPN no conecta desde casa."),
    ("FW: Undeliverable: Offer", "I can't write to this customer.\n\n" + EXCHANGE),
    (
        "WG: Unzustellbar: Angebot",
        "Bitte prüfen, ich erreiche den Kunden nicht.\n\nFehler bei der Nachrichtenzustellung",
    ),
    ("Undeliverable mails", "All mails to customer.example come back since noon. We have no idea why."),
    ("Undeliverable: mails to customer.example", "Since noon all of them come back. It's urgent, please look."),
    (
        "Mail delivery failed",
        "When I write to Bob, I get this every time, also from my phone. " + "It worked last week. " * 15 + EXIM,
    ),
    ("Delivery failure of parcels scanner", "The scanner at goods-in shows E21."),
    ("Returned mail is not sorted", "The shared folder Returned is not filled any more."),
    ("Unzustellbare Pakete im WMS", "Das Lagersystem zeigt sie nicht an."),
    ("Correo devuelto", "Los correos a cliente.example vuelven desde ayer, ¿pueden mirar?"),
    ("", "The VPN drops every hour."),
    ("(no subject)", "Help, Outlook is frozen"),
    ("VPN", ""),
    ("プリンター", ""),
    ("42", ""),
    ("Ticket of a monitoring system", "This is an automated message: disk C: of srv-file01 is 95 % full."),
    ("Out of office access", "I need VPN access from home."),
    ("Auto: battery alarm of the company car app", "The app shows a battery alarm for car 7."),
    ("Absence request form is empty", "The form shows nothing"),
    ("Absence: form is empty", "The form in the HR portal is empty since Monday"),
    ("OOO not showing in Teams", "My status is wrong"),
    ("OOO: please set for Bob", "Bob is sick, set his reply until Friday"),
    (
        "Out of office",
        "Please set it for Bob Smith, he is in hospital. Text: I am out of the office until further notice.",
    ),
    ("Abwesend trotz Anwesenheit in Teams", "Teams zeigt mich abwesend"),
    ("Ausente en Teams", "Teams me muestra ausente"),
    ("Abwesenheit", "Bitte Abwesenheitsassistent für Max einrichten"),
    ("Mail delivery failed", "My mails to bob@x.example bounce with 550 5.7.1. Can you look?"),
    (
        "Undeliverable",
        "Hi team, I tried sending the invoice and got: Delivery has failed to these recipients or groups: bob@x. What do I do?",
    ),
    ("Automatic reply needed", "Please enable for our shared mailbox."),
    ("Auto reply loop", "Two mailboxes answer each other since last night, 4000 mails."),
    ("Automatic replies greyed out", "In Outlook the menu is grey."),
    ("Out of Office", "The button is greyed out in Outlook 2019, I'm leaving on Friday."),
    ("Out of office - Bob Smith", "Bob left the company. His mails should go to Jane."),
    ("Out of office: external senders", "External senders get nothing when I'm away. Internal ones do."),
    ("Abwesenheitsnotiz", "Die Notiz wird zweimal verschickt."),
    ("Abwesenheitsnotiz: Max Kurz", "Max ist krank, bitte Text hinterlegen: Ich bin bis auf Weiteres nicht im Büro."),
    ("Réponse automatique", "Bonjour, je pars en congé vendredi, merci d'activer ma réponse automatique."),
    ("Fuera de la oficina", "Necesito acceso VPN mientras estoy fuera de la oficina."),
    ("Undeliverable: invoices", "Customers tell us our invoices bounce."),
    ("Delivery failure", "Getting 550 5.7.1 for everything sent to gmail addresses since 9."),
    (
        "Undelivered Mail Returned to Sender",
        "Hi, I get this back since today when I write to Bob. This is the mail system at host mx1.",
    ),
    ("Failure notice on the NAS", "Disk 2 failed."),
    ("?", "help"),
]
IN_EIGHT_LANGUAGES: Final = [
    (
        Code.AUTOMATIC_REPLY,
        "Automatic reply: Re: Ticket #4711",
        "Thanks for your mail. I'm travelling and will be slow to answer. For anything pressing ring Tom on 4412.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Out of Office: Sarah",
        "Hello, I work Monday to Wednesday and will get back to you on my next working day.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Auto-Reply: Your request has been closed",
        "Hi, this mailbox is not monitored. Please use the portal.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Automatic reply: Survey",
        "I have left Acme Ltd. Kindly direct your message to sales@acme.example.",
    ),
    (Code.AUTOMATIC_REPLY, "Autoreply: Re: order", "Maternity leave until September. My cover is Ann."),
    (
        Code.AUTOMATIC_REPLY,
        "Out of Office AutoReply: VPN",
        "Public holiday today, office closed, we are back tomorrow.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Automatische Antwort: [##RE-55##] Monitor",
        "Guten Tag, ich bin auf Dienstreise und lese meine Mails nur unregelmäßig. Vertretung: Herr Ott, -233.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Abwesenheitsnotiz: Re: Umfrage",
        "Hallo, unser Büro ist zwischen den Jahren geschlossen. Ab 7. Januar sind wir wieder für Sie da.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Automatische Antwort: Ticket gelöst",
        "Ich arbeite in Teilzeit und bin am Donnerstag wieder am Platz.",
    ),
    (Code.AUTOMATIC_REPLY, "Abwesend: Klaus Weber", "Bin auf Fortbildung, ab Montag wieder da."),
    (
        Code.AUTOMATIC_REPLY,
        "Automatische Antwort: Ihre Anfrage",
        "Vielen Dank für Ihre E-Mail. Herr Weber ist nicht mehr für unser Unternehmen tätig.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Réponse automatique : Re: [##RE-55##]",
        "Bonjour, je suis en télétravail partiel et réponds le mercredi. Cordialement",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Réponse automatique : enquête",
        "Je ne fais plus partie de la société. Merci de contacter rh@acme.example.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Message d'absence : Paul",
        "En formation jusqu'à vendredi, je vous répondrai dès mon retour.",
    ),
    (Code.AUTOMATIC_REPLY, "Absence", "Bonjour, je suis en arrêt maladie. Pour toute urgence, voyez avec Luc."),
    (Code.AUTOMATIC_REPLY, "Respuesta automática: encuesta", "Ya no trabajo en Acme. Escriba a info@acme.example."),
    (
        Code.AUTOMATIC_REPLY,
        "Respuesta automática: Re: [##RE-55##]",
        "Hola, estoy de baja por maternidad hasta septiembre. Mi sustituta es Ana.",
    ),
    (Code.AUTOMATIC_REPLY, "Fuera de la oficina: Pedro", "De viaje hasta el viernes, con acceso limitado al correo."),
    (
        Code.AUTOMATIC_REPLY,
        "Risposta automatica: Ticket chiuso",
        "Buongiorno, sono in ferie fino al 25 agosto. Per urgenze contattare Marco.",
    ),
    (Code.AUTOMATIC_REPLY, "Risposta automatica: sondaggio", "Non lavoro più in Acme, scrivete a info@acme.example."),
    (Code.AUTOMATIC_REPLY, "Fuori ufficio: Lucia", "Rientro lunedì 12, risponderò al mio ritorno."),
    (
        Code.AUTOMATIC_REPLY,
        "Risposta automatica: Re: stampante",
        "Grazie per il messaggio. L'ufficio è chiuso per festività.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Automatisch antwoord: enquête",
        "Bedankt voor uw bericht. Ik ben met vakantie tot 12 augustus.",
    ),
    (Code.AUTOMATIC_REPLY, "Afwezig: Jan", "Ik ben maandag weer op kantoor. Bij spoed: Piet."),
    (
        Code.AUTOMATIC_REPLY,
        "Automatisch antwoord: Re: ticket",
        "Ik werk niet meer bij Acme. Neem contact op met info@acme.example.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Afwezigheidsbericht: laptop",
        "Momenteel ben ik niet op kantoor en lees ik mijn mail niet.",
    ),
    (Code.AUTOMATIC_REPLY, "Resposta automática: inquérito", "Obrigado pela sua mensagem. Estou de férias até dia 12."),
    (Code.AUTOMATIC_REPLY, "Resposta automática: chamado 55", "Não trabalho mais na Acme. Fale com info@acme.example."),
    (Code.AUTOMATIC_REPLY, "Fora do escritório: Rui", "Regresso na segunda-feira. Em caso de urgência contacte a Ana."),
    (
        Code.AUTOMATIC_REPLY,
        "Ausência temporária",
        "Estarei ausente do escritório entre 3 e 7 de março, sem acesso ao email.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Automatyczna odpowiedź: ankieta",
        "Dziękuję za wiadomość. Przebywam na urlopie do 12 sierpnia.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Odpowiedź automatyczna: zgłoszenie",
        "Już nie pracuję w Acme. Proszę o kontakt z info@acme.example.",
    ),
    (Code.AUTOMATIC_REPLY, "Poza biurem: Anna", "Wracam w poniedziałek. W pilnych sprawach proszę dzwonić do Piotra."),
    (Code.AUTOMATIC_REPLY, "Autosvar: Ärende", "Jag är på semester till den 12 augusti."),
    (Code.AUTOMATIC_REPLY, "Automatisk svar: Sag", "Jeg er på kursus og svarer på mandag."),
    (Code.AUTOMATIC_REPLY, "Otomatik yanıt: Anket", "12 Ağustos'a kadar izindeyim. Acil durumlarda Ali'ye yazın."),
    (Code.AUTOMATIC_REPLY, "Автоматический ответ: опрос", "Я в командировке до пятницы, почту не читаю."),
    (Code.AUTOMATIC_REPLY, "Automatická odpověď: dotazník", "Jsem na dovolené do 12. srpna."),
    (
        Code.UNDELIVERED_MAIL,
        "Undeliverable: Ticket 55 resolved",
        "Your message wasn't delivered because the recipient's mailbox is full and can't accept messages now.",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Mail delivery failed: returning message to sender",
        "A message that you sent could not be delivered to one or more of its recipients. This is a permanent error. bob@x.example: host mx.x.example said: 550 No such user",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Delivery Status Notification (Failure)",
        "This is an automatically generated Delivery Status Notification. Delivery to the following recipients failed. bob@x.example",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Undeliverable: Re: laptop",
        "Delivery has failed to these recipients or groups: Bob. The recipient's mailbox is full and can't accept messages now.",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Unzustellbar: Ticket",
        "Ihre Nachricht hat einige oder alle Empfänger nicht erreicht. Betreff: Ticket Gesendet: 05.01.2026",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Unzustellbar: Umfrage",
        "bob@x.example - Das Postfach des Empfängers ist voll und kann zurzeit keine Nachrichten annehmen.",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Non remis : enquête",
        "Votre message n'a pas pu être remis à bob@x.example. La boîte aux lettres du destinataire est pleine.",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "No se puede entregar: encuesta",
        "No se pudo entregar el mensaje a bob@x.example. El buzón del destinatario está lleno.",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Non recapitabile: sondaggio",
        "Impossibile recapitare il messaggio ai seguenti destinatari o gruppi: bob@x.example",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Impossibile recapitare: ticket",
        "Il messaggio non è stato recapitato a bob@x.example perché l'indirizzo non esiste.",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Onbestelbaar: enquête",
        "De bezorging aan de volgende geadresseerden of groepen is mislukt: bob@x.example",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Não é possível entregar: inquérito",
        "Falha na entrega para estes destinatários ou grupos: bob@x.example",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Niedostarczalne: ankieta",
        "Dostarczenie wiadomości do następujących adresatów lub grup nie powiodło się: bob@x.example",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Message blocked",
        "Your message to bob@x.example has been blocked. See technical details below. The response was: 550 5.7.1",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Nicht zugestellt: Ticket 55",
        "Die folgende Nachricht konnte nicht zugestellt werden: <bob@x.example>: Host or domain name not found",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Kan inte levereras: Enkät",
        "Leveransen misslyckades till följande mottagare eller grupper: bob@x.example",
    ),
    (None, "Automatic reply", "I want one for Christmas in the shared mailbox orders@. Text attached."),
    (None, "Re: Automatic reply: laptop", "Hi, Sarah is away but I can take the laptop today. When can you bring it?"),
    (None, "Out of office laptop needed", "I leave for Spain on Friday and need a laptop with VPN."),
    (None, "Mailbox full", "I can't send any mail, Outlook says that my mailbox is full."),
    (None, "Undeliverable", "Every mail to our supplier comes back with 5.7.1, please whitelist us."),
    (None, "Vacation", "I'm on vacation next week, please forward my calls to Tom."),
    (None, "Automatische Antwort", "Wie kann ich sie für ein freigegebenes Postfach setzen?"),
    (None, "Abwesenheitsassistent", "Beim Öffnen kommt: Der Server ist nicht verfügbar."),
    (None, "Unzustellbar", "Meine Mails an den Kunden kommen zurück, anbei der Text."),
    (None, "Postfach voll", "Ich kann keine Mails mehr empfangen."),
    (None, "Réponse automatique", "Elle part encore alors que je suis rentré."),
    (None, "Absence de réseau", "Plus de réseau au 3e étage."),
    (None, "Messages non remis", "Mes mails au client reviennent depuis lundi."),
    (None, "Respuesta automática", "Se sigue enviando aunque ya he vuelto."),
    (None, "Ausencia de señal", "No hay wifi en la sala 3."),
    (None, "Risposta automatica", "Non riesco a disattivarla, sono tornato ieri."),
    (None, "Fuori ufficio", "Mi serve accesso VPN da fuori ufficio."),
    (None, "Automatisch antwoord", "Hoe zet ik dit uit? Ik ben terug."),
    (None, "Afwezig in Teams", "Teams toont mij als afwezig terwijl ik werk."),
    (None, "Resposta automática", "Não consigo desativar, já voltei de férias."),
    (None, "Ausente no Teams", "O Teams mostra-me ausente."),
    (None, "Automatyczna odpowiedź", "Nie mogę jej wyłączyć, wróciłam wczoraj z urlopu."),
    (None, "Poza biurem nie działa VPN", "Z domu nie łączy się VPN."),
    (None, "Poczta nie dociera", "Maile do klienta wracają z błędem 550."),
    (None, "Urlop", "Jestem na urlopie od poniedziałku, proszę przekierować pocztę do Anny."),
    (None, "Nuovo portatile", "Sono in ferie dal 12, potete prepararlo prima?"),
    (None, "Férias", "Estou de férias na próxima semana, podem encaminhar o meu email?"),
    (None, "Vakantie", "Ik ben vanaf maandag met vakantie, kan iemand mijn agenda delen met Piet?"),
    # Written at the same time, and looked at once, when all above were told.
    (
        Code.AUTOMATIC_REPLY,
        "Automatic reply: [Ticket#2231] Access card",
        "I am out on annual leave this week with patchy signal. Jo (ext. 88) can help.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Automatic reply: Password will expire",
        "Hi! I'm off sick. If it can't wait, try my manager.",
    ),
    (Code.AUTOMATIC_REPLY, "Out of office", "Out until Tuesday, replies will be delayed."),
    (Code.AUTOMATIC_REPLY, "Auto reply: RE: quote", "Thank you for contacting us. We aim to respond within 24 hours."),
    (
        Code.AUTOMATIC_REPLY,
        "Automatische Antwort: AW: Drucker",
        "Ich bin heute nur eingeschränkt erreichbar, bitte rufen Sie in dringenden Fällen die Zentrale an.",
    ),
    (Code.AUTOMATIC_REPLY, "Abwesenheitsnotiz: Max", "Ich bin in Mutterschutz und anschließend in Elternzeit."),
    (
        Code.AUTOMATIC_REPLY,
        "Automatische Antwort: Passwort läuft ab",
        "Im Moment bin ich nicht am Arbeitsplatz. Rückkehr: 14.02.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Réponse automatique : Votre demande 88",
        "Je suis actuellement en déplacement à l'étranger avec un accès limité à ma messagerie.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Réponse automatique : mot de passe",
        "Merci pour votre mail, nos bureaux sont fermés jusqu'au 2 janvier.",
    ),
    (Code.AUTOMATIC_REPLY, "Absent jusqu'au 5 mai", "Contactez Marie pendant mon absence."),
    (
        Code.AUTOMATIC_REPLY,
        "Respuesta automática: contraseña",
        "Gracias por contactar con nosotros. La oficina permanecerá cerrada hasta el lunes.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Respuesta automática: RE: ticket 88",
        "Me encuentro de vacaciones. En mi ausencia escriba a Luis.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Risposta automatica: password in scadenza",
        "Sono assente per malattia, per urgenze scrivere a Luca.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Risposta automatica: R: ticket 88",
        "In questo momento non posso rispondere, leggerò la mail al rientro.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Automatisch antwoord: wachtwoord verloopt",
        "Vandaag ben ik vrij. Morgen lees ik uw bericht.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Automatisch antwoord: RE: ticket 88",
        "Dank voor uw mail, ik ben op zwangerschapsverlof tot mei.",
    ),
    (Code.AUTOMATIC_REPLY, "Resposta automática: senha expira", "Estou em licença médica. Procure a Carla."),
    (Code.AUTOMATIC_REPLY, "Resposta automática: RES: chamado 88", "No momento estou em viagem e respondo na volta."),
    (
        Code.AUTOMATIC_REPLY,
        "Automatyczna odpowiedź: hasło wygasa",
        "Jestem na zwolnieniu lekarskim, proszę pisać do Kasi.",
    ),
    (
        Code.AUTOMATIC_REPLY,
        "Automatyczna odpowiedź: RE: zgłoszenie 88",
        "Obecnie jestem poza biurem, odpiszę po powrocie.",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Undelivered Mail Returned to Sender",
        "<bob@x.example>: host mx.x.example[192.0.2.7] said: 550 5.1.1 User unknown (in reply to RCPT TO command)",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Delivery has failed",
        "Delivery has failed to these recipients or groups: bob@x.example Your message couldn't be delivered. Despite repeated attempts to contact the recipient's email system it didn't respond.",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Unzustellbar: Passwort läuft ab",
        "Die Nachricht konnte nicht an bob@x.example übermittelt werden. 550 5.4.1 Recipient address rejected",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Non remis : mot de passe",
        "Le message n'a pas été remis à bob@x.example car l'adresse est introuvable.",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "No entregado: contraseña",
        "Su mensaje no se entregó a bob@x.example porque no se encontró la dirección.",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Non recapitabile: password in scadenza",
        "Recapito non riuscito per i seguenti destinatari o gruppi: bob@x.example",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Onbestelbaar: wachtwoord verloopt",
        "Uw bericht aan bob@x.example kan niet worden bezorgd. bob is niet gevonden op x.example.",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Não entregue: senha expira",
        "Sua mensagem para bob@x.example não pôde ser entregue. bob não foi encontrado em x.example.",
    ),
    (
        Code.UNDELIVERED_MAIL,
        "Niedostarczalne: hasło wygasa",
        "Nie można dostarczyć wiadomości do bob@x.example. Nie znaleziono adresu.",
    ),
    (None, "Automatic replies", "Mine went out twice to the same customer, can that be limited?"),
    (None, "Out of office", "I can't open the VPN while travelling, it says the account is locked."),
    (None, "Password will expire", "I'm on leave from Friday. Can you extend it until I'm back?"),
    (None, "Returned laptop", "I returned it on Monday, please take it off my name."),
    (None, "Abwesenheitsnotiz", "Bitte bei Herrn Kurz bis Ende März setzen, er ist krank."),
    (None, "Zustellung fehlgeschlagen", "Ich bekomme das bei jeder Mail an GMX, woran liegt das?"),
    (None, "Urlaub", "Ich bin ab Montag im Urlaub, bitte Telefon auf Frau Ott umleiten."),
    (None, "Absence de son dans Teams", "Plus de son depuis la mise à jour."),
    (None, "Réponse automatique à modifier", "La date est fausse, merci de la corriger."),
    (None, "Error de entrega", "Me sale en cada correo a Gmail desde ayer."),
    (None, "Ausente", "Mi jefe está ausente y necesito acceso a su calendario."),
    (None, "Risposta automatica da cambiare", "La data è sbagliata."),
    (None, "Recapito non riuscito", "Succede con ogni mail verso Gmail, potete controllare?"),
    (None, "Afwezigheidsassistent", "Het menu is grijs in Outlook."),
    (None, "Bezorging mislukt", "Bij elke mail naar Gmail krijg ik dit terug."),
    (None, "Resposta automática", "Preciso de ativar na caixa geral@ até sexta."),
    (None, "Falha na entrega", "Acontece com todos os emails para o Gmail."),
    (None, "Automatyczna odpowiedź", "Proszę ustawić dla skrzynki biuro@ od piątku."),
    (None, "Nie dostarczono", "Dostaję to przy każdym mailu do Gmaila, co zrobić?"),
]
SPAM: Final = [
    ("[SPAM] Increase your sales", "Dear sir, we offer leads."),
    ("***SPAM*** Invoice overdue", "Please find attached."),
    ("*****SPAM***** You have won", "Click here"),
    ("{Spam?} Cheap toner", "50 % off"),
    ("[SPAM?] Meeting", "Hi"),
    ("[SUSPECTED SPAM] Your parcel", "Pay the customs fee."),
    ("[Request ID :##1042##] [SPAM] Hello", "I am a prince."),
    ("[SPAM: 12.3/5.0] Loan", "We lend."),
    ("[SPAM-VERDACHT] Angebot", "Guten Tag"),
    ("SPAM: Gewinnspiel", "Jetzt klicken"),
    ("<SPAM> Encuesta", "Hola"),
]
NO_SPAM: Final = [
    ("FW: [SPAM] Invoice overdue", "Is this one real? It names our bank."),
    ("Re: [SPAM] Offer", "This came to all of us today."),
    ("[Spam] filter lets too much through", "Since Monday."),
    ("[SPAM] not marked as junk any more", "How do I teach the filter again?"),
    ("Spam", "I get 200 spam mails a day."),
    ("Spam filter", "Please release the mail of Jane."),
    ("[SPAMFILTER] quarantine report missing", "Nobody got it today."),
    ("Spamhaus lists our server", "We are on the XBL."),
    ("SPAM folder is full", "Outlook says so."),
    ("JUNK folder missing", "In Outlook on my phone."),
]
SET: Final = [
    *((Code.TAGGED_AS_SPAM, *each) for each in SPAM),
    *((None, *each) for each in NO_SPAM),
    *IN_EIGHT_LANGUAGES,
    *((Code.AUTOMATIC_REPLY, *each) for each in REPLIES),
    *((Code.UNDELIVERED_MAIL, *each) for each in REPORTS),
    *((Code.TICKET_EMPTY, *each) for each in EMPTY),
    *((None, *each) for each in PEOPLE),
]


@pytest.mark.parametrize(("label", "subject", "body"), SET, ids=lambda value: str(value)[:40])
def test_a_mail_of_a_machine_is_told_from_a_persons(label: Code | None, subject: str, body: str) -> None:
    assert find_automatic(a_ticket(subject=subject, description=body)) is label


def test_a_report_is_known_by_its_sender_too() -> None:
    ticket = a_ticket(subject="Mail delivery failed", description="See below.", requester="MAILER-DAEMON@mx.example")
    assert find_automatic(ticket) is Code.UNDELIVERED_MAIL


def test_a_long_text_costs_little() -> None:
    assert find_automatic(a_ticket(subject="Undeliverable: x", description="i am " * 200_000)) is None
    assert find_automatic(a_ticket(subject="auto " * 10_000, description="out of office message " * 10_000)) is None
