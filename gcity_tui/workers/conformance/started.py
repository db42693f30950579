"""Requirements on how a program is started: command, prompt, what a resume leaves out, options, environment."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gcity_tui.model.declared import Agent, Provider
from gcity_tui.model.session import SessionRecord
from gcity_tui.workers.conformance.report import Result, Unsupported, judged, need
from gcity_tui.workers.launch import Launch, Places, command, launch

PROMPT = "Base worker prompt\n\n---\n\nUser message:\nDo the first task."


class Started:
    """One provider's requirements on its launch. Nothing is run."""

    def __init__(self, provider: Provider, folder: Path) -> None:
        self.provider = provider
        self.agent = Agent("probe", provider=provider.name, env={"WORKER_CORE_MARKER": "here"}, nudge="begin")
        self.record = SessionRecord("gc-1", "probe-1", "probe", provider=provider.name, name="probe-1", key="key-1",
                                    work_dir=str(folder))  # fmt: skip
        self.places = Places("conformance", folder, {"PATH": "/usr/bin:/bin", "HOME": str(folder)})

    def results(self) -> Iterator[Result]:
        checks = {
            "WC-START-001": self.materialised, "WC-START-002": self.environment, "WC-INPUT-001": self.first,
            "WC-INPUT-002": self.resumed, "WC-INPUT-003": self.model,
        }  # fmt: skip
        for name, check in checks.items():
            yield judged(name, self.provider.name, check)

    def _made(self, *, resume: bool = False) -> Launch:
        return launch(self.provider, self.agent, self.record, self.places, prompt=PROMPT, resume=resume)

    def materialised(self) -> str:
        p = self.provider
        words = command(p, self.agent, self.record)
        need(words and words[0], "no command")
        need(p.process_names, "no process names")
        need(p.screen.ready or p.ready_delay_ms, "neither a sign of readiness nor a delay")
        there = "installed" if shutil.which(words[0]) else "not installed here"
        return f"{' '.join(words[:4])} … ({there})"

    def environment(self) -> str:
        made = self._made()
        told = {**made.env, **made.secrets}
        need(told.get("WORKER_CORE_MARKER") == "here", "the agent's variables are lost")
        need(told["GC_PROVIDER"] == self.provider.name and told["GC_SESSION_ID"] == "gc-1", "the GC_ names are lost")
        need(told["PATH"].startswith(f"{self.places.path}/.gc/bin:"), "bd and gc are not first on PATH")
        need(made.cwd == self.record.work_dir, "another folder")
        return f"{len(told)} variables"

    def first(self) -> str:
        made = self._made()
        given = [w for w in made.argv if PROMPT in w]
        need(len(given) + (made.first == PROMPT) == 1, "the prompt is not given exactly once")
        return "typed" if made.first else f"as an argument ({self.provider.prompt_mode})"

    def resumed(self) -> str:
        p = self.provider
        if not (p.resume_flag or p.resume_command):
            raise Unsupported("it cannot go on with a conversation")
        made = self._made(resume=True)
        need(not any(PROMPT in w for w in made.argv) and not made.first, "the prompt is said again")
        need(any("key-1" in w for w in made.argv), "the conversation is not named")
        need(not p.session_id_flag or p.session_id_flag not in made.argv, "a new conversation is asked for too")
        return p.resume_flag

    def model(self) -> str:
        models = self.provider.options.get("model")
        if not models:
            raise Unsupported("it has no choice of models")
        plain = command(self.provider, self.agent, self.record)
        other = next(m for m in models if m != self.provider.option_defaults.get("model"))
        changed = command(self.provider, replace(self.agent, option_defaults={"model": other}), self.record)
        need(all(w in changed for w in models[other]), "the model is not passed on")
        default = self.provider.options["model"].get(self.provider.option_defaults.get("model", ""), ())
        lost = [w for w in plain if w not in changed and w not in default]
        need(not lost, f"other defaults are lost: {lost}")
        return " ".join(models[other])
