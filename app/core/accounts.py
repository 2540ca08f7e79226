"""Whose a ticket, article or asset of a shared instance is.

Invariant: what names no account, or one that no tenant is, is nobody's: it is stored for no one.
"""

from __future__ import annotations

from app.core.article import Article
from app.core.asset import Asset
from app.core.help_desk import Account, AccountRef, HelpDeskOptions


def is_shared_with(account: Account, article: Article, options: HelpDeskOptions) -> bool:
    """Whether the article is for *account*: shared with it, or with nobody by name where the instance says for all."""
    if not article.accounts:
        return options.articles_without_account == "all"
    return any(account.fits(told) for told in article.accounts)


def is_asset_of(account: Account, asset: Asset) -> bool:
    """Whether the asset is the account's: by the account that it or its site names, else by the site's own id."""
    if asset.account != AccountRef():
        return account.fits(asset.account)
    return bool(asset.site_id) and asset.site_id in account.site_ids
