"""To which account an article or asset of a shared instance belongs.

Invariant: what names no account, or one that no tenant is, is nobody's: it is stored for no one. An entry is found by
its account's id, or by its name where its account has no id.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from app.core.article import Article
from app.core.asset import Asset
from app.core.help_desk import Account, AccountRef, HelpDeskOptions, same_name

Entry = TypeVar("Entry")


class Accounts(Generic[Entry]):
    """The accounts of one instance, each with what stands for it."""

    def __init__(self, entries: Iterable[tuple[Account, Entry]]) -> None:
        self._by_id: dict[str, Entry] = {}
        self._by_name: dict[str, Entry] = {}
        self._by_site: dict[str, Entry] = {}
        for account, entry in entries:
            if account.id is not None:
                self._by_id[account.id] = entry
            else:
                self._by_name[same_name(account.name or "")] = entry
            self._by_site |= dict.fromkeys(account.site_ids, entry)

    def find(self, told: AccountRef) -> Entry | None:
        found = self._by_id.get(told.id) if told.id else None
        return found if found is not None else self._by_name.get(same_name(told.name)) if told.name else None

    def of_article(self, article: Article, options: HelpDeskOptions) -> list[Entry]:
        """The entries that the article is for: those it is shared with; all, where the instance says so of one that
        names no account.
        """
        if not article.accounts:
            return [*self._by_id.values(), *self._by_name.values()] if options.articles_without_account == "all" else []
        found = {id(entry): entry for told in article.accounts if (entry := self.find(told)) is not None}
        return list(found.values())

    def of_asset(self, asset: Asset) -> Entry | None:
        """The entry of the asset: by the account that it or its site names, else by its site's id."""
        if asset.account != AccountRef():
            return self.find(asset.account)
        return self._by_site.get(asset.site_id) if asset.site_id else None
