"""A mail's own words come apart from what it quotes and from what closes it, whatever program and language wrote it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.reading.mail import own_words, split_mail
from app.core.reading.text import plain_text

OWN = "P: is dead slow again on 10.20.1.15"
OLD = "The backup of SRV-OLD7 failed"
DISCLAIMER = (
    "This e-mail is confidential and may be legally privileged. If you are not the intended recipient, delete it."
)

QUOTATIONS = {
    "gmail-en": f"On Tue, Mar 3, 2026 at 10:11 AM Jane Doe <jane@acme.example> wrote:\n> {OLD}",
    "gmail-wrapped": f"On Tue, Mar 3, 2026 at 10:11 AM Jane Doe\n<jane@acme.example> wrote:\n> {OLD}",
    "gmail-de": f"Am Di., 3. März 2026 um 10:11 Uhr schrieb Jane Doe <jane@acme.example>:\n> {OLD}",
    "gmail-fr": f"Le mar. 3 mars 2026 à 10:11, Jane Doe <jane@acme.example> a écrit :\n> {OLD}",
    "gmail-es": f"El mar, 3 mar 2026 a las 10:11, Jane Doe (<jane@acme.example>) escribió:\n> {OLD}",
    "gmail-ja": f"2026年3月3日(火) 10:11 Jane Doe <jane@acme.example>:\n> {OLD}",
    "gmail-zh": f"Jane Doe <jane@acme.example> 于2026年3月3日周二 10:11写道：\n> {OLD}",
    "apple": f"On 3 Mar 2026, at 10:11, Jane Doe <jane@acme.example> wrote:\n{OLD}",
    "apple-de": f"Am 03.03.2026 um 10:11 schrieb Jane Doe <jane@acme.example>:\n{OLD}",
    "apple-fr": f"Le 3 mars 2026 à 10:11, Jane Doe <jane@acme.example> a\nécrit :\n> {OLD}",
    "thunderbird-nl": f"Op 03-03-2026 om 10:11 schreef Jane Doe:\n> {OLD}",
    "outlook-en": f"From: Jane Doe\nSent: Tuesday, March 3, 2026 10:11\nTo: Support\nSubject: x\n{OLD}",
    "outlook-de": f"Von: Jane Doe\nGesendet: Dienstag, 3. März 2026 10:11\nAn: Support\nBetreff: x\n{OLD}",
    "outlook-fr": f"De : Jane Doe\nEnvoyé : mardi 3 mars 2026 10:11\nÀ : Support\nObjet : x\n{OLD}",
    "outlook-es": f"De: Jane Doe\nEnviado: martes, 3 de marzo de 2026 10:11\nPara: Support\nAsunto: x\n{OLD}",
    "outlook-it": f"Da: Jane Doe\nInviato: martedì 3 marzo 2026 10:11\nA: Support\nOggetto: x\n{OLD}",
    "outlook-sv": f"Från: Jane Doe\nSkickat: den 3 mars 2026 10:11\nTill: Support\nÄmne: x\n{OLD}",
    "outlook-bold": f"*Von:* Jane Doe\n*Gesendet:* Dienstag\n*An:* Support\n*Betreff:* x\n{OLD}",
    "outlook-line": f"________________________________\nFrom: Jane Doe\nSent: Tuesday\nTo: Support\n{OLD}",
    "separator-en": f"-----Original Message-----\nFrom: Jane Doe\n{OLD}",
    "separator-de": f"-----Ursprüngliche Nachricht-----\nVon: Jane Doe\n{OLD}",
    "separator-fr": f"-----Message d'origine-----\nDe : Jane Doe\n{OLD}",
    "separator-es": f"-----Mensaje original-----\nDe: Jane Doe\n{OLD}",
    "forwarded": f"---------- Forwarded message ---------\nFrom: Jane Doe <jane@acme.example>\n{OLD}",
    "forwarded-de": f"---------- Weitergeleitete Nachricht ---------\nVon: Jane Doe\n{OLD}",
    "forwarded-apple": f"Anfang der weitergeleiteten Nachricht:\nVon: Jane Doe\n{OLD}",
}
IN_OTHER_LANGUAGES = {
    "ru": "пн, 5 янв. 2026 г. в 09:12, Jane Doe <jane@acme.example>:",
    "vi": "Vào Th 2, 5 thg 1, 2026 vào lúc 09:12 Jane Doe <jane@acme.example> đã viết:",
    "th": "เมื่อ จ. 5 ม.ค. 2026 เวลา 09:12 Jane Doe <jane@acme.example> เขียนว่า:",
    "he": "בתאריך יום ב׳, 5 בינו׳ 2026 ב-9:12 מאת Jane Doe <jane@acme.example>:",
    "ar": "في الاثنين، 5 يناير 2026 في 9:12 ص تمت كتابة ما يلي بواسطة Jane Doe <jane@acme.example>:",
    "hu": "Jane Doe <jane@acme.example> ezt írta (időpont: 2026. jan. 5., H, 9:12):",
    "zh-tw": "Jane Doe <jane@acme.example> 於 2026年1月5日 週一 上午9:12寫道：",
    "a language that has no word here": "Ni 5 Jan 2026 09:12 Jane Doe <jane@acme.example>:",
}


@pytest.mark.parametrize("line", IN_OTHER_LANGUAGES.values(), ids=IN_OTHER_LANGUAGES)
def test_who_wrote_what_is_quoted_is_told_in_any_language(line: str) -> None:
    mail = split_mail(f"{OWN}\n{line}\n{OLD}")
    assert (mail.own, mail.quoted) == (OWN, OLD)


@pytest.mark.parametrize(
    "quotation", [f"Jane Doe---01/05/2026 09:12:00 AM---{OLD}", f">>> Jane Doe 05.01.2026 09:12 >>>\n{OLD}"]
)
def test_the_quotations_of_notes_and_groupwise_come_apart(quotation: str) -> None:
    mail = split_mail(f"{OWN}\n{quotation}")
    assert mail.own == OWN
    assert mail.quoted.endswith(OLD)


@pytest.mark.parametrize(
    "banner",
    [
        "ACHTUNG: Diese E-Mail stammt von einem externen Absender. Öffnen Sie keine Links.",
        "Attention : expéditeur externe.",
        "Precaución: correo electrónico externo.",
        "##- Please type your reply above this line -##",
    ],
)
def test_a_banner_in_other_words_is_not_the_writers(banner: str) -> None:
    assert split_mail(f"{banner}\n{OWN}").own == OWN


MARKUP = {
    "outlook, a reply of a reply": f"<div>{OWN}</div><div id=x_x_divRplyFwdMsg><b>From:</b> Jane</div><div>{OLD}</div>",
    "blockquote": f"<p>{OWN}</p><blockquote type=cite><p>{OLD}</p></blockquote>",
    "gmail": f'<div dir=ltr>{OWN}</div><br><div class="gmail_quote gmail_quote_container"><div dir=ltr class=gmail_attr>On Tue, '
    f"Mar 3, 2026 at 10:11 AM Jane Doe wrote:<br></div><blockquote class=gmail_quote><div>{OLD}</div></blockquote></div>",
    "outlook": f'<p>{OWN}</p><div id="appendonsend"></div><hr><div id="divRplyFwdMsg" dir=ltr><font><b>Kimden:</b> Jane<br>'
    f"<b>Gönderildi:</b> Salı</font></div><div>{OLD}</div>",
    "outlook-again": f'<p>{OWN}</p><div id="x_divRplyFwdMsg">From: Jane</div><p>{OLD}</p>',
    "outlook-desktop": f'<p class=MsoNormal>{OWN}</p><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p class=MsoNormal>'
    f"<b>Von:</b> Jane<br><b>Gesendet:</b> Dienstag<br><b>An:</b> Support<br><b>Betreff:</b> x</p></div><p>{OLD}</p>",
    "thunderbird": f"<p>{OWN}</p><div class='moz-cite-prefix'>Jane, 3.3.26:</div><blockquote cite=mid:1>{OLD}</blockquote>",
    "yahoo": f"<div>{OWN}</div><div class='yahoo_quoted'><div>{OLD}</div></div>",
    "nested": f"<p>{OWN}</p><blockquote>a<blockquote>b<div>{OLD}</div></blockquote>c</blockquote>",
    "never-closed": f"<p>{OWN}</p><blockquote><div><p>{OLD}",
}
CLOSINGS = [
    "Sent from my iPhone",
    "Get Outlook for Android",
    "Von meinem iPhone gesendet",
    "Gesendet von Outlook für iOS",
    "Diese Nachricht wurde von meinem Android Mobiltelefon mit GMX Mail gesendet.",
    "Envoyé de mon iPhone",
    "Enviado desde mi iPhone",
    "Inviato da iPhone",
    "--\nJane Doe\nACME Ltd, 12 High Street",
    "Best regards,\nJane Doe\nHead of SRV-OLD7 operations",
    "Mit freundlichen Grüßen\ni. A. Jane Doe\nACME GmbH, Hauptstraße 12\nTel. +49 30 1234567",
    "Cordialement,\nJane Doe",
    "Un saludo,\nJane",
    "Thanks\nJane",
    DISCLAIMER,
    "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind, löschen Sie sie.",
    "Le informazioni contenute in questa comunicazione sono riservate e destinate esclusivamente al destinatario.",
    "このメールには機密情報が含まれている場合があります。",
    "本邮件及其附件含有保密信息，仅限于发送给上面地址中列出的个人。",
    "Ce message est confidentiel. Si vous n'êtes pas le destinataire, merci de le détruire.",
    "Este mensaje contiene información confidencial. Si no es el destinatario, bórrelo.",
    "Please consider the environment before printing this e-mail.",
]


@pytest.mark.parametrize("quotation", QUOTATIONS.values(), ids=QUOTATIONS)
def test_a_quoted_mail_comes_apart(quotation: str) -> None:
    mail = split_mail(f"{OWN}\n{quotation}\n{DISCLAIMER}")
    assert mail.own == OWN
    assert mail.quoted.splitlines()[-1] == OLD
    assert DISCLAIMER in mail.closing
    assert "Jane" not in mail.quoted


@pytest.mark.parametrize("markup", MARKUP.values(), ids=MARKUP)
def test_what_a_mail_program_marks_comes_apart(markup: str) -> None:
    mail = split_mail(plain_text(markup))
    assert mail.own == OWN
    assert OLD in mail.quoted.splitlines()


@pytest.mark.parametrize("closing", CLOSINGS, ids=lambda closing: closing[:28])
@pytest.mark.parametrize("rest", ["", f"\n{QUOTATIONS['gmail-de']}"], ids=["last", "above-a-quotation"])
def test_what_closes_a_mail_comes_apart(closing: str, rest: str) -> None:
    mail = split_mail(f"{OWN}\n{closing}{rest}")
    assert mail.own == OWN
    assert mail.quoted == (OLD if rest else "")


def test_a_banner_above_the_words_is_not_theirs() -> None:
    banner = "CAUTION: This email originated from outside of the organization."
    assert split_mail(f"{banner}\n{OWN}").own == OWN
    assert split_mail(f"{DISCLAIMER}\n{OWN}").own == OWN


@pytest.mark.parametrize(
    "line",
    [
        "> netsh winsock reset",
        "> Settings > Accounts > Access work or school",
        "> Einstellungen > Konten > Geräte",
        "> ipconfig /flushdns\n> gpupdate /force",
        "> File > Options > Add-ins > Manage: Disabled Items",
    ],
)
def test_commands_and_menu_paths_behind_the_mark_are_a_technician_s_own(line: str) -> None:
    said = line.replace("\n> ", "\n").removeprefix("> ")
    assert own_words(f"Reset the stack.\n{line}\nWorks now") == f"Reset the stack.\n{said}\nWorks now"
    # Nothing leads to it: it may be the mail that is answered.
    assert own_words(line) == ""
    assert own_words(f"{line}\nNo, never do this.") == "No, never do this."
    assert own_words(f"No, never do this.\n\n{line}") == "No, never do this."


@pytest.mark.parametrize(
    "quoted",
    [
        "> it still does not work",
        "> es geht nicht",
        "> ça ne marche pas",
        "> disk format now at https://evil.example/x",
        "> mail it@evil.example",
        "> Settings > see www.evil.example",
        "> The old printer\n> netsh winsock reset",
        "> so I have now tried everything that the colleague told me on\n> Monday and it is the same",
        "> 请把密码发给我",
        "> Delete all snapshots.",
    ],
)
def test_what_reads_as_somebody_s_mail_stays_quoted_without_an_attribution(quoted: str) -> None:
    assert own_words(f"Done.\n{quoted}") == "Done."
    assert own_words(quoted) == ""


@pytest.mark.parametrize("sign", ["On 3 Mar 2026, at 10:11, Jo wrote:", "-----Original Message-----"])
def test_a_command_in_a_mail_that_is_answered_stays_quoted(sign: str) -> None:
    assert own_words(f"Done.\n{sign}\n> netsh winsock reset") == "Done."


def test_answers_between_quotations_are_own_words() -> None:
    mail = split_mail("On 3 Mar 2026, at 10:11, Jo wrote:\n> Which error?\nE-1045\n> Since when?\n>> x\nMonday")
    assert mail.own == "E-1045\nMonday"
    assert mail.quoted == "Which error?\nSince when?\nx"


@pytest.mark.parametrize(
    "mail",
    [
        QUOTATIONS["outlook-fr"],
        QUOTATIONS["forwarded"],
        f"> {OLD}",
        f"<blockquote>{OLD}</blockquote>",
        f"--\n{OLD}",
        f"Best regards\n{OLD}",
        DISCLAIMER,
    ],
)
def test_a_mail_that_is_only_a_quotation_keeps_its_words(mail: str) -> None:
    parts = split_mail(plain_text(mail))
    assert (parts.own or parts.quoted).strip()
    assert OLD in parts.quoted + parts.own or parts.own == DISCLAIMER


@pytest.mark.parametrize(
    "text",
    [
        "From: the mail server\nerror 550 5.7.1 comes back",
        "Thanks\nto the update the printer now says PC LOAD LETTER whenever anybody on the third floor prints",
        "The log says:\n--- end of message\nError E-1045",
        "He wrote:\nit is broken",
        "Sent from the new server, each mail bounces",
        "Best practice is to restart",
        "On Monday at 10:15 the server wrote an event 1045 to its log.",
        "- first\n- second\n--verbose was no help",
        '<blockquote style="margin:0 0 0 40px;border:none;padding:0px">moved in by its writer</blockquote>',
        "==== Build log ====\nfailed",
        f"Regards from Berlin do not arrive: the queue is full, and here follows its log, {'which is long ' * 9}",
    ],
)
def test_words_that_look_alike_are_their_writers_own(text: str) -> None:
    plain = plain_text(text)
    assert split_mail(plain) == (plain, "", "")


@given(
    st.lists(st.sampled_from([OWN, "> a", "--", "Von: a", "An: b", "Betreff: c", DISCLAIMER, "Grüße", "x" * 300, ""]))
)
def test_no_line_is_lost(lines: list[str]) -> None:
    parts = split_mail("\n".join(lines))
    kept = " ".join(parts).split()
    assert sorted(kept) == sorted(" ".join(lines).replace("> ", "").split())
    assert not any(lines) or any(parts[:2])


@pytest.mark.parametrize(
    "part",
    [
        "On ",
        "> ",
        "From: a\n",
        "--\n",
        "thanks\n",
        "on 10:11 wrote:\n",
        "a\n",
        "=-",
        "*",
        "regards,\n",
        "Am x schrieb ",
        "\n",
        "von: a\nan: b\n",
    ],
)
def test_a_long_text_takes_no_time(part: str) -> None:
    started = time.process_time()
    split_mail(part * (64_000 // len(part)))
    assert time.process_time() - started < 1  # measured: 0.15 at most
