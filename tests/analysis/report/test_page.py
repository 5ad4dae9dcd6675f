"""report.html: the same report in one file, which asks no host for anything and in which no value is live."""

import base64
import hashlib
import re
import sys
from html.parser import HTMLParser

import pytest
from conftest import recorded_study
from reports import undrawn

from analysis.__main__ import main
from analysis.report import freshness
from analysis.report.files import write_report
from analysis.report.page import page
from runner.store import Store, read_study

FACTORS = {"dropout": ["true", "false"], "binarize": ["true", "false"]}
HOSTILE = [
    *("a|b", "<script>alert(1)</script>", "[x](http://example.org)", "![x](http://example.org/x.png)", "=1+1"),
    *("`tick` $x$ \\", "x" * 300, "😀\n# new", "javascript:alert(1)", "<img src=x onerror=alert(1)>", "&lt;b&gt;"),
]
EMPTY = {"meta", "img", "br"}


class Seen(HTMLParser):
    """The elements of a page as (name, attributes), its text outside style and script, and whether all is closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self):
        return "".join(self.texts)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def written(folder):
    write_report(folder)
    return (folder / "report.html").read_text()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = recorded_study(tmp_path_factory.mktemp("paged"), FACTORS, seeds=5, images=1000)
    text = written(folder)
    return folder, text, Seen(text)


def test_the_page_has_the_sections_of_the_report_and_a_contents_that_leads_to_each(study):
    folder, _, seen = study
    sections = re.findall(r"^## (.*)$", (folder / "report.md").read_text(), re.MULTILINE)
    anchors = [attributes["id"] for attributes in seen.all("h2")]
    assert [attributes["href"] for attributes in seen.all("a")] == [f"#{anchor}" for anchor in anchors]
    assert len(set(anchors)) == len(sections) and "the-gap-between-training-and-validation-taken-apart" in anchors
    assert all(seen.text.count(section) >= 2 for section in sections)
    assert seen.open == []


def test_every_figure_is_inside_as_it_is(study):
    folder, text, seen = study
    images = [attributes["src"] for attributes in seen.all("img")]
    figures = {path.read_bytes() for path in (folder / "figures").iterdir()}
    assert {base64.b64decode(source.removeprefix("data:image/png;base64,")) for source in images} == figures
    assert len(images) == len(figures) == len(seen.all("figcaption"))
    assert "figures/" not in text and all({"width", "height"} <= set(each) for each in seen.all("img"))


def test_the_page_names_no_host_and_allows_itself_none(study):
    _, text, seen = study
    assert not re.search(r"https?:|url\(|@import|fetch|//[a-z]", re.sub('src="data:[^"]*"', "", text))
    assert not {"link", "iframe", "object", "form", "base"} & {tag for tag, _ in seen.elements}
    policy = next(each["content"] for each in seen.all("meta") if each.get("http-equiv") == "Content-Security-Policy")
    for kind in ("style", "script"):
        [inside] = re.findall(f"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not [each for _, attributes in seen.elements for each in attributes if each.startswith("on")]
    assert "style" not in {each for _, attributes in seen.elements for each in attributes}


def test_tables_scroll_by_themselves_and_those_that_compare_can_be_sorted(study):
    _, text, seen = study
    boxes = re.findall(r'<div class="scroll" role="region" tabindex="0" aria-label="Table: (.*?)">\n<table(.*?)>', text)
    assert len(boxes) == len(seen.all("table"))
    assert {name for name, kind in boxes if "sortable" in kind} == {"Comparison", "Effects"}
    assert '<th class="number">n</th>' in text and '<td class="number">5</td>' in text and "<td>true</td>" in text


def test_the_same_records_give_the_same_page(study):
    folder, text, _ = study
    assert written(folder) == text


@undrawn()
def test_hostile_levels_are_text_in_the_page(tmp_path):
    folder = recorded_study(tmp_path, {"model": HOSTILE})
    text = written(folder)
    seen = Seen(text)
    assert text.count("<script>") == 1 and "<script>alert(1)</script>" in seen.text
    assert "[x](http://example.org)" in seen.text and "&lt;b&gt;" in seen.text
    assert "<img src=x onerror=alert(1)>" in seen.text
    assert {tag for tag, _ in seen.elements} <= {
        *("html", "head", "meta", "title", "style", "body", "nav", "ul", "li", "a", "main", "h1", "h2", "p", "code"),
        *("strong", "em", "div", "table", "thead", "tbody", "tr", "th", "td", "figure", "img", "figcaption", "script"),
        "blockquote",
    }
    assert all(each["src"].startswith("data:image/png;base64,") for each in seen.all("img"))
    assert all(each["href"].startswith("#") for each in seen.all("a"))


@pytest.mark.parametrize("name", ["<b>bold</b>", '"><script>alert(1)</script>', "a & b", "# x", "</title><script>"])
def test_a_hostile_title_is_text(name):
    from analysis.words.markup import markdown

    seen = Seen(page(name, [f"# {markdown(name)}", "", "## One", "", "Text."], {}).decode())
    assert [tag for tag, _ in seen.elements if tag in ("b", "script")] == ["script"]
    assert seen.text.count(name) == 2  # the title and the heading


@undrawn()
def test_a_page_that_is_gone_is_written_again_and_the_terminal_says_where_it_lies(tmp_path, monkeypatch, capsys):
    folder = recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=2)
    told, _ = freshness.summary(folder, Store(tmp_path), read_study(folder))
    assert told.endswith(f"report: {folder / 'report.md'}\npage: {folder / 'report.html'}")
    before = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    freshness.summary(folder, Store(tmp_path), read_study(folder))
    assert (folder / "report.html").read_bytes() == before
    monkeypatch.setattr(sys, "argv", ["analysis", str(folder)])
    assert main() == 0 and f"page: {folder / 'report.html'}" in capsys.readouterr().out
