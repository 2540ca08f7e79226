#!/usr/bin/env bash
# Put the rendered diff on the pull request: one comment, rewritten at each push.
set -euo pipefail

: "${GITHUB_REPOSITORY:?}" "${PULL_REQUEST:?its number}" "${RENDERED_DIFF:?what rendered_diff.py wrote}"
marker='<!-- rendered diff -->'

comments=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments" --jq \
    ".[] | select(.user.login == \"github-actions[bot]\" and (.body | startswith(\"$marker\"))) | .id")
comment=${comments%%$'\n'*}
if [[ $comment ]]; then
    request=(--method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$comment")
else
    request=(--method POST "repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments")
fi
# The text comes from the pull request: it goes through a pipe and is never read as a command or an option.
printf '%s\n%s\n' "$marker" "$RENDERED_DIFF" | gh api "${request[@]}" --silent --field body=@-
