from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from app.console import pages
from app.console.charts import bars, spark
from app.console.pages import CONTENT_SECURITY_POLICY, safe_note, static_file


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        '<a href="javascript:alert(1)">x</a>',
        '<p onclick="alert(1)" style="position:fixed">x</p>',
        "</template></div><script>alert(1)</script>",
        '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
        '<a href="data:text/html,<script>">x</a>',
        "<svg><style><a id='</style><img src=x onerror=alert(1)>'>",
    ],
)
def test_nothing_that_runs_or_breaks_out_passes_as_a_note(html: str) -> None:
    clean = safe_note(html).lower()
    for bad in ("<script", "onerror=", "javascript:", "onclick=", "style=", "<iframe", "</template", "data:", "<img"):
        assert bad not in clean.replace("&lt;", ""), clean


def test_a_note_keeps_its_own_tags_and_links() -> None:
    html = '<div><p><b>AI Agents</b></p><ul><li><a href="https://sdp.example/1?a=1&amp;b=2">[T1]</a></li></ul></div>'
    clean = safe_note(html)
    assert "<b>AI Agents</b>" in clean
    assert 'href="https://sdp.example/1?a=1&amp;b=2"' in clean
    assert 'rel="noopener noreferrer"' in clean


def test_the_policy_lets_nothing_inline_run_or_style() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY


def test_charts_escape_and_need_no_style() -> None:
    drawn = bars([("<b>1 h ago</b>", {"ok": 3, "bad": 1})], "a <label>") + spark([1, 2, 3], '"quoted"')
    assert "<b>" not in drawn
    assert "<label>" not in drawn
    assert "style=" not in drawn
    assert drawn.count("<rect") == 2


@pytest.mark.parametrize("name", ["../app.py", "htmx.LICENSE", "nothing.css", "console.css/../console.js", ""])
def test_only_static_files_of_known_kinds_are_served(name: str) -> None:
    assert static_file(name) is None


def test_the_pages_own_files_are_there() -> None:
    for name in ("console.css", "console.js", "note.css", "htmx-2.0.11.min.js", "icon.svg", "inter-latin.woff2"):
        assert static_file(name) is not None


def test_no_template_lets_a_text_through_as_it_is() -> None:
    """But for a note, which is cleaned, and charts, which escape."""
    environment = Environment(autoescape=True)
    folder = Path(pages.__file__).parent
    for file in (folder / "templates").glob("*.html"):
        tree = environment.parse(file.read_text("utf-8"))
        assert not {each.name for each in tree.find_all(nodes.Filter)} & {"safe", "tojson", "xmlattr"}, file.name
        assert not [*tree.find_all(nodes.ScopedEvalContextModifier)], f"{file.name}: autoescape"
    makers = {file.name for file in folder.glob("*.py") if "Markup(" in file.read_text("utf-8")}
    assert makers == {"charts.py", "pages.py"}
    assert "&lt;script&gt;" in pages.render(
        "problem.html", user=None, here="", title="<script>", detail="<script>alert(1)</script>", tries_again=False
    )
