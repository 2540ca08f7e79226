"""How text from outside is read: what of it a person wrote, in which language, whether anybody waits (docs/text.md)."""
