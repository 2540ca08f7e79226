"""Words that occur in most tickets, whatever they are about ("please", "today"). They must not make two tickets similar.

They are the stop words of service desks, beside PostgreSQL's stop words of each language. In a large corpus the ranking
gives them little weight by itself, since they are frequent; in a corpus of thirty tickets it can't. They are left out of
queries and not of the index, so a change of this list needs no new index.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.core.tenant import Language
from app.db.knowledge.reading import CONFIGURATIONS, read
from app.db.session import Row
from app.db.sql import load

GENERIC_WORDS: Final[dict[Language, str]] = {
    "en": """
        hello hi hey dear please thank thanks regards best kind sincerely morning afternoon evening good sir madam
        team today yesterday tomorrow monday tuesday wednesday thursday friday saturday sunday day days week weeks
        weekend month year hour hours minute minutes second seconds time times since again always anymore still
        already now later ago last next first one two three four five ten several every everybody everyone nobody
        somebody anybody something anything nothing user users colleague colleagues people person can't cannot can
        could would don't doesn't didn't isn't wasn't won't work works working worked problem problems issue issues
        help need needs want wants try tried trying get gets got getting go goes gone going come comes came make makes
        made take takes took say says said tell tells told see sees seen show shows shown know known look looks like
        new old use uses used using let lets give given ask asks asked happen happens happened appear appears start
        starts started stop stops stopped keep keeps also even just much many way without urgent asap fine ok okay
        note fyi ticket request floor 1st 2nd 3rd 4th upstairs downstairs able unable possible correctly properly suddenly whole right well back
    """,
    "de": """
        hallo hi moin guten tag morgen abend liebe lieber sehr geehrte damen herren bitte danke vielen dank gruß grüße
        freundlichen beste viele heute gestern vorgestern montag dienstag mittwoch donnerstag freitag samstag sonntag
        tage tagen woche wochen wochenende monat jahr uhr stunde stunden minute minuten sekunde sekunden seit wieder
        immer noch schon jetzt nun später vorhin früh letzte nächste erste eins zwei drei vier fünf zehn mehrere jeder
        jede alle niemand jemand keiner keine etwas nichts nutzer benutzer anwender kollege kollegen kollegin
        mitarbeiter leute geht gehen ging funktioniert funktionieren problem probleme fehlt hilfe helfen brauche
        braucht brauchen möchte möchten wollen will versuche versucht kommt kommen kam macht machen gemacht nimmt sagt
        sagen sehen sieht zeigt zeigen weiß wissen neu neue neuen neuer alt alte lässt lassen gibt geben fragt
        erscheint startet gestartet beginnt plötzlich ständig dauernd bleibt bleiben beim mehr kein auch nur einfach
        leider mal mir uns etage stock stockwerk erdgeschoss dringend eilig ticket anfrage möglich richtig steht stehen kurz ganz gar
    """,
    "fr": """
        bonjour bonsoir salut cher chère madame monsieur merci svp stp plaît cordialement cordiales salutations
        aujourd'hui hier demain lundi mardi mercredi jeudi vendredi samedi dimanche jour jours semaine semaines mois
        année heure heures minute minutes seconde secondes matin soir depuis encore toujours déjà maintenant tard
        dernier dernière prochain premier un deux trois quatre cinq dix plusieurs chaque tous toutes tout personne
        quelqu'un rien quelque chose utilisateur utilisateurs collègue collègues gens fonctionne fonctionnent
        fonctionner marche marchent problème problèmes souci soucis aide aider besoin veux voudrais essaie essayé
        essayer vient venir fait faire fais prend dit dire voir vois voit montre affiche sait nouveau nouvelle
        nouveaux ancien ancienne laisse donne donner demande demander arrive arriver apparaît commence démarre soudain
        aussi juste beaucoup étage rez-de-chaussée urgent ticket possible impossible correctement peut peux pouvoir
    """,
    "es": """
        hola buenos buenas días tardes noches estimado estimada señor señora gracias favor saludos cordiales
        atentamente hoy ayer mañana lunes martes miércoles jueves viernes sábado domingo día semana semanas mes año
        hora horas minuto minutos segundo segundos desde otra vez siempre todavía aún ya ahora tarde último última
        próximo primero uno dos tres cuatro cinco diez varios cada todos todas nadie alguien nada algo usuario
        usuarios compañero compañeros gente funciona funcionan funcionar problema problemas ayuda ayudar necesito
        necesita necesitamos quiero quisiera intento intentado intentar viene venir hace hacer hago toma dice decir
        ver veo muestra aparece sabe nuevo nueva nuevos viejo vieja deja da dar pide pedir pasa pasar empieza inicia
        repente también solo mucho planta piso urgente ticket solicitud posible imposible correctamente puede puedo poder
    """,
}

_ELSEWHERE: Final = """
    お世話になっております お疲れ様です よろしくお願いいたします お願いします ありがとうございます ください ました ません ています
    できない できません されます されました について 問題 確認 対応 方法 教えて
    您好 你好 谢谢 感谢 请问 请帮忙 帮助 无法 不能 问题 出现 怎么 什么 已经 我们 可以 請幫忙 問題 無法 謝謝
    안녕하세요 감사합니다 부탁드립니다 합니다 습니다 없습니다 있습니다 됩니다 안됩니다 문제
    สวัสดี ขอบคุณ ครับ ค่ะ กรุณา ช่วย ไม่ได้ ไม่สามารถ ปัญหา
"""

_OWN_TERMS: Final = tuple(sorted({own.term for own in read(_ELSEWHERE).terms}))
_OF_POSTGRESQL: Final = load(__package__, "generic_terms")
_known: Final[dict[tuple[str, ...], GenericTerms]] = {}

PASSING_ON: Final = frozenset(
    """
    below attached forwarded forwarding information info cheers mail message siehe unten anbei weitergeleitet
    weiterleitung kenntnis bearbeitung prüfung erledigung nachricht voir ci-dessous dessous transféré traiter courriel
    abajo adjunto reenviado información correo mensaje
    """.split()
)
"""What is said besides by who only passes a mail on."""


def generic_words(languages: Sequence[str]) -> str:
    """Those of *languages* (ISO 639-1), as a text."""
    return " ".join(words for language, words in GENERIC_WORDS.items() if language in languages)


@dataclass(frozen=True, slots=True)
class GenericTerms:
    """The terms that the index has for generic words."""

    all: frozenset[str]
    joined: str
    """With a space between two, for a statement: the driver looks at each string of a list, 70 µs for 275."""


async def generic_terms(ask: Callable[..., Awaitable[Sequence[Row]]], languages: tuple[str, ...]) -> GenericTerms:
    """The terms that the index has for the generic words of *languages*, and of languages without a configuration.

    *ask*: `Transaction.rows` or `Database.rows_alone`.
    PostgreSQL is asked once in the life of a process: to read the words took 0.4 ms of its CPU for each ticket.
    """
    if languages not in _known:
        configurations = [CONFIGURATIONS[language] for language in languages]
        rows = await ask(_OF_POSTGRESQL, configurations=configurations, generic=generic_words(languages))
        terms = [*sorted(row["term"] for row in rows), *_OWN_TERMS]
        _known[languages] = GenericTerms(frozenset(terms), " ".join(terms))
    return _known[languages]
