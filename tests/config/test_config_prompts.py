"""Prompt templates: the part of Go's text/template that they use, and that nothing a pack holds can run away."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.config.prompt import render, render_prompt


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("Hello {{ .Name }}!", "Hello Ann!"),
        ("{{.Missing}}|", "|"),
        ("{{ basename .Agent }}", "eddie-2"),
        ("{{ session .Agent }}", "repo--eddie-2"),
        ("{{ cmd }} hook", "gc hook"),
        ("{{ if .Name }}a{{ else }}b{{ end }}", "a"),
        ('{{ if .Missing }}a{{ else if eq .Name "Ann" }}c{{ else }}b{{ end }}', "c"),
        ("{{ if and .Name (not .Missing) }}a{{ end }}", "a"),
        ("{{ range .List }}[{{ . }}]{{ end }}", "[x][y]"),
        ("{{ range $i, $v := .List }}{{ $i }}={{ $v }} {{ end }}", "0=x 1=y "),
        ("{{ with .Name }}{{ . }}{{ end }}", "Ann"),
        ("{{ $x := .Name }}{{ $x }}", "Ann"),
        ("a {{- .Name -}} b", "aAnnb"),
        ("{{/* a note */}}b", "b"),
        ('{{"{{requester}}"}}', "{{requester}}"),
        ('{{ printf "%s-%d%%" .Name 3 }}', "Ann-3%"),
        ('{{ .Name | printf "%q" }}', '"Ann"'),
        ('{{ define "x" }}<{{ .Name }}>{{ end }}{{ template "x" . }}', "<Ann>"),
        ('{{ templateFirst . (printf "note-%s" .Key) "note-default" }}', "the default"),
        ("---\nversion: 3\n---\nbody", "body"),
        ("{{ len .List }} {{ index .List 1 }} {{ lt 1 2 }}", "2 y true"),
    ],
)
def test_what_prompts_use(template: str, result: str) -> None:
    data = {"Name": "Ann", "Agent": "repo/eddie-2", "List": ["x", "y"], "Key": "codex"}
    fragments = [("f.md", '{{ define "note-default" }}the default{{ end }}')]
    assert render(template, data, fragments) == (result, ())


@pytest.mark.parametrize(
    ("template", "line", "says"),
    [
        ("one\n{{ if .X }}two", 2, "no end"),
        ("one\ntwo {{ nothing .X }}", 2, "nothing"),
        ('\n\n{{ template "none" . }}', 3, "no template"),
        ("---\na: b\n---\n{{ .X", 4, "not closed"),
        ('{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}', 1, "without end"),
        ("{{ range 100 }}{{ range 1000 }}" + "a" * 50 + "{{ end }}{{ end }}", 0, "too long"),
        ("{{ range 10000 }}{{ range 10000 }}{{ $x := 1 }}{{ end }}{{ end }}", 1, "come to an end"),
        ("{{ " + "(" * 5000 + " }}", 1, "too many words"),
        ("{{ if .X }}" * 300, 1, "deeply"),
    ],
    ids=range(9),
)
def test_a_fault_gives_the_text_as_written_and_a_warning(template: str, line: int, says: str) -> None:
    text, warnings = render(template, {"X": "x"}, place="prompt.md")
    assert text == template.removeprefix("---\na: b\n---\n")
    assert len(warnings) == 1 and warnings[0].startswith(f"prompt.md:{line}") and says in warnings[0]


def test_values_are_never_templates() -> None:
    assert render("{{ .X }}", {"X": "{{ .Y }}", "Y": "no"})[0] == "{{ .Y }}"


def test_appended_fragments() -> None:
    fragments = [("a", '{{ define "one" }}1 {{ .X }}{{ end }}'), ("b", '{{ define "one" }}2 {{ .X }}{{ end }}')]
    text, warnings = render("body\n", {"X": "x"}, fragments, append=["one", "one", "none"], place="p")
    assert text == "body\n\n2 x" and warnings == ("p: no fragment 'none'",)


def test_prompts_of_the_review_pack(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    city_dir = tmp_path / "city"
    city_dir.mkdir()
    (city_dir / "city.toml").write_text(
        '[imports.review]\nsource = "shipped:review"\n[[rigs]]\nname = "repo"\npath = "../repo"\n'
    )
    city = load_city(city_dir)
    assert len(city.agents) == 5
    for agent in city.agents:
        text, warnings = render_prompt(city, agent, {"AgentName": agent.instance(1), "WorkDir": "/w/1"})
        assert warnings == () and "{{" not in text
        assert agent.instance(1) in text and "gc hook --claim --json" in text and "/w/1" in text
        assert "gc runtime drain-ack" in text and "bd close" in text
        leg = agent.name != "eddie"
        assert ("gc review submit" in text) == leg and ("gc review merge" in text) == (not leg)


def test_plain_markdown_is_passed_on(tmp_path: Path) -> None:
    home = tmp_path / "agents" / "a"
    home.mkdir(parents=True)
    (tmp_path / "city.toml").write_text("")
    (home / "prompt.md").write_text("---\nversion: 1\n---\nHi {{ .AgentName }}\x1b[31m\n")
    city = load_city(tmp_path)
    assert render_prompt(city, city.agents[0], {}) == ("Hi {{ .AgentName }}\n", ())


def test_corpus_prompts_render(corpus: Path) -> None:
    """Every prompt of the real cities, with the fragments of its own packs; only places that document are left raw."""
    seen = 0
    for path in sorted(corpus.rglob("city.toml")):
        city = load_city(path)
        for agent in city.agents:
            text, warnings = render_prompt(city, agent, {})
            seen += 1
            assert text or not agent.prompt
            assert all("no fragment" in w for w in warnings), warnings
    assert seen >= 8
