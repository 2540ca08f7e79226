"""The resolved ticket of the same problem is found in whatever language, and whatever a mail holds besides."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.core.tenant import Language, NoteOptions, Tenant
from app.core.ticket import Ticket
from app.db.knowledge.documents import TICKETS
from app.db.knowledge.indexing import index_next, is_indexed_otherwise
from app.db.knowledge.search import Search
from app.db.knowledge.store import upsert_articles, upsert_tickets
from app.db.session import Database
from app.simulator.samples import load_portals
from tests.builders import a_tenant, a_ticket, an_article

DATA = Path(__file__).parents[4] / "demo" / "data"
# Each tenant holds all of these. A ticket is found by its own key.
HISTORY = {
    "ja": (
        "VPNに接続できない",
        "在宅勤務中にVPNに接続しようとするとエラーが表示されます。",
        "支店のファイアウォールでポートを開放しました。",
    ),
    "ja-printer": (
        "プリンターから印刷できない",
        "3階の複合機で印刷ジョブが止まったままです。",
        "印刷キューを再起動しました。",
    ),
    "ja-mail": (
        "メールが届かない",
        "昨日から社外のメールが受信できません。",
        "迷惑メールフィルターの設定を変更しました。",
    ),
    "zh": ("打印机无法连接网络", "办公室三楼的打印机显示脱机,无法打印文件。", "重新设置了打印机的静态地址。"),
    "zh-mail": ("邮箱密码过期", "用户登录邮箱时提示密码已过期。", "重置了密码并更新了策略。"),
    "zh-hant": ("無法登入遠端桌面", "使用遠端桌面連線時顯示憑證錯誤。", "更新了伺服器憑證。"),
    "th": ("เครื่องพิมพ์ไม่ทำงาน", "เครื่องพิมพ์ชั้นสามพิมพ์เอกสารไม่ได้ตั้งแต่เช้า", "เริ่มบริการคิวงานพิมพ์ใหม่"),
    "th-vpn": ("เชื่อมต่อวีพีเอ็นไม่ได้", "พนักงานทำงานจากบ้านเชื่อมต่อวีพีเอ็นไม่ได้", "เปิดพอร์ตที่ไฟร์วอลล์"),
    "ko": (
        "프린터가 인쇄되지 않습니다",
        "3층 프린터에서 문서를 인쇄할 수 없습니다.",
        "인쇄 대기열을 다시 시작했습니다.",
    ),
    "fa": (
        "چاپگر کار نمی\u200cکند",
        "چاپگر طبقه سوم کاغذ را می\u200cکشد ولی چاپ نمی\u200cکند.",
        "غلتک چاپگر تعویض شد.",
    ),
    "hi": ("प्रिंटर काम नहीं कर रहा", "तीसरी मंज़िल का प्रिंटर दस्तावेज़ नहीं छाप रहा है।", "प्रिंट कतार फिर से शुरू की।"),
    "de": (
        "Druckerwarteschlange bleibt hängen",
        "Auf dem Druckserver bleibt die Druckerwarteschlange hängen.",
        "Spooler neu gestartet.",
    ),
    "de-parts": (
        "Sicherung des Servers bricht ab",
        "Die Sicherung bricht nachts ab, das Laufwerk ist voll.",
        "Alte Stände gelöscht.",
    ),
    "de-plain": (
        "Benutzer kann sich nicht anmelden",
        "Der Benutzer ist gesperrt und kann sich nicht anmelden.",
        "Konto entsperrt.",
    ),
    "en": ("Badge reader blinks red", "The badge reader at the south door blinks red.", "Replaced its power supply."),
    "zebra": (
        "Label printer prints stripes",
        "The label is wrong since ^XA^FO50,50^ADN is sent.",
        "Installed the right driver.",
    ),
    "windows": (
        "Windows Update schlägt fehl",
        "Beim Installieren erscheint der Fehler 0x80070005.",
        "Rechte des Ordners gesetzt.",
    ),
    "oracle": ("Base de données injoignable", "L'application affiche ORA-12541 au démarrage.", "Listener redémarré."),
    "path": (
        "Application does not start",
        r"It can't load C:\Program Files\Acme\bin\core.dll today.",
        "Reinstalled it.",
    ),
    "exception": ("Rapport impossible", "Le rapport finit par System.IO.DirectoryNotFoundException.", "Dossier créé."),
}
ASKED = {
    "ja": ("VPNに接続できない", "更新後、自宅からVPNに接続できません。エラーが表示されます。"),
    "ja-printer": ("印刷ジョブが止まる", "複合機の印刷ジョブが進みません。"),
    "ja-mail": ("社外メール", "社外のメールが届かないので確認してください。"),
    "zh": ("打印机脱机", "三楼打印机无法打印。"),
    "zh-mail": ("密码过期", "我的邮箱密码过期了。"),
    "zh-hant": ("遠端桌面憑證錯誤", "登入遠端桌面時出現憑證錯誤。"),
    "th": ("เครื่องพิมพ์พิมพ์ไม่ได้", "เครื่องพิมพ์ชั้นสามไม่ทำงาน"),
    "th-vpn": ("วีพีเอ็น", "ทำงานจากบ้านเชื่อมต่อวีพีเอ็นไม่ได้"),
    "ko": ("프린터 문서 인쇄", "프린터로 문서를 인쇄할 수 없어요."),
    "fa": ("چاپگر خراب است", "چاپگر طبقه سوم چاپ نمیکند"),
    "hi": ("प्रिंटर", "तीसरी मंज़िल का प्रिंटर दस्तावेज़ नहीं छाप रहा"),
    "de": ("Drucker Warteschlange hängt", "Die Warteschlange vom Drucker hängt seit heute."),
    "de-parts": ("Serversicherung abgebrochen", "Die Serversicherung ist wieder abgebrochen."),
    "de-plain": (
        "Anmeldung gesperrter Benutzer",
        "Meine Kollegin ist ein gesperrter Benutzer und kann sich nicht anmelden.",
    ),
    "zebra": (
        "Étiquettes illisibles",
        "L'imprimante du quai imprime n'importe quoi : ^XA^FO50,100^FDcode. Que faire ?",
    ),
    "windows": (
        "Aktualizacja nie działa",
        "Podczas instalacji poprawek na laptopie pojawia się komunikat 0x80070005 i komputer się zawiesza.",
    ),
    "oracle": (
        "Lagerprogramm startet nicht",
        "Seit dem Umzug des Servers zeigt das Lagerprogramm ORA-12541 und beendet sich.",
    ),
    "path": ("Programa bloqueado", r"Al abrir falta C:\Program Files\Acme\bin\core.dll, y el programa se cierra solo."),
    "exception": ("報告書が出ない", "月次の報告書を開くと System.IO.DirectoryNotFoundException と表示されます。"),
}


def search(database: Database, tenant: Tenant) -> Search:
    return Search(
        database, tenant, ticket_url=lambda id_: f"https://t/{id_}", article_url=lambda id_: f"https://a/{id_}"
    )


def resolved(id_: str, subject: str, description: str, resolution: str = "Restarted it.") -> Ticket:
    return a_ticket(
        id=id_, subject=subject, description=description, resolution=resolution, resolved_at="2026-10-01T10:00:00Z"
    )


async def fill(database: Database, tenant: Tenant, *tickets: Ticket) -> None:
    async with database.as_tenant(tenant.id) as session:
        await upsert_tickets(session, tenant.id, tickets, language=tenant.note.language)


async def found(database: Database, tenant: Tenant, subject: str, description: str) -> list[str]:
    ticket = a_ticket(id="asking", subject=subject, description=description)
    return [source.id for source in await search(database, tenant).similar_tickets(ticket, limit=5)]


def tenant_of(language: Language) -> Tenant:
    return a_tenant(f"t{uuid4().hex[:8]}", note=NoteOptions(language=language))


@pytest.fixture(params=["en", "de", "fr"])
async def tenant(worker_db: Database, request: pytest.FixtureRequest) -> Tenant:
    tenant = tenant_of(request.param)
    await fill(worker_db, tenant, *(resolved(id_, *texts) for id_, texts in HISTORY.items()))
    return tenant


async def test_each_language_finds_its_ticket_and_no_other_problem(worker_db: Database, tenant: Tenant) -> None:
    results = {id_: await found(worker_db, tenant, *texts) for id_, texts in ASKED.items()}
    assert {id_: ids[:1] for id_, ids in results.items()} == {id_: [id_] for id_ in ASKED}
    assert {id_: ids for id_, ids in results.items() if len(ids) > 1} == {}


@pytest.mark.parametrize(
    ("subject", "description"),
    [
        ("給与明細が見られない", "人事システムで給与明細を開くと真っ白になります。"),
        ("申请新电脑", "新员工下周入职,需要一台笔记本电脑。"),
        ("ขอสิทธิ์เข้าโฟลเดอร์", "ขอสิทธิ์เข้าถึงโฟลเดอร์ฝ่ายบัญชี"),
        ("신규 입사자 계정", "다음 주 입사하는 직원의 계정을 만들어 주세요."),
        ("Telefonkonferenz rauscht", "In der Telefonkonferenz rauscht es, und die anderen hören mich nicht."),
        ("درخواست رایانه", "برای همکار تازه یک رایانه همراه لازم است."),
    ],
)
async def test_what_nobody_had_finds_nothing(
    worker_db: Database, tenant: Tenant, subject: str, description: str
) -> None:
    assert await found(worker_db, tenant, subject, description) == []


async def test_an_article_is_found_in_its_language(worker_db: Database) -> None:
    tenant = tenant_of("en")
    text_ = "共有フォルダーにアクセスするには、社内ポータルから申請してください。" + "手順の続きです。" * 200
    async with worker_db.as_tenant(tenant.id) as session:
        await upsert_articles(
            session, tenant.id, [an_article(id="1", title="共有フォルダーの申請", text=text_)], language="en"
        )
    sources = await search(worker_db, tenant).articles(
        a_ticket(subject="共有フォルダー", description="申請の方法"), limit=5
    )
    assert [source.id for source in sources] == ["1"]
    assert "共有フォルダーにアクセス" in sources[0].text


@pytest.mark.parametrize(
    ("history", "asked"),
    [
        ("Netzwerkdrucker offline", "Drucker im Netzwerk offline"),
        ("Passwort zurücksetzen für Bildschirmschoner", "Bildschirm Schoner fragt nach Passwort"),
        ("Kartenlesegerät defekt", "Lesegerät für Karten defekt"),
        ("Urlaub Antrag lässt sich nicht öffnen", "Urlaubsantrag öffnet nicht"),
        ("Arbeit am Platz 12 ohne Strom", "Arbeitsplatz 12 ohne Strom"),
        ("De netwerkprinter op de tweede verdieping print niet", "De printer in het netwerk print niet meer"),
    ],
)
async def test_a_compound_and_its_parts_find_each_other(worker_db: Database, history: str, asked: str) -> None:
    tenant = tenant_of("de")
    others = [resolved(id_, *HISTORY[id_]) for id_ in ("de-plain", "windows", "en")]
    await fill(worker_db, tenant, *others, resolved("1", history, ""))
    assert (await found(worker_db, tenant, asked, "Das ist bei uns so."))[:1] == ["1"]


OWN = "P: is dead slow again on 10.20.1.15"
DISCLAIMER = (
    "This e-mail is confidential and may be legally privileged. If you are not the intended recipient, delete it."
)
QUOTED = "Von: Jane\nGesendet: Montag\nAn: Support\nBetreff: Kartenterminal\nDas Kartenterminal liest keine Gesundheitskarten."
MAILS = [
    resolved("drive", "Drive P: slow", "P: is very slow, files open slowly.", "Moved the share to SSD."),
    resolved(
        "terminal", "Kartenterminal liest nicht", "Das Kartenterminal liest keine Gesundheitskarten.", "Neu gestartet."
    ),
    resolved(
        "legal",
        "Legal mail footer",
        f"The footer is missing: legally privileged, confidential.\n{DISCLAIMER}",
        "Added.",
    ),
    resolved("door", "Door stays open", f"The south door does not close.\n{DISCLAIMER}", "Oiled."),
]


async def test_a_mails_own_words_are_searched_and_not_what_stands_below(worker_db: Database) -> None:
    tenant = tenant_of("en")
    await fill(worker_db, tenant, *MAILS)
    assert await found(worker_db, tenant, "P: slow", OWN) == ["drive"]
    assert await found(worker_db, tenant, "P: slow", f"{OWN}\nBest regards\nJo\n{QUOTED}\n{DISCLAIMER}") == ["drive"]
    assert await found(worker_db, tenant, "Question", f"Who does the visitor's parking permits?\n{DISCLAIMER}") == []


@pytest.mark.parametrize(
    "own", ["FYI", "siehe unten", "Hallo, zur Kenntnis. Danke", "", "Bitte um Prüfung, was Frau Maier schrieb"]
)
async def test_a_mail_that_passes_something_on_is_about_that(worker_db: Database, own: str) -> None:
    tenant = tenant_of("de")
    await fill(worker_db, tenant, *MAILS)
    assert await found(worker_db, tenant, "WG: Anfrage", f"{own}\n{QUOTED}\n{DISCLAIMER}") == ["terminal"]


async def test_a_resolved_ticket_is_not_found_by_its_disclaimer(worker_db: Database) -> None:
    tenant = tenant_of("en")
    await fill(worker_db, tenant, *MAILS)
    async with worker_db.as_tenant(tenant.id) as session:
        terms = (await session.scalars(text("select unnest(terms) from ticket where id = 'door'"))).all()
    assert "door" in terms
    assert not {"privileg", "confidenti", "recipi"} & set(terms)


async def test_the_samples_are_found_from_a_mail_as_from_its_own_words(worker_db: Database) -> None:
    tenant = tenant_of("en")
    portal = next(portal for portal in load_portals(DATA) if portal.slug == "acme")
    held = [ticket for ticket in portal.tickets.values() if ticket.resolved]
    await fill(worker_db, tenant, *(resolved(t.id, t.subject, t.description, t.resolution) for t in held))
    alone = await found(worker_db, tenant, "P: slow", OWN)
    assert len(alone) >= 2
    for mail in (
        f"{OWN}\nSent from my iPhone\n{QUOTED}\n{DISCLAIMER}",
        OWN + f"\n{QUOTED}".replace("\n", "\n> "),
        f"{OWN}\n{DISCLAIMER}",
    ):
        assert await found(worker_db, tenant, "P: slow", mail) == alone


async def test_what_an_earlier_release_indexed_is_due(worker_db: Database) -> None:
    tenant = tenant_of("en")
    await fill(worker_db, tenant, resolved("ja", *HISTORY["ja"]))
    async with worker_db.as_tenant(tenant.id) as session:
        await session.execute(text("update corpus set configuration = 'english 1'"))
        await session.execute(text("update ticket set indexed_digest = '\\x00'"))
        assert await is_indexed_otherwise(session, tenant.id, TICKETS, language="en")
        assert await index_next(session, tenant.id, TICKETS, after="", language="en") == "ja"
        assert await index_next(session, tenant.id, TICKETS, after="ja", language="en") is None
        assert not await is_indexed_otherwise(session, tenant.id, TICKETS, language="en")
    assert await found(worker_db, tenant, *ASKED["ja"]) == ["ja"]


async def test_a_source_shows_what_its_requester_wrote(worker_db: Database) -> None:
    tenant = tenant_of("en")
    mail = f"P: is very slow, files open slowly.\nBest regards\nJo\n{QUOTED}\n{DISCLAIMER}"
    await fill(worker_db, tenant, resolved("1", "Drive P: slow", mail, "Moved it."))
    (source,) = await search(worker_db, tenant).similar_tickets(a_ticket(subject="P: slow", description=OWN), limit=5)
    assert source.text == "Problem: P: is very slow, files open slowly.\nResolution: Moved it."
