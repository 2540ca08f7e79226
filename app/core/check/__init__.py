"""The check of support: which sentences of a draft a note may have, by what the tenant's records say (docs/support.md).

`checking` decides about a draft, `support` about one sentence. Below them, in the order in which they are asked:

- texts as they are compared: `tokens`, `sentences`, `clauses`, with the words of `lexicon` and `opposites`;
- what a note may say, and who said it: `records`, `strangers`, `windows`, `amounts`;
- what speaks for and against a sentence: `evidence`, `direction`, `turned`, `acts`, weighed by `weighing`;
- what holds between sentences: `bans`, `told`.
"""
