"""The name of a thing, which has the form of a password: "sign in with the profile Drivers-2026"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_THINGS: Final = frozenset(
    "profile profiles group groups share shares policy policies entry entries file files folder folders queue rule"
    " rules task tasks site mailbox template list workspace project role printer network database job report calendar"
    " channel"
    " profil gruppe freigabe richtlinie eintrag datei ordner warteschlange regel aufgabe postfach vorlage liste projekt"
    " rolle drucker netzwerk datenbank groupe partage strategie entree fichier dossier regle tache modele projet"
    " imprimante reseau perfil grupo directiva entrada archivo carpeta cola regla tarea plantilla lista proyecto rol"
    " impresora profilo gruppo cartella elenco stampante pasta diretiva ficheiro impressora profiel groep map bestand"
    " postvak profilu grupy grupa folderu drukarki skupiny slozky tiskarny".split()
)
_CALLED: Final = frozenset("called named heisst namens genannt appele nomme llamado llamada llama".split())
_BEGINS: Final = frozenset(
    "begin begins beginning start starts starting end ends ending beginnt beginnen endet enden commence commencent"
    " termine empieza empiezan comienza comienzan termina terminan".split()
)
_WITHS: Final = frozenset("with mit par avec con por in".split())
_SUBJECT_WORDS: Final = 5


def follows_thing(before: Sequence[str]) -> bool:
    """Whether the folded words *before* end with a thing, or say what it is called: "the share is called …"."""
    is_called = bool(before) and before[-1] in _CALLED
    return before[-1:] != [] and (before[-1] in _THINGS or (is_called and _has_thing(before)))


def begins_so(before: Sequence[str]) -> bool:
    """Whether they say how a thing's name begins or ends: "every entry that begins with …"."""
    return before[-1:] != [] and before[-1] in _WITHS and not _BEGINS.isdisjoint(before[-2:-1]) and _has_thing(before)


def _has_thing(before: Sequence[str]) -> bool:
    return not _THINGS.isdisjoint(before[-_SUBJECT_WORDS:])
