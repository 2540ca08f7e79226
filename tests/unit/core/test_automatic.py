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
SET: Final = [
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
